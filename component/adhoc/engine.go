package adhoc

import (
	"crypto/rand"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Host is the gateway, as the engine of one user needs it. The engine calls it on the
// user's goroutine.
type Host interface {
	Now() time.Time
	// In reports whether the user belongs to an audience.
	In(Audience) bool
	// Refusal is the answer to a command that is for another audience than the user's.
	Refusal() string
	// Await takes a request that was made by a message. It sets the request's deadline, and
	// fails the request then.
	Await(*stanza.Request)
	// Say sends a chat message from the gateway to a full JID.
	Say(to, text string)
	// Raw sends a message that is not a command to the network. It returns false if the
	// network does not accept such messages.
	Raw(*stanza.Inbound) bool
	// Help is the beginning of the help text, before the commands.
	Help() string
}

// Bounds of an engine.
const (
	answerTime    = 10 * time.Minute // for a form to be filled in (XEP-0050 §4.4: session-expired)
	maxExecutions = 8                // limit: commands of a user under way | a further one is refused: resource-constraint
	maxLate       = 64               // limit: clients whose dialogue by words has expired, about which they are told | others get the list of commands
)

// Engine runs the commands of one user.
type Engine[U any] struct {
	user  U
	host  Host
	table *Table[U]

	executions map[string]*Execution[U] // that wait for the user's answer, by session id
	late       map[string]time.Time     // clients whose dialogue has expired, until when that is remembered
}

// New returns the engine of a user.
func New[U any](user U, host Host, table *Table[U]) Engine[U] {
	return Engine[U]{user: user, host: host, table: table}
}

// Due drops the executions whose form was not answered in time.
func (e *Engine[U]) Due(now time.Time) {
	for full, until := range e.late {
		if !until.After(now) {
			delete(e.late, full)
		}
	}
	for id, x := range e.executions {
		if !x.awaitsAnswer() || x.expires.After(now) {
			continue
		}
		delete(e.executions, id)
		if x.inDialogue() && len(e.late) < maxLate {
			put(&e.late, x.From, now.Add(answerTime))
		}
	}
}

// Next returns the time at which Due must be called again, zero for never.
func (e *Engine[U]) Next() (next time.Time) {
	earlier := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, x := range e.executions {
		if x.awaitsAnswer() {
			earlier(x.expires)
		}
	}
	for _, until := range e.late {
		earlier(until)
	}
	return next
}

// Busy reports whether the engine holds anything that must not be lost.
func (e *Engine[U]) Busy() bool { return len(e.executions) > 0 || len(e.late) > 0 }

// Reset drops all executions: their forms are void.
func (e *Engine[U]) Reset() { clear(e.executions) }

// offers reports whether a command is for this user.
func (e *Engine[U]) offers(cmd *Command[U]) bool {
	return cmd.Who == Anyone || cmd.Who == Developers || e.host.In(cmd.Who)
}

// lists reports whether a command of an address is listed for this user at the moment.
func (e *Engine[U]) lists(cmd *Command[U], at legacy.Peer) bool {
	return e.table.isAt(cmd, at) && e.offers(cmd) && (cmd.Who != Developers || e.host.In(Admins)) && (cmd.When == nil || cmd.When(e.user))
}

// OnItems answers disco#items of an address about the list of commands or about one
// command. (XEP-0050 §2.1)
func (e *Engine[U]) OnItems(r *stanza.Request, at legacy.Peer) {
	node := r.Payload.Attr("node")
	q := element.New(xep.NSDiscoItems, "query").Set("node", node)
	switch {
	case node == xep.NSCommands:
		for _, cmd := range e.table.commands {
			if cmd.Node != "" && e.lists(cmd, at) {
				q.Add(element.New(xep.NSDiscoItems, "item").Set("jid", r.To.String()).Set("node", cmd.Node).Set("name", cmd.Name))
			}
		}
	case e.table.command(node, at) == nil:
		r.Fail(stanza.ErrItemNotFound)
		return
	}
	r.Reply(q)
}

// OnCommand handles the IQ of an ad-hoc command at an address. (XEP-0050 §2.4)
func (e *Engine[U]) OnCommand(r *stanza.Request, at legacy.Peer) {
	e.Due(e.host.Now())
	cmd := e.table.command(r.Payload.Attr("node"), at)
	switch {
	case cmd == nil:
		r.Fail(stanza.ErrItemNotFound)
	case cmd.Who == Admins && !e.offers(cmd):
		r.Fail(stanza.ErrForbidden)
	case r.Payload.Attr("sessionid") == "":
		e.start(r, cmd, at)
	default:
		e.resume(r, cmd)
	}
}

// start starts an execution for a request.
func (e *Engine[U]) start(r *stanza.Request, cmd *Command[U], at legacy.Peer) {
	switch {
	case r.Payload.Attr("action") == "cancel": // nothing to cancel
		r.Reply(xep.NewCommand(r.Payload.Attr("node"), rand.Text(), "canceled"))
		return
	case len(e.executions) >= maxExecutions:
		r.Fail(stanza.ErrBusy.With("Too many commands are waiting for your answer. Finish or cancel one of them."))
		return
	}
	x := &Execution[U]{engine: e, command: cmd, node: r.Payload.Attr("node"), id: rand.Text(), From: r.From.String(), Peer: at, Request: r}
	switch {
	case !e.offers(cmd):
		x.Finish("error", e.host.Refusal(), nil) // a note: some clients show stanza errors without their text
	case cmd.Start != nil:
		cmd.Start(e.user, x)
	default:
		text, why := cmd.Run(e.user)
		if why != nil {
			x.Fail(*why)
			return
		}
		x.Finish("info", text, nil)
	}
}

// resume continues an execution with the next request of its client. (XEP-0050 §3.4, §4.4)
func (e *Engine[U]) resume(r *stanza.Request, cmd *Command[U]) {
	x := e.executions[r.Payload.Attr("sessionid")]
	if x == nil || x.command != cmd || x.From != r.From.String() {
		r.Fail(commandError("bad-sessionid"))
		return
	}
	if !x.awaitsAnswer() {
		r.Fail(stanza.Error{Type: stanza.Wait, Condition: stanza.UnexpectedRequest, Text: "The command is still running."})
		return
	}
	x.Request = r
	x.expires = e.host.Now().Add(answerTime)
	current := x.current()
	switch action := r.Payload.Attr("action"); action {
	case "cancel":
		delete(e.executions, x.id)
		r.Reply(xep.NewCommand(x.node, x.id, "canceled"))
	case "prev":
		if len(x.stages) < 2 {
			r.Fail(commandError("bad-action"))
			return
		}
		x.stages = x.stages[:len(x.stages)-1]
		x.showForm(x.current().form)
	case "", "execute", "next", "complete":
		if action == "complete" && !current.last { // clients send next for complete, which is harmless
			r.Fail(commandError("bad-action"))
			return
		}
		form := r.Payload.Child(xep.NSDataForm, "x")
		if form == nil && requiresAnswers(current.form) {
			r.Fail(commandError("bad-payload"))
			return
		}
		x.answer(xep.Values(form))
	default:
		r.Fail(commandError("malformed-action"))
	}
}

// commandError returns a bad-request error with a condition of XEP-0050. (XEP-0050 §4.4)
func commandError(special string) stanza.Error {
	return stanza.Error{Type: stanza.Modify, Condition: stanza.BadRequest, Special: element.New(xep.NSCommands, special)}
}

// put sets m[key] and creates the map at first use: most users never need theirs.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}
