package lab

import (
	"encoding/json"
	"slices"
	"strings"
)

// ProbeEvent is something that nbxmpp has read. The fields have nbxmpp's names.
type ProbeEvent struct {
	Kind string `json:"kind"` // "presence", "message", "roster" for a roster push, "exchange" for XEP-0144
	XML  string `json:"xml"`

	Type     string   `json:"type"` // of a presence "available" for none, of a message "normal"
	JID      string   `json:"jid"`  // the other side
	From     string   `json:"from_"`
	ID       string   `json:"id"`
	Is       []string `json:"is"` // the questions that nbxmpp answers with yes: "is_muc_self_presence", …
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

	// Answers to commands
	N      int             `json:"n"`
	Text   string          `json:"text"`
	Result json.RawMessage `json:"result"`
}

// Has reports whether nbxmpp answers a question with yes.
func (e *ProbeEvent) Has(question string) bool { return slices.Contains(e.Is, question) }

// Bare and Resource are the parts of the other side's address.
func (e *ProbeEvent) Bare() string {
	bare, _, _ := strings.Cut(e.JID, "/")
	return bare
}

// Resource is the part of the other side's address that Bare lacks.
func (e *ProbeEvent) Resource() string {
	_, resource, _ := strings.Cut(e.JID, "/")
	return resource
}

// EntityCaps is where a client finds out what somebody can do. (XEP-0115)
type EntityCaps struct{ Hash, Node, Ver string }

// MUCUser is what a room says of an occupant.
type MUCUser struct{ JID, Affiliation, Nick, Role, Actor, Reason string }

// MUCText is a room's subject.
type MUCText struct{ Text, Author string }

// StanzaID is the id that somebody's archive has given to a message.
type StanzaID struct{ ID, By string }

// Reactions are those of somebody to a message.
type Reactions struct {
	ID     string
	Emojis []string
}

// Moderation is the removal of somebody's message by a moderator.
type Moderation struct {
	StanzaID string `json:"stanza_id"`
	By       string `json:"moderator_jid"`
	Reason   string
}

// ArchivedMessage is where a message is in an archive.
type ArchivedMessage struct {
	ID        string
	Timestamp float64
}

// RosterItem is a contact.
type RosterItem struct {
	JID, Name, Subscription, Ask string
	Groups                       []string
}

// ExchangeItem is a contact that is proposed.
type ExchangeItem struct {
	JID, Name, Action string
	Groups            []string
}

// ProbeError is an error of nbxmpp, or one that it has been answered.
type ProbeError struct {
	Class, Condition, Type, Text, By string
	Data                             *Registration // the form that comes again
}

// Error shows what nbxmpp says.
func (e *ProbeError) Error() string {
	return strings.TrimSpace("nbxmpp: " + e.Class + " " + e.Condition + " " + e.Text)
}

// DiscoInfo is what somebody says of itself.
type DiscoInfo struct {
	Identities []struct{ Category, Type, Name string }
	Features   []string
	Is         []string // nbxmpp's properties that hold: "is_gateway", "is_muc", "is_irc", "muc_is_nonanonymous", …
	Forms      []Form
	MUCName    string `json:"muc_name"`
	XML        string
}

// DiscoItems are what somebody has.
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

// Field is a field of a form, nil if it has none of that name.
func (f *Form) Field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Var == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// Field is one of a form.
type Field struct {
	Var, Type, Label, Desc string
	Required               bool
	Values, Options        []string
}

// Fill is an argument of Call: the form with other values, and the others as they were.
func (f *Form) Fill(values map[string][]string) any {
	if values == nil {
		values = map[string][]string{}
	}
	return map[string]any{"form": f.Number, "values": values}
}

// Registration is what a registration asks for.
type Registration struct {
	Instructions string
	Form         *Form
	FieldsForm   *Form `json:"fields_form"`
}

// AdHocStep is an answer of an ad-hoc command.
type AdHocStep struct {
	Number            int `json:"command"`
	JID, Node, Name   string
	Status, SessionID string
	Form              *Form
	Actions           []string
	Notes             []struct{ Text, Type string }
}

// Argument is the step as an argument of Call.
func (s *AdHocStep) Argument() any { return map[string]any{"command": s.Number} }

// BeginCommand is an argument of Call: a command that is not begun yet.
func BeginCommand(jid, node string) any { return map[string]any{"at": jid, "begin": node} }

// JIDArgument is a JID as an argument of Call.
func JIDArgument(jid string) any { return map[string]any{"jid": jid} }

// ActionArgument is what to do with a step, as an argument of Call.
func ActionArgument(action string) any { return map[string]any{"action": action} }

// Affiliations are what to make of people in a room, as an argument of Call.
func Affiliations(users map[string]string) any {
	all := make(map[string]map[string]string)
	for jid, affiliation := range users {
		all[jid] = map[string]string{"affiliation": affiliation}
	}
	return map[string]any{"users": all}
}
