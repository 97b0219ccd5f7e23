package component

import (
	"slices"
	"time"

	"mellium.im/xmpp/stanza"

	"transport/component/address"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// A command is something that a user or an administrator can have done, by an
// ad-hoc command (XEP-0050) or, if word is set, by writing that word to the
// gateway.
type command struct {
	node, name string   // no node for what is done by its word only
	word       string   // for those whose client knows no commands; the node if it is empty
	args       []string // the fields that words behind it fill in, the last one all the rest
	argument   string   // what help calls them
	about      string   // what help says of the word, the name if it is empty
	edits      bool     // its form shows what is set; "NAME VALUE" behind the word changes one field
	who        audience
	at         place
	when       func(*user) bool // whether it is listed now, nil for always; it runs in any case
	// run does what needs no questions and says what came of it.
	run func(*user) (string, *stanzaError)
	// ask, in place of run, starts an execution with questions.
	ask   func(*user, *execution)
	needs legacy.Features // without them it is not offered
}

// audience is who is offered a command.
type audience uint8

const (
	anyone     audience = iota
	developers          // listed for administrators, at the end
	strangers
	registered
	members // and guests, where the network takes some
	admins
)

// place is where a command is offered.
type place uint8

const (
	atGateway place = iota
	atService
	atRoom
	atPerson
)

// execution is one run of a command by one of the user's clients.
type execution struct {
	*command
	asked   string      // the node by which it was asked for, perhaps one of otherNodes
	id      string      // sessionid
	from    string      // full JID
	peer    legacy.Peer // to which it was given, zero for the gateway
	expires time.Time
	request *request            // the one to be answered, nil between two stages
	entered map[string][]string // the answers to the current form
	stages  []stage             // those that were shown, the last one is current
	words   *dialogue           // of an execution by words, nil for any other and before its first form
}

// stage is a form that the user is asked to fill in.
type stage struct {
	form *element.Element
	last bool
	next func(*user, *execution, map[string][]string)
}

const (
	commandTime   = 10 * time.Minute // for a form to be filled in (XEP-0050 §4.4: session-expired)
	maxExecutions = 8
)

// offers reports whether a command is for a user.
func (u *user) offers(cmd *command) bool {
	switch cmd.who {
	case strangers:
		return !u.isRegistered()
	case registered:
		return u.isRegistered()
	case members:
		return u.isRegistered() || u.c.info.Guests
	case admins:
		return u.c.isAdmin(u.bare)
	}
	return true
}

// shows reports whether a command is shown to a user: where it applies now.
func (u *user) shows(cmd *command) bool {
	if cmd.who == developers && !u.c.isAdmin(u.bare) {
		return false
	}
	return u.offers(cmd) && (cmd.when == nil || cmd.when(u))
}

// onCommand answers a command's IQ. (XEP-0050 §2.4)
func (u *user) onCommand(r *request) {
	u.expireExecutions()
	node, id := r.payload.Attr("node"), r.payload.Attr("sessionid")
	peer, err := u.c.addressed(r.to)
	if err != nil {
		u.fail(r, translateError(err))
		return
	}
	cmd := u.c.command(node, peer)
	switch {
	case cmd == nil:
		u.fail(r, errItemNotFound)
	case cmd.who == admins && !u.offers(cmd):
		u.fail(r, errForbidden)
	case id == "":
		u.startCommand(r, cmd, peer)
	default:
		u.continueCommand(r, cmd, id)
	}
}

// addressed is what a JID of ours stands for, the zero Peer for the gateway. With an
// occupant's JID it is the person.
func (c *Component) addressed(to address.JID) (legacy.Peer, error) {
	if to.Local == "" {
		return legacy.Peer{}, nil
	}
	p, err := c.parsePeer(to.Local)
	if err == nil && p.Room && to.Resource != "" {
		return c.occupantPeer(&room{peer: p}, to.Resource)
	}
	return p, err
}

// isAt reports whether a command is offered at a peer. What is a service's is the
// gateway's on a network that has none.
func (c *Component) isAt(cmd *command, p legacy.Peer) bool {
	switch cmd.at {
	case atService:
		return p.Service || p.ID == "" && !c.services
	case atRoom:
		return p.Room
	case atPerson:
		return p.ID != "" && !p.Room && !p.Service
	}
	return p.ID == ""
}

// otherNodes are names by which users of other gateways know commands of ours.
var otherNodes = map[string]string{"configure": "options", "global-configure": "options", "disconnect-user": nsAdmin + "#end-user-session"}

// command is the command of a node at a peer, nil if there is none.
func (c *Component) command(node string, p legacy.Peer) *command {
	find := func(node string) *command {
		if node == "" {
			return nil
		}
		i := slices.IndexFunc(c.commands, func(cmd *command) bool { return cmd.node == node && c.isAt(cmd, p) })
		if i < 0 {
			return nil
		}
		return c.commands[i]
	}
	if cmd := find(node); cmd != nil {
		return cmd
	}
	return find(otherNodes[node])
}

// listed is the node by which a command is listed: where there are rooms, the settings
// have the one that users of other gateways look for.
func (c *Component) listed(cmd *command) string {
	switch {
	case cmd.node != "options" || !c.info.Features.Has(legacy.FeatureRooms):
		return cmd.node
	case c.services:
		return "configure"
	}
	return "global-configure"
}

func (u *user) startCommand(r *request, cmd *command, peer legacy.Peer) {
	switch {
	case r.payload.Attr("action") == "cancel": // nothing to cancel
		u.reply(r, xep.NewCommand(r.payload.Attr("node"), newID(), "canceled"))
		return
	case len(u.executions) >= maxExecutions:
		u.fail(r, errBusy.with("Too many commands are waiting for your answer. Finish or cancel one of them."))
		return
	}
	x := &execution{command: cmd, asked: r.payload.Attr("node"), id: newID(), from: r.from.String(), peer: peer, request: r}
	switch { // what the user's state forbids is a note: some clients show errors without their text
	case !u.offers(cmd) && !u.isRegistered():
		u.complete(x, "error", textStranger+" "+u.c.howToRegister(), nil)
	case !u.offers(cmd):
		u.complete(x, "error", "You are registered already, as "+first(u.account.Login, u.account.Fields["username"])+".", nil)
	case cmd.ask != nil:
		cmd.ask(u, x)
	default:
		text, why := cmd.run(u)
		if why != nil {
			u.refuse(x, *why)
			return
		}
		u.complete(x, "info", text, nil)
	}
}

// continueCommand takes the answers to a form. (XEP-0050 §3.4, §4.4)
func (u *user) continueCommand(r *request, cmd *command, id string) {
	x := u.executions[id]
	if x == nil || x.command != cmd || x.from != r.from.String() {
		u.fail(r, commandError(stanza.Modify, stanza.BadRequest, "bad-sessionid"))
		return
	}
	if x.request != nil && !x.request.answered {
		u.fail(r, stanzaError{Type: stanza.Wait, Condition: stanza.UnexpectedRequest, Text: "The command is still at work."})
		return
	}
	x.request = r
	x.expires = u.c.clock.Now().Add(commandTime)
	current := x.stages[len(x.stages)-1]
	switch action := r.payload.Attr("action"); action {
	case "cancel":
		delete(u.executions, id)
		u.reply(r, xep.NewCommand(x.asked, x.id, "canceled"))
	case "prev":
		if len(x.stages) < 2 {
			u.fail(r, commandError(stanza.Modify, stanza.BadRequest, "bad-action"))
			return
		}
		x.stages = x.stages[:len(x.stages)-1]
		u.show(x)
	case "", "execute", "next", "complete":
		if action == "complete" && !current.last { // next for complete hurts nobody, and clients do it
			u.fail(r, commandError(stanza.Modify, stanza.BadRequest, "bad-action"))
			return
		}
		form := r.payload.Child(xep.NSDataForm, "x")
		if form == nil && requiresAnswers(current.form) {
			u.fail(r, commandError(stanza.Modify, stanza.BadRequest, "bad-payload"))
			return
		}
		x.entered = xep.Values(form)
		current.next(u, x, x.entered)
	default:
		u.fail(r, commandError(stanza.Modify, stanza.BadRequest, "malformed-action"))
	}
}

// requiresAnswers reports whether a form has a field that must be filled in.
func requiresAnswers(form *element.Element) bool {
	for f := range form.Children(xep.NSDataForm, "field") {
		if f.Child(xep.NSDataForm, "required") != nil {
			return true
		}
	}
	return false
}

// commandError is an error with a condition of the commands' own namespace.
// (XEP-0050 §4.4)
func commandError(typ stanza.ErrorType, condition stanza.Condition, special string) stanzaError {
	return stanzaError{Type: typ, Condition: condition, Special: element.New(xep.NSCommands, special)}
}

// questions shows the next form of an execution. The answers go to next; last
// says that nothing more will be asked.
func (u *user) questions(x *execution, form *element.Element, last bool, next func(*user, *execution, map[string][]string)) {
	x.stages = append(x.stages, stage{form, last, next})
	x.expires = u.c.clock.Now().Add(commandTime)
	put(&u.executions, x.id, x)
	u.show(x)
}

// show sends the current form.
func (u *user) show(x *execution) { u.showForm(x, x.stages[len(x.stages)-1].form) }

// showAgain sends the current form with what is wrong with the answers: as a note
// (XEP-0050 §4.3), which some clients show at the end of a command only, and in the form.
// field is the one to mend, "" for none in particular.
func (u *user) showAgain(x *execution, complaint, field string) {
	if x.request.words {
		u.sayAgain(x, complaint, field)
		return
	}
	form := x.stages[len(x.stages)-1].form
	u.showForm(x, xep.Corrected(form, x.entered, complaint, field), xep.Note("error", complaint))
}

// showForm sends the form of the current stage.
func (u *user) showForm(x *execution, form *element.Element, notes ...*element.Element) {
	if x.request.words {
		u.converse(x)
		return
	}
	current := x.stages[len(x.stages)-1]
	first := "next"
	if current.last {
		first = "complete"
	}
	var others []string
	if len(x.stages) > 1 {
		others = append(others, "prev")
	}
	cmd := xep.NewCommand(x.asked, x.id, "executing").Add(xep.Actions(first, others...))
	u.reply(x.request, cmd.Add(notes...).Add(form))
}

// refuse ends a step that failed: with the form again if other answers can mend it, else
// with the execution.
func (u *user) refuse(x *execution, why stanzaError) {
	if len(x.stages) > 0 && (why.Type == stanza.Modify || why.Field != "") {
		u.showAgain(x, why.Text, why.Field)
		return
	}
	u.complete(x, "error", why.Text, nil)
}

// complete ends an execution. form may be nil.
func (u *user) complete(x *execution, note, text string, form *element.Element) {
	delete(u.executions, x.id)
	if x.request.words {
		u.concludeWords(x, text, form)
		return
	}
	cmd := xep.NewCommand(x.asked, x.id, "completed")
	if text != "" {
		cmd.Add(xep.Note(note, text))
	}
	u.reply(x.request, cmd.Add(form))
}

// refuseField is refuse, by an error about a field.
func (u *user) refuseField(x *execution, err error, field string) {
	why := translateError(err)
	switch why.Condition {
	case stanza.RecipientUnavailable, stanza.ResourceConstraint, stanza.RemoteServerTimeout: // no other answer helps
	default:
		why.Field = field
	}
	u.refuse(x, why)
}

// expireExecutions forgets those that nobody goes on with.
func (u *user) expireExecutions() {
	now := u.c.clock.Now()
	for id, x := range u.executions {
		if now.After(x.expires) && (x.request == nil || x.request.answered) {
			delete(u.executions, id)
			if x.words != nil && x.words.asking != "" && len(u.late) < maxResources {
				put(&u.late, x.from, true)
			}
		}
	}
}

// executing reports whether an execution waits for its user.
func (u *user) executing() bool {
	u.expireExecutions()
	return len(u.executions) > 0
}

// onItems lists the commands. (XEP-0050 §2.1)
func (u *user) onItems(r *request) {
	q := element.New(xep.NSDiscoItems, "query")
	peer, err := u.c.addressed(r.to)
	if err != nil {
		u.fail(r, translateError(err))
		return
	}
	switch node := r.payload.Attr("node"); {
	case node == "" && (peer.Service || peer.ID == "" && !u.c.services && u.c.info.Features.Has(legacy.FeatureRoomList)):
		u.onRoomList(r, peer)
		return
	case node == "" && peer.ID == "":
		u.listOwnRooms(q)
		if q.Count() == 0 && u.c.info.Features.Has(legacy.FeatureRoomList) {
			u.fail(r, errItemNotFound.with("Each server has a list of its own. Ask at the server's address, as in irc.example.net@"+u.c.domain+"."))
			return
		}
	case node == "":
	case node == xep.NSCommands:
		q.Set("node", node)
		for _, cmd := range u.c.commands {
			if cmd.node != "" && u.c.isAt(cmd, peer) && u.shows(cmd) {
				q.Add(element.New(xep.NSDiscoItems, "item").Set("jid", r.to.String()).Set("node", u.c.listed(cmd)).Set("name", cmd.name))
			}
		}
	case u.c.command(node, peer) != nil:
		q.Set("node", node)
	default:
		u.fail(r, errItemNotFound)
		return
	}
	u.reply(r, q)
}

// commandInfo answers disco#info about the list of commands, or about one. It is
// nil for another node. (XEP-0050 §2.2)
func (c *Component) commandInfo(node string, p legacy.Peer) *element.Element {
	id := element.New(xep.NSDiscoInfo, "identity").Set("category", "automation")
	q := element.New(xep.NSDiscoInfo, "query").Set("node", node).Add(id)
	feature := func(name string) { q.Add(element.New(xep.NSDiscoInfo, "feature").Set("var", name)) }
	feature(xep.NSDiscoInfo)
	feature(xep.NSCommands)
	cmd := c.command(node, p)
	switch {
	case node == xep.NSCommands:
		id.Set("type", "command-list").Set("name", "Commands")
		feature(xep.NSDiscoItems)
	case cmd != nil:
		id.Set("type", "command-node").Set("name", cmd.name)
		feature(xep.NSDataForm)
	default:
		return nil
	}
	return q
}
