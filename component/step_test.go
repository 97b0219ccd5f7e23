package component_test

import (
	"strings"
	"testing"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
)

// step checks the answer to a step that failed: the form again, with the reason in the
// first line of its instructions, at the field to mend, and as a note. (XEP-0050 §4.3,
// XEP-0004 §3.2)
func step(t *testing.T, got *element.Element, field, why string) {
	t.Helper()
	form := got.Child(nsData, "x")
	if got.Attr("status") != "executing" || form == nil {
		t.Errorf("%s: the form does not come again: %s", field, got)
		return
	}
	if note := got.ChildText(nsCommands, "note"); got.Child(nsCommands, "note").Attr("type") != "error" || !strings.Contains(note, why) {
		t.Errorf("%s: the note is %q, want %q in it", field, note, why)
	}
	if first := form.ChildText(nsData, "instructions"); !strings.Contains(first, why) {
		t.Errorf("%s: the instructions begin with %q, want %q in it", field, first, why)
	}
	for f := range form.Children(nsData, "field") {
		marked := strings.HasPrefix(f.Attr("label"), "⚠ ") && strings.Contains(f.ChildText(nsData, "desc"), why)
		if marked != (f.Attr("var") == field) {
			t.Errorf("field %s is marked: %t, in %s", f.Attr("var"), marked, form)
		}
	}
}

// stepper starts a command and fills its form in.
func (w *world) stepper(from, to, node string) func(fields ...string) *element.Element {
	w.t.Helper()
	first, _ := w.ask("set", from, to, "c", "<command xmlns='"+nsCommands+"' node='"+node+"'/>")
	id := first.First().Attr("sessionid")
	return func(fields ...string) *element.Element {
		w.t.Helper()
		answer, _ := w.ask("set", from, to, "c", "<command xmlns='"+nsCommands+"' node='"+node+"' sessionid='"+id+"' action='complete'>"+submit(fields...)+"</command>")
		if answer == nil {
			return nil // the network has yet to answer
		}
		return answer.First()
	}
}

// What is wrong with the answers to a form is said in the form, whoever says it.
func TestStepErrors(t *testing.T) {
	asked := make(chan string, 1000)
	config := func(c *component.Config) { c.Policy.Admins = []string{alice} }
	stage(t, setup{network: newCity(asked), echo: silence, config: config, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.enter(h, asked, phone, legacy.RoomJoined{})

		got := w.stepper(phone, gw, "options")("max_history_length", "many", "record_history", "false")
		step(t, got, "max_history_length", "Enter a number of lines")
		if form := got.Child(nsData, "x"); formValues(form, "max_history_length")[0] != "many" || formValues(form, "record_history")[0] != "false" {
			t.Errorf("what was entered is gone: %s", form)
		}
		step(t, w.stepper(phone, club, "configure")("max_history_length", "-2"), "max_history_length", "Enter a number of lines")
		settings := w.stepper(phone, gw, "server-configure")
		got = settings("nick", "a b", "key", hidden, "certificate", hidden)
		step(t, got, "nick", "A nick has no spaces.")
		if strings.Contains(got.String(), hidden) {
			t.Errorf("a secret comes back: %s", got)
		}
		// It is marked no longer than it is wrong.
		w.mustMatch(settings("nick", "ab"), "<command xmlns='"+nsCommands+"' status='completed'><note type='info'/></command>")
		step(t, w.stepper(phone, gw, "http://jabber.org/protocol/admin#user-stats")("accountjids", "@"), "accountjids", "is not a JID")
		step(t, w.stepper(phone, gw, "http://jabber.org/protocol/admin#announce")("announcement", " "), "announcement", "Enter a text")
		for len(asked) > 0 {
			<-asked
		}

		// by the network
		knock := w.stepper(phone, club, "knock")
		step(t, knock("text", ""), "text", "What to say is missing.")
		knock("text", "hello", "times", "1000")
		ref := w.hear(asked, `do * "#club" knock map[text:hello times:1000]`)
		h.Emit(legacy.CommandDone{Ref: ref, Err: &legacy.FieldError{Var: "times", Text: "At most 9."}})
		step(t, w.Expect("<iq type='result' id='c'/>").First(), "times", "At most 9.")
		// What no other answer mends ends the command.
		knock("text", "hello")
		h.Emit(legacy.CommandDone{Ref: w.hear(asked, `do * "#club" knock map[text:hello times:3]`), Err: legacy.Errorf(legacy.Forbidden, "Nobody opens.")})
		w.Expect("<iq type='result' id='c'><command xmlns='" + nsCommands + "' status='completed'><note type='error'>Nobody opens.</note></command></iq>")
	})
}

// The same of registrations, of which no secret comes back.
func TestStepErrorsOfRegistration(t *testing.T) {
	stage(t, setup{users: []string{bob}}, func(t *testing.T, w *world) {
		register := w.stepper(phone, gw, "register")
		step(t, register("username", "alice", "password", ""), "password", "Password is missing.")
		got := register("username", "a@b", "password", hidden)
		step(t, got, "username", "An Echo name")
		if values := formValues(got.Child(nsData, "x"), "username"); len(values) != 1 || values[0] != "a@b" || strings.Contains(got.String(), hidden) {
			t.Errorf("entered was a@b, shown is %s", got)
		}
		step(t, register("username", "bob", "password", hidden), "username", "Somebody else has registered")
		step(t, register("username", "alice", "password", "wrong"), "none of them", "name and password")
	})
}

// Whom to block is asked again if there can be nobody of that address.
func TestStepErrorsOfBlocking(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		w.signOn(phone)
		step(t, w.stepper(phone, gw, "block")("peer", "@"), "peer", "An Echo name")
		for _, name := range []string{"block", "add-contact", "remove-contact"} {
			step(t, w.stepper(phone, gw, name)("peer", " "), "peer", "Enter an address.")
		}
		step(t, w.stepper(phone, gw, "import-contacts")("contacts", "\n"), "contacts", "Enter at least one contact.")
	})
}
