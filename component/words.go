package component

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Words are commands for clients that know none: what is written to the gateway's own
// address names a command by its first word, and the rest fills in its form. What is
// missing is asked for, one field after the other. An execution that was begun so is as
// any other; only what it shows is text. (XEP-0100 §8 leaves this to the gateway)

// dialogue is the part of an execution that is made by words.
type dialogue struct {
	rest   string              // what was written behind the word, to be read with the first form
	read   bool                // it was
	given  map[string][]string // the answers so far
	asking string              // the field that is asked for, confirm for a form without any
	secret bool                // a secret was given
	asked  bool                // something was asked for
}

// confirm is asked for where a form has no fields.
const confirm = "confirm"

// onText answers what the user writes to the gateway itself.
func (ad *adhoc) onText(st *stanza.Inbound, text string) {
	ad.expireExecutions()
	text = strings.TrimSpace(body.Clean(text))
	word, rest := text, ""
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		word, rest = text[:i], strings.TrimSpace(text[i:])
	}
	if full := st.From.String(); ad.late[full] { // it may be a password
		delete(ad.late, full)
		ad.u.c.say(full, "You took too long to answer; nothing was changed. Start again.")
		return
	}
	cmd := ad.wordCommand(strings.ToLower(word))
	if x := ad.dialogueOf(st.From.String()); x != nil {
		if !x.leftFor(cmd, rest) {
			x.onAnswer(st, text)
			return
		}
		delete(ad.executions, x.id)
	}
	switch help := strings.EqualFold(word, "help") || word == "?"; {
	case (cmd == nil && !help || isProtocol(word)) && ad.rawText(st):
	case help:
		ad.u.c.say(st.From.String(), ad.helpText())
	case cmd == nil: // it may be a password, and is not repeated
		ad.u.c.say(st.From.String(), "I do not know that command.\n"+ad.helpText())
	default:
		ad.startCommand(ad.requestByWords(st, cmd.node, rest), cmd, legacy.Peer{})
	}
}

// isProtocol reports whether a word is written as networks write their own commands: in
// capitals.
func isProtocol(word string) bool {
	return len(word) > 1 && word == strings.ToUpper(word) && word != strings.ToLower(word)
}

// wordCommand is the command that a word stands for, nil for none. Those for
// administrators are for nobody else.
func (ad *adhoc) wordCommand(word string) *command {
	i := slices.IndexFunc(ad.u.c.commands, func(cmd *command) bool {
		return cmd.word == word && word != "" && ad.u.c.isAt(cmd, legacy.Peer{}) && (cmd.who != admins || ad.offers(cmd))
	})
	if i < 0 {
		return nil
	}
	return ad.u.c.commands[i]
}

// requestByWords makes a request of words, that is answered by words.
func (ad *adhoc) requestByWords(st *stanza.Inbound, node, rest string) *stanza.Request {
	r := &stanza.Request{Inbound: st, Payload: element.New(xep.NSCommands, "command").Set("node", node).AddText(rest),
		Deadline: ad.u.c.clock.Now().Add(requestTime), OnFail: func(why stanza.Error) { ad.u.c.say(st.From.String(), saidError(why)) }}
	ad.u.calls.await(r)
	return r
}

// answerWords answers a request that was made by words.
func (ad *adhoc) answerWords(r *stanza.Request, text string) {
	if !r.Answered() {
		r.Drop()
		ad.u.c.say(r.From.String(), text)
	}
}

// dialogueOf is the execution that waits for an answer of a client's user by words.
func (ad *adhoc) dialogueOf(full string) *execution {
	for _, x := range ad.executions {
		if x.from == full && x.words != nil && x.words.asking != "" {
			return x
		}
	}
	return nil
}

// byWords reports whether the last request was made by words.
func (x *execution) byWords() bool { return x.request != nil && x.request.Name == "message" }

// leftFor reports whether somebody who was asked for something has written a command
// instead: the same again, or another that is a word of its own. What is secret can be
// any word.
func (x *execution) leftFor(cmd *command, rest string) bool {
	switch {
	case cmd == nil:
		return false
	case rest != "":
		return cmd == x.command
	}
	f := fieldOf(x.fields(), x.words.asking)
	return f != nil && !isPrivate(f)
}

// fields are those of the current form that somebody fills in.
func (x *execution) fields() []*element.Element {
	return answerable(x.stages[len(x.stages)-1].form)
}

// converse goes on with an execution by words: it fills the current form in, as far as
// that is known, and asks for what is missing.
func (x *execution) converse() {
	d, current := x.words, x.stages[len(x.stages)-1]
	if d == nil {
		d = &dialogue{rest: x.request.Payload.Text(), given: make(map[string][]string)}
		x.words = d
	}
	fields := x.fields()
	if !d.read {
		d.read = true
		switch {
		case x.command.edits && d.rest == "":
			x.finish("info", current.text()+"\nTo change one, write: "+x.word+" NAME VALUE", nil)
			return
		case x.command.edits:
			name, value, _ := strings.Cut(d.rest, " ")
			f := fieldOf(fields, strings.ToLower(name))
			if f == nil {
				x.finish("error", "There is no setting with that name.\n"+current.text(), nil)
				return
			}
			if !x.setAnswer(f, strings.TrimSpace(value)) {
				return
			}
		default:
			if !x.setArgs(fields) {
				return
			}
		}
	}
	if len(fields) == 0 && d.given[confirm] == nil {
		if d.rest != "yes" {
			d.asking = confirm
			x.prompt(current.text() + "\nWrite yes to go on, or anything else to cancel.")
			return
		}
	}
	for _, f := range fields {
		if f.Child(xep.NSDataForm, "required") != nil && d.given[f.Attr("var")] == nil {
			d.asking = f.Attr("var")
			text := question(f)
			if about := instructions(current.form); about != "" && !d.asked {
				text = about + "\n" + text
			}
			x.prompt(text)
			return
		}
	}
	x.entered = d.given
	current.next(x.ad.u, x, d.given)
}

// prompt asks for one answer by words.
func (x *execution) prompt(text string) {
	x.words.asked = true
	x.expires = x.ad.u.c.clock.Now().Add(commandTime)
	x.ad.answerWords(x.request, text)
}

// setArgs reads what was written behind the word: a word for each field of
// command.args, the last of which takes all the rest.
func (x *execution) setArgs(fields []*element.Element) bool {
	rest := x.words.rest
	for i, name := range x.args {
		f, value := fieldOf(fields, name), rest
		if rest == "" {
			break
		}
		if f == nil {
			x.finish("error", "Too many words. Write: "+x.word+" "+x.argument, nil)
			return false
		}
		if i < len(x.args)-1 {
			value, rest, _ = strings.Cut(rest, " ")
			rest = strings.TrimSpace(rest)
		}
		if !x.setAnswer(f, value) {
			return false
		}
	}
	return true
}

// onAnswer takes what was asked for.
func (x *execution) onAnswer(st *stanza.Inbound, text string) {
	d := x.words
	field := d.asking
	d.asking = ""
	x.request = x.ad.requestByWords(st, x.node, "")
	f := fieldOf(x.fields(), field)
	switch {
	case strings.EqualFold(text, "cancel"), field == confirm && !strings.EqualFold(text, "yes"):
		x.finish("info", "Cancelled; nothing was changed.", nil)
	case field == confirm:
		d.given[confirm] = []string{"yes"}
		x.converse()
	case f == nil:
		x.finish("error", "Nothing was changed. Start again.", nil)
	case strings.EqualFold(text, "help") && !isPrivate(f):
		d.asking = field
		x.prompt(question(f))
	default:
		if x.setAnswer(f, text) {
			x.converse()
		}
	}
}

// setAnswer takes the answer for a field. It is false when that is none that the field can
// have, which ends the execution or asks again.
func (x *execution) setAnswer(f *element.Element, text string) bool {
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

// promptAgain says what is wrong with the answers. What was asked for is asked for again.
func (x *execution) promptAgain(complaint, field string) {
	d := x.words
	f := fieldOf(x.fields(), field)
	if f == nil || !d.asked {
		x.finish("error", complaint, nil)
		return
	}
	delete(d.given, field)
	d.asking = field
	x.prompt(complaint + "\n" + question(f))
}

// readAnswer reads an answer to a field as it is written, or says what is wrong with it.
func readAnswer(f *element.Element, text string) (values []string, why string) {
	switch f.Attr("type") {
	case "text-multi", "jid-multi":
		return strings.Split(text, "\n"), ""
	case "boolean":
		switch strings.ToLower(text) {
		case "yes", "on", "true", "1":
			return []string{"true"}, ""
		case "no", "off", "false", "0":
			return []string{"false"}, ""
		}
		return nil, "Write yes or no."
	case "list-single":
		for o := range f.Children(xep.NSDataForm, "option") {
			if value := o.ChildText(xep.NSDataForm, "value"); strings.EqualFold(value, text) || strings.EqualFold(o.Attr("label"), text) {
				return []string{value}, ""
			}
		}
		return nil, "Choose one of: " + strings.Join(choices(f), ", ") + "."
	}
	return []string{text}, ""
}

// instructions are what a form says before its fields.
func instructions(form *element.Element) string {
	var lines []string
	for e := range form.Children(xep.NSDataForm, "instructions") {
		lines = append(lines, e.Text())
	}
	return strings.Join(lines, "\n")
}

// question asks for a field.
func question(f *element.Element) string {
	text := f.Attr("label") + "?"
	if about := f.ChildText(xep.NSDataForm, "desc"); about != "" {
		text += " " + about
	}
	if all := choices(f); len(all) > 0 {
		text += " One of: " + strings.Join(all, ", ") + "."
	}
	if f.Attr("type") == "text-multi" {
		text += " Write all lines in one message."
	}
	return text + "\nWrite your answer, or cancel to stop."
}

func choices(f *element.Element) []string {
	var all []string
	for o := range f.Children(xep.NSDataForm, "option") {
		all = append(all, cmp.Or(o.ChildText(xep.NSDataForm, "value"), o.Attr("label")))
	}
	return all
}

func isPrivate(f *element.Element) bool { return f.Attr("type") == "text-private" }

// answerable are the fields of a form that somebody fills in.
func answerable(form *element.Element) []*element.Element {
	var all []*element.Element
	for f := range form.Children(xep.NSDataForm, "field") {
		if typ := f.Attr("type"); typ != "hidden" && typ != "fixed" {
			all = append(all, f)
		}
	}
	return all
}

func fieldOf(fields []*element.Element, name string) *element.Element {
	i := slices.IndexFunc(fields, func(f *element.Element) bool { return f.Attr("var") == name })
	if i < 0 || name == "" {
		return nil
	}
	return fields[i]
}

// text is what a form says, for reading: its instructions, and its fields with their
// values, those of secrets aside.
func (s stage) text() string { return formText(s.form) }

func formText(form *element.Element) string {
	var lines []string
	for e := range form.Elements() {
		switch {
		case e.Name == "instructions":
			lines = append(lines, e.Text())
		case e.Name == "item":
			var cells []string
			for f := range e.Children(xep.NSDataForm, "field") {
				if v := f.ChildText(xep.NSDataForm, "value"); v != "" {
					cells = append(cells, v)
				}
			}
			lines = append(lines, strings.Join(cells, ", "))
		case e.Name != "field" || e.Attr("type") == "hidden":
		case form.Attr("type") == "form":
			lines = append(lines, e.Attr("var")+" = "+valueText(e)+": "+e.Attr("label"))
		default:
			lines = append(lines, e.Attr("label")+": "+valueText(e))
		}
	}
	return strings.Join(lines, "\n")
}

func valueText(f *element.Element) string {
	var values []string
	for v := range f.Children(xep.NSDataForm, "value") {
		values = append(values, v.Text())
	}
	text := strings.Join(values, ", ")
	switch {
	case isPrivate(f):
		return "(not shown)"
	case f.Attr("type") != "boolean":
		return text
	case xep.IsTrue(text):
		return "yes"
	}
	return "no"
}

// finishByWords tells how an execution by words has ended.
func (x *execution) finishByWords(text string, form *element.Element) {
	if form != nil && (text == "" || form.Child(xep.NSDataForm, "item") != nil) {
		text = strings.TrimSpace(text + "\n" + truncateLines(formText(form)))
	}
	if text == "" {
		text = "Done."
	}
	if x.words != nil && x.words.secret {
		text += "\nYour client keeps the message with your password: delete it there."
	}
	x.ad.answerWords(x.request, text)
}

// maxLines is how many lines a table has that is told by words.
const maxLines = 100

func truncateLines(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) <= maxLines {
		return text
	}
	return strings.Join(lines[:maxLines], "\n") + "\n… and " + strconv.Itoa(len(lines)-maxLines) + " more."
}

// saidError is an error as it is told by words.
func saidError(why stanza.Error) string {
	if why.Text != "" {
		return why.Text
	}
	return "That cannot be done: " + strings.ReplaceAll(string(why.Condition), "-", " ") + "."
}

// helpText lists the words that the gateway understands from the user now.
func (ad *adhoc) helpText() string {
	var b strings.Builder
	b.WriteString("This is the gateway to " + ad.u.c.cfg.Name + ".")
	if !ad.u.account.isRegistered() {
		b.WriteString(" " + ad.u.c.howToRegister())
	} else {
		b.WriteString(" Add a contact as " + ad.u.c.exampleJID() + ", or search for the " + ad.u.c.info.PeerName + " with your client.")
	}
	if ad.u.c.info.RoomName != "" && (ad.u.account.isRegistered() || ad.u.c.info.Guests) {
		b.WriteString("\nJoin a room as <" + ad.u.c.info.RoomName + ">@" + ad.u.c.domain + ".")
	}
	b.WriteString("\nI understand:\nhelp: this text")
	for _, cmd := range ad.u.c.commands {
		if cmd.word != "" && ad.u.c.isAt(cmd, legacy.Peer{}) && ad.shows(cmd) {
			b.WriteString("\n" + strings.TrimSpace(cmd.word+" "+cmd.argument) + ": " + cmp.Or(cmd.about, cmd.name))
		}
	}
	return b.String()
}
