package component

import (
	"slices"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// command is a command for users or administrators. It runs as an ad-hoc command
// (XEP-0050) or as a text command: a message to the gateway that begins with its word.
type command struct {
	node, name string   // node is empty for a text command only
	word       string   // of the text command; the node by default
	args       []string // the fields of its arguments; the last one takes the rest of the text
	argument   string   // the arguments in the help text
	about      string   // the description in the help text; the name by default
	edits      bool     // its form shows current values; the arguments "NAME VALUE" change one field
	who        audience
	at         place
	when       func(*user) bool // whether it is listed now, nil for always; an unlisted command runs, too
	// run executes a command without forms and returns its result.
	run func(*user) (string, *stanza.Error)
	// start, in place of run, starts an execution that asks by forms.
	start func(*user, *execution)
	needs legacy.Features // of the network, or else the command does not exist
}

// audience is the group of users that a command is for.
type audience uint8

const (
	anyone     audience = iota
	developers          // listed for administrators only, at the end
	strangers
	registered
	members // registered users, and guests on networks that permit them
	admins
)

// place is the kind of address that a command is sent to.
type place uint8

const (
	atGateway place = iota
	atService
	atRoom
	atPerson
)

// execution is one run of a command by one client.
type execution struct {
	*command
	ad      *adhoc
	asked   string      // the requested node, possibly one of otherNodes
	id      string      // sessionid
	from    string      // full JID
	peer    legacy.Peer // the addressee, zero for the gateway
	expires time.Time
	request *stanza.Request     // the request to answer, nil between two stages
	entered map[string][]string // the answers to the current form
	stages  []stage             // the forms so far; the last one is current
	words   *dialogue           // state of a text dialogue, nil before its first form and in an ad-hoc command
}

// stage is one form of an execution.
type stage struct {
	form *element.Element
	last bool
	next func(*user, *execution, map[string][]string)
}

const (
	commandTime   = 10 * time.Minute // for a form to be filled in (XEP-0050 §4.4: session-expired)
	maxExecutions = 8
)

// offers reports whether a command is for this user.
func (ad *adhoc) offers(cmd *command) bool {
	switch cmd.who {
	case strangers:
		return !ad.u.account.isRegistered()
	case registered:
		return ad.u.account.isRegistered()
	case members:
		return ad.u.account.isRegistered() || ad.u.c.info.Guests
	case admins:
		return ad.u.c.isAdmin(ad.u.bare)
	}
	return true
}

// shows reports whether a command is listed for this user at the moment.
func (ad *adhoc) shows(cmd *command) bool {
	if cmd.who == developers && !ad.u.c.isAdmin(ad.u.bare) {
		return false
	}
	return ad.offers(cmd) && (cmd.when == nil || cmd.when(ad.u))
}

// onCommand handles the IQ of an ad-hoc command. (XEP-0050 §2.4)
func (ad *adhoc) onCommand(r *stanza.Request) {
	ad.expireExecutions(ad.u.c.clock.Now())
	node, id := r.Payload.Attr("node"), r.Payload.Attr("sessionid")
	peer, err := ad.u.c.addressed(r.To)
	if err != nil {
		r.Fail(stanza.Translate(err))
		return
	}
	cmd := ad.u.c.command(node, peer)
	switch {
	case cmd == nil:
		r.Fail(stanza.ErrItemNotFound)
	case cmd.who == admins && !ad.offers(cmd):
		r.Fail(stanza.ErrForbidden)
	case id == "":
		ad.startCommand(r, cmd, peer)
	default:
		ad.continueCommand(r, cmd, id)
	}
}

// isAt reports whether a command exists at a peer. On a network without services their
// commands are at the gateway.
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

// otherNodes maps the nodes of other gateways to commands of ours.
var otherNodes = map[string]string{"configure": "options", "global-configure": "options", "disconnect-user": nsAdmin + "#end-user-session"}

// command returns the command of a node at a peer, nil if there is none.
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

// listed returns the node under which a command is listed: on networks with rooms the
// settings have the node that users of other gateways expect.
func (c *Component) listed(cmd *command) string {
	switch {
	case cmd.node != "options" || !c.info.Features.Has(legacy.FeatureRooms):
		return cmd.node
	case c.services:
		return "configure"
	}
	return "global-configure"
}

func (ad *adhoc) startCommand(r *stanza.Request, cmd *command, peer legacy.Peer) {
	switch {
	case r.Payload.Attr("action") == "cancel": // nothing to cancel
		r.Reply(xep.NewCommand(r.Payload.Attr("node"), newID(), "canceled"))
		return
	case len(ad.executions) >= maxExecutions:
		r.Fail(stanza.ErrBusy.With("Too many commands are waiting for your answer. Finish or cancel one of them."))
		return
	}
	x := &execution{ad: ad, command: cmd, asked: r.Payload.Attr("node"), id: newID(), from: r.From.String(), peer: peer, request: r}
	switch { // a note: some clients show stanza errors without their text
	case !ad.offers(cmd) && !ad.u.account.isRegistered():
		x.finish("error", textStranger+" "+ad.u.c.howToRegister(), nil)
	case !ad.offers(cmd):
		x.finish("error", "You are registered already, as "+ad.u.account.name()+".", nil)
	case cmd.start != nil:
		cmd.start(ad.u, x)
	default:
		text, why := cmd.run(ad.u)
		if why != nil {
			x.fail(*why)
			return
		}
		x.finish("info", text, nil)
	}
}

// continueCommand handles the submitted form of an execution. (XEP-0050 §3.4, §4.4)
func (ad *adhoc) continueCommand(r *stanza.Request, cmd *command, id string) {
	x := ad.executions[id]
	if x == nil || x.command != cmd || x.from != r.From.String() {
		r.Fail(commandError(stanza.Modify, stanza.BadRequest, "bad-sessionid"))
		return
	}
	if !x.awaitsAnswer() {
		r.Fail(stanza.Error{Type: stanza.Wait, Condition: stanza.UnexpectedRequest, Text: "The command is still running."})
		return
	}
	x.request = r
	x.expires = ad.u.c.clock.Now().Add(commandTime)
	current := x.stages[len(x.stages)-1]
	switch action := r.Payload.Attr("action"); action {
	case "cancel":
		delete(ad.executions, id)
		r.Reply(xep.NewCommand(x.asked, x.id, "canceled"))
	case "prev":
		if len(x.stages) < 2 {
			r.Fail(commandError(stanza.Modify, stanza.BadRequest, "bad-action"))
			return
		}
		x.stages = x.stages[:len(x.stages)-1]
		x.show()
	case "", "execute", "next", "complete":
		if action == "complete" && !current.last { // clients send next for complete, which is harmless
			r.Fail(commandError(stanza.Modify, stanza.BadRequest, "bad-action"))
			return
		}
		form := r.Payload.Child(xep.NSDataForm, "x")
		if form == nil && requiresAnswers(current.form) {
			r.Fail(commandError(stanza.Modify, stanza.BadRequest, "bad-payload"))
			return
		}
		x.entered = xep.Values(form)
		current.next(ad.u, x, x.entered)
	default:
		r.Fail(commandError(stanza.Modify, stanza.BadRequest, "malformed-action"))
	}
}

// requiresAnswers reports whether a form has a required field.
func requiresAnswers(form *element.Element) bool {
	for f := range form.Children(xep.NSDataForm, "field") {
		if f.Child(xep.NSDataForm, "required") != nil {
			return true
		}
	}
	return false
}

// commandError returns an error with a condition of XEP-0050. (XEP-0050 §4.4)
func commandError(typ stanza.Kind, condition stanza.Condition, special string) stanza.Error {
	return stanza.Error{Type: typ, Condition: condition, Special: element.New(xep.NSCommands, special)}
}

// ask sends the next form of an execution. next handles the answers; last marks the last
// form.
func (x *execution) ask(form *element.Element, last bool, next func(*user, *execution, map[string][]string)) {
	x.stages = append(x.stages, stage{form, last, next})
	x.expires = x.ad.u.c.clock.Now().Add(commandTime)
	lazySet(&x.ad.executions, x.id, x)
	x.show()
}

// show sends the current form.
func (x *execution) show() { x.showForm(x.stages[len(x.stages)-1].form) }

// askAgain sends the current form again with a complaint about the answers: in the form
// and as a note (XEP-0050 §4.3), which some clients show only after a command has
// completed. field is the invalid field, "" for none in particular.
func (x *execution) askAgain(complaint, field string) {
	if x.byWords() {
		x.promptAgain(complaint, field)
		return
	}
	form := x.stages[len(x.stages)-1].form
	x.showForm(xep.Corrected(form, x.entered, complaint, field), xep.Note("error", complaint))
}

// showForm sends a form of the current stage.
func (x *execution) showForm(form *element.Element, notes ...*element.Element) {
	if x.byWords() {
		x.converse()
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
	x.request.Reply(cmd.Add(notes...).Add(form))
}

// fail reports an error: with the form again if other answers can succeed, else by ending
// the execution.
func (x *execution) fail(why stanza.Error) {
	if len(x.stages) > 0 && (why.Type == stanza.Modify || why.Field != "") {
		x.askAgain(why.Text, why.Field)
		return
	}
	x.finish("error", why.Text, nil)
}

// finish ends an execution with a note. form may be nil.
func (x *execution) finish(note, text string, form *element.Element) {
	delete(x.ad.executions, x.id)
	if x.byWords() {
		x.finishByWords(text, form)
		return
	}
	cmd := xep.NewCommand(x.asked, x.id, "completed")
	if text != "" {
		cmd.Add(xep.Note(note, text))
	}
	x.request.Reply(cmd.Add(form))
}

// failField is fail with an error about a field.
func (x *execution) failField(err error, field string) {
	why := stanza.Translate(err)
	switch why.Condition {
	case stanza.RecipientUnavailable, stanza.ResourceConstraint, stanza.RemoteServerTimeout: // no other answer helps
	default:
		why.Field = field
	}
	x.fail(why)
}

// awaitsAnswer reports whether an execution waits for the user.
func (x *execution) awaitsAnswer() bool { return x.request == nil || x.request.Answered() }

// expireExecutions drops the executions whose form was not answered in time.
func (ad *adhoc) expireExecutions(now time.Time) {
	for full, until := range ad.late {
		if isDue(until, now) {
			delete(ad.late, full)
		}
	}
	for id, x := range ad.executions {
		if x.awaitsAnswer() && isDue(x.expires, now) {
			delete(ad.executions, id)
			if x.words != nil && x.words.asking != "" && len(ad.late) < maxResources {
				lazySet(&ad.late, x.from, now.Add(commandTime))
			}
		}
	}
}

// onItems answers disco#items with the list of commands. (XEP-0050 §2.1)
func (ad *adhoc) onItems(r *stanza.Request) {
	q := element.New(xep.NSDiscoItems, "query")
	peer, err := ad.u.c.addressed(r.To)
	if err != nil {
		r.Fail(stanza.Translate(err))
		return
	}
	switch node := r.Payload.Attr("node"); {
	case node == "" && (peer.Service || peer.ID == "" && !ad.u.c.services && ad.u.c.info.Features.Has(legacy.FeatureRoomList)):
		ad.u.rooms.onRoomList(r, peer)
		return
	case node == "" && peer.ID == "":
		ad.u.rooms.listOwnRooms(q)
		if q.Count() == 0 && ad.u.c.info.Features.Has(legacy.FeatureRoomList) {
			r.Fail(stanza.ErrItemNotFound.With("Each server has a list of its own. Ask at the server's address, as in irc.example.net@" + ad.u.c.domain + "."))
			return
		}
	case node == "":
	case node == xep.NSCommands:
		q.Set("node", node)
		for _, cmd := range ad.u.c.commands {
			if cmd.node != "" && ad.u.c.isAt(cmd, peer) && ad.shows(cmd) {
				q.Add(element.New(xep.NSDiscoItems, "item").Set("jid", r.To.String()).Set("node", ad.u.c.listed(cmd)).Set("name", cmd.name))
			}
		}
	case ad.u.c.command(node, peer) != nil:
		q.Set("node", node)
	default:
		r.Fail(stanza.ErrItemNotFound)
		return
	}
	r.Reply(q)
}

// commandInfo answers disco#info about the list of commands or one command. It returns
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
