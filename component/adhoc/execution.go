package adhoc

import (
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Execution is one run of a command by one client. A command asks by Ask as often as it
// needs, and ends the execution by Finish. If it fails, Fail decides whether other answers
// can help.
type Execution[U any] struct {
	From    string          // full JID of the client
	Peer    legacy.Peer     // the address that the command was sent to, zero for the gateway
	Request *stanza.Request // the request that the next form or the end answers

	engine  *Engine[U]
	command *Command[U]
	node    string // the requested one, which may be an alias
	id      string // sessionid
	expires time.Time
	entered xep.Answers // to the current form
	stages  []stage     // the forms so far; the last one is current
	words   *dialogue   // nil for an ad-hoc command, and before the first form by words
}

// stage is one form of an execution.
type stage struct {
	form *element.Element
	last bool
	next func(xep.Answers)
}

func (x *Execution[U]) current() stage { return x.stages[len(x.stages)-1] }

// awaitsAnswer reports whether an execution waits for the user.
func (x *Execution[U]) awaitsAnswer() bool { return x.Request.Answered() }

// ByWords reports whether the user writes words to the gateway.
func (x *Execution[U]) ByWords() bool { return x.Request.Name == "message" }

// Ask sends the next form. last is set for the last one of a command. next gets the
// answers, which are not checked: fields may be missing or repeated, have any value, and
// include some that the form lacks. It must call Ask, AskAgain, Fail or Finish, at once or
// later.
func (x *Execution[U]) Ask(form *element.Element, last bool, next func(xep.Answers)) {
	x.stages = append(x.stages, stage{form, last, next})
	x.expires = x.engine.host.Now().Add(answerTime)
	put(&x.engine.executions, x.id, x)
	x.showForm(form)
}

// answer passes the answers to the current form on to the command.
func (x *Execution[U]) answer(given xep.Answers) {
	x.entered = given
	x.current().next(given)
}

// AskAgain sends the current form again with a complaint about the answers: in the form
// and as a note (XEP-0050 §4.3), which some clients show only after a command has
// completed. field is the invalid field, "" for none in particular.
func (x *Execution[U]) AskAgain(complaint, field string) {
	if x.ByWords() {
		x.promptAgain(complaint, field)
		return
	}
	x.showForm(xep.Corrected(x.current().form, x.entered, complaint, field), xep.Note("error", complaint))
}

// showForm sends a form of the current stage.
func (x *Execution[U]) showForm(form *element.Element, notes ...*element.Element) {
	if x.ByWords() {
		x.converse()
		return
	}
	first := "next"
	if x.current().last {
		first = "complete"
	}
	var others []string
	if len(x.stages) > 1 {
		others = append(others, "prev")
	}
	cmd := xep.NewCommand(x.node, x.id, "executing").Add(xep.Actions(first, others...))
	x.Request.Reply(cmd.Add(notes...).Add(form))
}

// Fail reports an error: with the form again if other answers can succeed, else by ending
// the execution.
func (x *Execution[U]) Fail(why stanza.Error) {
	if len(x.stages) > 0 && (why.Type == stanza.Modify || why.Field != "") {
		x.AskAgain(why.Text, why.Field)
		return
	}
	x.Finish("error", why.Text, nil)
}

// FailField is Fail with an error of the network about a field.
func (x *Execution[U]) FailField(err error, field string) {
	why := stanza.Translate(err)
	switch why.Condition {
	case stanza.RecipientUnavailable, stanza.ResourceConstraint, stanza.RemoteServerTimeout: // no other answer helps
	default:
		why.Field = field
	}
	x.Fail(why)
}

// Finish ends the execution with a note of type info, warn or error, and a form of type
// result, which may be nil. An empty text is no note.
func (x *Execution[U]) Finish(note, text string, form *element.Element) {
	delete(x.engine.executions, x.id)
	if x.ByWords() {
		x.finishByWords(text, form)
		return
	}
	cmd := xep.NewCommand(x.node, x.id, "completed")
	if text != "" {
		cmd.Add(xep.Note(note, text))
	}
	x.Request.Reply(cmd.Add(form))
}
