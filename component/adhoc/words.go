package adhoc

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// dialogue is the state of an execution by words.
type dialogue struct {
	rest   string      // the arguments behind the word, for the first form
	read   bool        // rest was parsed
	given  xep.Answers // the answers so far
	asking string      // the field of the current question, confirm for a form without fields
	secret bool        // the user has entered a secret
	asked  bool        // the gateway has asked at least one question
}

// confirm is the question of a form without fields.
const confirm = "confirm"

// OnText handles a message to the gateway: a command with its arguments, or the answer to
// a question.
func (e *Engine[U]) OnText(st *stanza.Inbound, text string) {
	e.Due(e.host.Now())
	text = strings.TrimSpace(body.Clean(text))
	word, rest := cutWord(text)
	full := st.From.String()
	if _, late := e.late[full]; late { // it may be a password
		delete(e.late, full)
		e.host.Say(full, "You took too long to answer; nothing was changed. Start again.")
		return
	}
	cmd := e.wordCommand(strings.ToLower(word))
	if x := e.dialogueOf(full); x != nil {
		if !x.leftFor(cmd, rest) {
			x.onAnswer(st, text)
			return
		}
		delete(e.executions, x.id)
	}
	switch help := strings.EqualFold(word, "help") || word == "?"; {
	case (cmd == nil && !help || IsProtocol(word)) && e.host.Raw(st):
	case help:
		e.host.Say(full, e.helpText())
	case cmd == nil: // it may be a password, and is not repeated
		e.host.Say(full, "I do not know that command.\n"+e.helpText())
	default:
		e.start(e.request(st, cmd.Node, rest), cmd, legacy.Peer{})
	}
}

// cutWord cuts a text behind its first word.
func cutWord(text string) (word, rest string) {
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		return text[:i], strings.TrimSpace(text[i:])
	}
	return text, ""
}

// IsProtocol reports whether a word looks like a command of the network's own protocol:
// in upper case.
func IsProtocol(word string) bool {
	return len(word) > 1 && word == strings.ToUpper(word) && word != strings.ToLower(word)
}

// wordCommand returns the command of a word, nil if there is none. Commands for
// administrators are hidden from all others.
func (e *Engine[U]) wordCommand(word string) *Command[U] {
	i := slices.IndexFunc(e.table.commands, func(cmd *Command[U]) bool {
		return cmd.Word == word && word != "" && e.table.isAt(cmd, legacy.Peer{}) && (cmd.Who != Admins || e.offers(cmd))
	})
	if i < 0 {
		return nil
	}
	return e.table.commands[i]
}

// helpText lists the commands that the user can run by words now.
func (e *Engine[U]) helpText() string {
	var b strings.Builder
	b.WriteString(e.host.Help())
	b.WriteString("\nI understand:\nhelp: this text")
	for _, cmd := range e.table.commands {
		if cmd.Word != "" && e.lists(cmd, legacy.Peer{}) {
			b.WriteString("\n" + strings.TrimSpace(cmd.Word+" "+cmd.Argument) + ": " + cmp.Or(cmd.About, cmd.Name))
		}
	}
	return b.String()
}

// request makes a request of a message; its answer is a message, too.
func (e *Engine[U]) request(st *stanza.Inbound, node, rest string) *stanza.Request {
	r := &stanza.Request{Inbound: st, Payload: element.New(xep.NSCommands, "command").Set("node", node).AddText(rest),
		OnFail: func(why stanza.Error) { e.host.Say(st.From.String(), errorText(why)) }}
	e.host.Await(r)
	return r
}

// say answers a request that was made by a message.
func (e *Engine[U]) say(r *stanza.Request, text string) {
	if !r.Answered() {
		r.Drop()
		e.host.Say(r.From.String(), text)
	}
}

// dialogueOf returns the execution that waits for a client's answer by words, nil if there
// is none.
func (e *Engine[U]) dialogueOf(full string) *Execution[U] {
	for _, x := range e.executions {
		if x.From == full && x.inDialogue() {
			return x
		}
	}
	return nil
}

// inDialogue reports whether the user was asked a question and has not answered it.
func (x *Execution[U]) inDialogue() bool { return x.words != nil && x.words.asking != "" }

// leftFor reports whether the user has written another command, or the same again, in
// place of an answer. A secret can be any word.
func (x *Execution[U]) leftFor(cmd *Command[U], rest string) bool {
	switch {
	case cmd == nil:
		return false
	case rest != "":
		return cmd == x.command
	}
	f := fieldOf(x.fields(), x.words.asking)
	return f != nil && !isPrivate(f)
}

// fields returns the input fields of the current form.
func (x *Execution[U]) fields() []*element.Element { return answerable(x.current().form) }

// converse continues an execution by words: it fills in the current form as far as
// possible and asks for the next missing field.
func (x *Execution[U]) converse() {
	if x.words == nil {
		x.words = &dialogue{rest: x.Request.Payload.Text(), given: make(xep.Answers)}
	}
	d, form, fields := x.words, x.current().form, x.fields()
	if !d.read {
		d.read = true
		if !x.readArgs(form, fields) {
			return
		}
	}
	if len(fields) == 0 && d.given[confirm] == nil && d.rest != "yes" {
		d.asking = confirm
		x.prompt(formText(form) + "\nWrite yes to go on, or anything else to cancel.")
		return
	}
	for _, f := range fields {
		if !isRequired(f) || d.given[f.Attr("var")] != nil {
			continue
		}
		d.asking = f.Attr("var")
		text := question(f)
		if about := instructions(form); about != "" && !d.asked {
			text = about + "\n" + text
		}
		x.prompt(text)
		return
	}
	x.answer(d.given)
}

// prompt asks for one answer by words.
func (x *Execution[U]) prompt(text string) {
	x.words.asked = true
	x.expires = x.engine.host.Now().Add(answerTime)
	x.engine.say(x.Request, text)
}

// readArgs parses the arguments behind the word of a command. It returns false if they
// end the execution.
func (x *Execution[U]) readArgs(form *element.Element, fields []*element.Element) bool {
	rest := x.words.rest
	switch {
	case !x.command.Edits:
		return x.setArgs(fields)
	case rest == "":
		x.Finish("info", formText(form)+"\nTo change one, write: "+x.command.Word+" NAME VALUE", nil)
		return false
	}
	name, value, _ := strings.Cut(rest, " ")
	f := fieldOf(fields, strings.ToLower(name))
	if f == nil {
		x.Finish("error", "There is no setting with that name.\n"+formText(form), nil)
		return false
	}
	return x.setAnswer(f, strings.TrimSpace(value))
}

// setArgs takes one word for each field of the command's Args, and the rest for the last
// one.
func (x *Execution[U]) setArgs(fields []*element.Element) bool {
	args, rest := x.command.Args, x.words.rest
	for i, name := range args {
		if rest == "" {
			break
		}
		f, value := fieldOf(fields, name), rest
		if f == nil {
			x.Finish("error", "Too many words. Write: "+x.command.Word+" "+x.command.Argument, nil)
			return false
		}
		if i < len(args)-1 {
			value, rest, _ = strings.Cut(rest, " ")
			rest = strings.TrimSpace(rest)
		}
		if !x.setAnswer(f, value) {
			return false
		}
	}
	return true
}

// onAnswer handles the answer to a question.
func (x *Execution[U]) onAnswer(st *stanza.Inbound, text string) {
	d := x.words
	field := d.asking
	d.asking = ""
	x.Request = x.engine.request(st, x.command.Node, "")
	f := fieldOf(x.fields(), field)
	switch {
	case strings.EqualFold(text, "cancel"), field == confirm && !strings.EqualFold(text, "yes"):
		x.Finish("info", "Cancelled; nothing was changed.", nil)
	case field == confirm:
		d.given[confirm] = []string{"yes"}
		x.converse()
	case f == nil:
		x.Finish("error", "Nothing was changed. Start again.", nil)
	case strings.EqualFold(text, "help") && !isPrivate(f):
		d.asking = field
		x.prompt(question(f))
	default:
		if x.setAnswer(f, text) {
			x.converse()
		}
	}
}

// setAnswer stores the answer for a field. It returns false for an invalid answer, which
// ends the execution or repeats the question.
func (x *Execution[U]) setAnswer(f *element.Element, text string) bool {
	values, why := readAnswer(f, text)
	if why != "" {
		x.entered = x.words.given
		x.promptAgain(why, f.Attr("var"))
		return false
	}
	x.words.given[f.Attr("var")] = values
	x.words.secret = x.words.secret || isPrivate(f)
	return true
}

// promptAgain reports what is wrong with an answer, and asks again.
func (x *Execution[U]) promptAgain(complaint, field string) {
	d := x.words
	f := fieldOf(x.fields(), field)
	if f == nil || !d.asked {
		x.Finish("error", complaint, nil)
		return
	}
	d.asking = field
	x.prompt(complaint + "\n" + question(f))
}

// finishByWords ends an execution by words with its result.
func (x *Execution[U]) finishByWords(text string, form *element.Element) {
	if form != nil && (text == "" || form.Child(xep.NSDataForm, "item") != nil) {
		text = strings.TrimSpace(text + "\n" + truncateLines(formText(form)))
	}
	if text == "" {
		text = "Done."
	}
	if x.words != nil && x.words.secret {
		text += "\nYour client keeps the message with your password: delete it there."
	}
	x.engine.say(x.Request, text)
}

// errorText returns an error as a text for the user.
func errorText(why stanza.Error) string {
	if why.Text != "" {
		return why.Text
	}
	return "That cannot be done: " + strings.ReplaceAll(string(why.Condition), "-", " ") + "."
}
