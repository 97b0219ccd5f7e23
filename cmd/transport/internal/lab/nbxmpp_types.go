package lab

import (
	"encoding/json"
	"slices"
	"strings"
)

// ProbeEvent is a stanza as nbxmpp has parsed it. The fields have nbxmpp's names.
type ProbeEvent struct {
	Kind string `json:"kind"` // "presence", "message", "roster" for a roster push, "exchange" for XEP-0144
	XML  string `json:"xml"`

	Type     string   `json:"type"` // without a type: "available" for presence, "normal" for a message
	JID      string   `json:"jid"`  // the other side
	From     string   `json:"from_"`
	ID       string   `json:"id"`
	Is       []string `json:"is"` // nbxmpp's properties that are true: "is_muc_self_presence", …
	Nickname string   `json:"nickname"`
	Error    *ProbeError
	// Presence
	Show       string      `json:"show"`
	Status     string      `json:"status"`
	AvatarSHA  string      `json:"avatar_sha"`
	EntityCaps *EntityCaps `json:"entity_caps"`
	// Rooms
	FromMUC     bool       `json:"from_muc"`
	MUCNickname string     `json:"muc_nickname"`
	MUCCodes    []string   `json:"muc_status_codes"`
	MUCUser     *MUCUser   `json:"muc_user"`
	MUCSubject  *MUCText   `json:"muc_subject"`
	OccupantID  string     `json:"occupant_id"`
	StanzaIDs   []StanzaID `json:"stanza_ids"`
	// Messages
	Body          string  `json:"body"`
	Subject       *string `json:"subject"`
	ChatState     string  `json:"chatstate"`
	Timestamp     float64 `json:"timestamp"`
	UserTimestamp float64 `json:"user_timestamp"`
	Correction    *struct{ ID string }
	Reactions     *Reactions
	Reply         *struct{ To, ID string } `json:"reply_data"`
	Moderation    *Moderation              `json:"moderation"`
	MAM           *ArchivedMessage         `json:"mam"`
	// Rosters
	Push  *struct{ Item RosterItem } `json:"roster"`
	Items []ExchangeItem             `json:"items"`

	// Results of commands
	N      int             `json:"n"`
	Text   string          `json:"text"`
	Result json.RawMessage `json:"result"`
}

// Has reports whether a property of nbxmpp is true.
func (e *ProbeEvent) Has(question string) bool { return slices.Contains(e.Is, question) }

// Bare returns the bare JID of the other side.
func (e *ProbeEvent) Bare() string {
	bare, _, _ := strings.Cut(e.JID, "/")
	return bare
}

// Resource returns the resource of the other side's JID.
func (e *ProbeEvent) Resource() string {
	_, resource, _ := strings.Cut(e.JID, "/")
	return resource
}

// EntityCaps are the entity capabilities in a presence. (XEP-0115)
type EntityCaps struct{ Hash, Node, Ver string }

// MUCUser are a room's attributes of an occupant. (XEP-0045)
type MUCUser struct{ JID, Affiliation, Nick, Role, Actor, Reason string }

// MUCText is a room's subject.
type MUCText struct{ Text, Author string }

// StanzaID is the ID of a message in an archive. (XEP-0359)
type StanzaID struct{ ID, By string }

// Reactions are the reactions of a sender to a message. (XEP-0444)
type Reactions struct {
	ID     string
	Emojis []string
}

// Moderation is the retraction of a message by a moderator. (XEP-0425)
type Moderation struct {
	StanzaID string `json:"stanza_id"`
	By       string `json:"moderator_jid"`
	Reason   string
}

// ArchivedMessage is the position of a message in an archive. (XEP-0313)
type ArchivedMessage struct {
	ID        string
	Timestamp float64
}

// RosterItem is a roster item.
type RosterItem struct {
	JID, Name, Subscription, Ask string
	Groups                       []string
}

// ExchangeItem is a suggested roster item. (XEP-0144)
type ExchangeItem struct {
	JID, Name, Action string
	Groups            []string
}

// ProbeError is an error of nbxmpp, or an error response.
type ProbeError struct {
	Class, Condition, Type, Text, By string
	Data                             *Registration // the form in the error response
}

// Error returns nbxmpp's text.
func (e *ProbeError) Error() string {
	return strings.TrimSpace("nbxmpp: " + e.Class + " " + e.Condition + " " + e.Text)
}

// DiscoInfo is the result of a disco#info query. (XEP-0030)
type DiscoInfo struct {
	Identities []struct{ Category, Type, Name string }
	Features   []string
	Is         []string // nbxmpp's properties that are true: "is_gateway", "is_muc", "is_irc", "muc_is_nonanonymous", …
	Forms      []Form
	MUCName    string `json:"muc_name"`
	XML        string
}

// DiscoItems is the result of a disco#items query. (XEP-0030)
type DiscoItems struct {
	Items []struct{ JID, Name, Node string }
}

// Form is a data form.
type Form struct {
	Number       int `json:"form"`
	Type         string
	Title        string
	Instructions string
	Fields       []Field
	Rows         []map[string]any
}

// Field returns the field with a name, nil if there is none.
func (f *Form) Field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Var == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// Field is a field of a form.
type Field struct {
	Var, Type, Label, Desc string
	Required               bool
	Values, Options        []string
}

// Fill returns an argument of Call: the form with some values replaced.
func (f *Form) Fill(values map[string][]string) any {
	if values == nil {
		values = map[string][]string{}
	}
	return map[string]any{"form": f.Number, "values": values}
}

// Registration is a registration form. (XEP-0077)
type Registration struct {
	Instructions string
	Form         *Form
	FieldsForm   *Form `json:"fields_form"`
}

// AdHocStep is a step of an ad-hoc command. (XEP-0050)
type AdHocStep struct {
	Number            int `json:"command"`
	JID, Node, Name   string
	Status, SessionID string
	Form              *Form
	Actions           []string
	Notes             []struct{ Text, Type string }
}

// Argument returns the step as an argument of Call.
func (s *AdHocStep) Argument() any { return map[string]any{"command": s.Number} }

// BeginCommand returns an argument of Call: a command to start.
func BeginCommand(jid, node string) any { return map[string]any{"at": jid, "begin": node} }

// JIDArgument returns a JID as an argument of Call.
func JIDArgument(jid string) any { return map[string]any{"jid": jid} }

// ActionArgument returns the action for a step as an argument of Call.
func ActionArgument(action string) any { return map[string]any{"action": action} }

// Affiliations returns new affiliations in a room as an argument of Call.
func Affiliations(users map[string]string) any {
	all := make(map[string]map[string]string)
	for jid, affiliation := range users {
		all[jid] = map[string]string{"affiliation": affiliation}
	}
	return map[string]any{"users": all}
}
