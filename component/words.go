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

// Text commands are for clients without ad-hoc commands. The first word of a message to the
// gateway names a command and the rest fills in its form. The gateway asks for missing
// fields one after the other. The execution is the same as that of an ad-hoc command, with
// text in place of forms. (XEP-0100 §8 leaves this to the gateway)

// dialogue is the state of an execution by text.
type dialogue struct {
	rest   string              // the arguments behind the word, for the first form
	read   bool                // rest was parsed
	given  map[string][]string // the answers so far
	asking string              // the field of the current question, confirm for a form without fields
	secret bool                // the user has entered a secret
	asked  bool                // the gateway has asked at least one question
}

// confirm is the question of a form without fields.
const confirm = "confirm"

// onText handles a message to the gateway.
func (ad *adhoc) onText(st *stanza.Inbound, text string) {
	ad.expireExecutions(ad.u.c.clock.Now())
	text = strings.TrimSpace(body.Clean(text))
	word, rest := text, ""
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		word, rest = text[:i], strings.TrimSpace(text[i:])
	}
	full := st.From.String()
	if _, late := ad.late[full]; late { // it may be a password
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

// isProtocol reports whether a word looks like a command of the network's own protocol:
// in upper case.
func isProtocol(word string) bool {
	return len(word) > 1 && word == strings.ToUpper(word) && word != strings.ToLower(word)
}

// wordCommand returns the command of a word, nil if there is none. Commands for
// administrators are hidden from all others.
func (ad *adhoc) wordCommand(word string) *command {
	i := slices.IndexFunc(ad.u.c.commands, func(cmd *command) bool {
		return cmd.word == word && word != "" && ad.u.c.isAt(cmd, legacy.Peer{}) && (cmd.who != admins || ad.offers(cmd))
	})
	if i < 0 {
		return nil
	}
	return ad.u.c.commands[i]
}

// requestByWords makes a request of a message; its answer is a message, too.
func (ad *adhoc) requestByWords(st *stanza.Inbound, node, rest string) *stanza.Request {
	r := &stanza.Request{Inbound: st, Payload: element.New(xep.NSCommands, "command").Set("node", node).AddText(rest),
		Deadline: ad.u.c.clock.Now().Add(requestTime), OnFail: func(why stanza.Error) { ad.u.c.say(st.From.String(), saidError(why)) }}
	ad.u.calls.await(r)
	return r
}

// answerWords answers a request that was made by a message.
func (ad *adhoc) answerWords(r *stanza.Request, text string) {
	if !r.Answered() {
		r.Drop()
		ad.u.c.say(r.From.String(), text)
	}
}

// dialogueOf returns the execution that waits for a client's answer by text, nil if there
// is none.
func (ad *adhoc) dialogueOf(full string) *execution {
	for _, x := range ad.executions {
		if x.from == full && x.words != nil && x.words.asking != "" {
			return x
		}
	}
	return nil
}

// byWords reports whether the last request was made by a message.
func (x *execution) byWords() bool { return x.request != nil && x.request.Name == "message" }

// leftFor reports whether the user has written another command, or the same again, in
// place of an answer. A secret can be any word.
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

// fields returns the input fields of the current form.
func (x *execution) fields() []*element.Element {
	return answerable(x.stages[len(x.stages)-1].form)
}

// converse continues an execution by text: it fills in the current form as far as
// possible and asks for the next missing field.
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

// prompt asks for one answer by text.
func (x *execution) prompt(text string) {
	x.words.asked = true
	x.expires = x.ad.u.c.clock.Now().Add(commandTime)
	x.ad.answerWords(x.request, text)
}

// setArgs parses the arguments of a text command: one word for each field of
// command.args, and the rest for the last one.
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

// onAnswer handles the answer to a question.
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

// setAnswer stores the answer for a field. It returns false for an invalid answer, which
// ends the execution or repeats the question.
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

// promptAgain reports what is wrong with an answer, and asks again.
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

// readAnswer parses a written answer to a field, or returns what is wrong with it.
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

// instructions returns the instructions of a form.
func instructions(form *element.Element) string {
	var lines []string
	for e := range form.Children(xep.NSDataForm, "instructions") {
		lines = append(lines, e.Text())
	}
	return strings.Join(lines, "\n")
}

// question returns the question for a field.
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

// answerable returns the input fields of a form.
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

// text returns the form as text: its instructions, and its fields with their values,
// secrets excepted.
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

// finishByWords ends an execution by text with its result.
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

// maxLines is the most lines of a table that is sent as text.
const maxLines = 100

func truncateLines(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) <= maxLines {
		return text
	}
	return strings.Join(lines[:maxLines], "\n") + "\n… and " + strconv.Itoa(len(lines)-maxLines) + " more."
}

// saidError returns an error as a text for the user.
func saidError(why stanza.Error) string {
	if why.Text != "" {
		return why.Text
	}
	return "That cannot be done: " + strings.ReplaceAll(string(why.Condition), "-", " ") + "."
}

// helpText lists the text commands that the user can run now.
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
