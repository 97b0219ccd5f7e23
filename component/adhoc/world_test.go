package adhoc

import (
	"slices"
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

const (
	gw     = "gw.example.org"
	alice  = "alice@example.org"
	phone  = alice + "/phone"
	laptop = alice + "/laptop"
	secret = "s3cret"
)

// person is the user of these tests, and keeps what the commands did.
type person struct {
	did     []string
	running []*Execution[*person] // executions that the network has to answer
}

// world is an engine with a fake gateway. It is a Host.
type world struct {
	*testing.T
	Engine[*person]

	person  *person
	now     time.Time
	in      map[Audience]bool
	takes   bool // raw messages
	awaited []*stanza.Request
	sent    []*element.Element
	said    []string
	raw     []string
}

func (w *world) Now() time.Time          { return w.now }
func (w *world) In(who Audience) bool    { return w.in[who] }
func (w *world) Refusal() string         { return "That is not for you." }
func (w *world) Help() string            { return "This is a gateway." }
func (w *world) Await(r *stanza.Request) { w.awaited = append(w.awaited, r) }
func (w *world) Say(to, text string)     { w.said = append(w.said, to+" "+text) }
func (w *world) Raw(st *stanza.Inbound) bool {
	if w.takes {
		w.raw = append(w.raw, st.ChildText(stanza.NS, "body"))
	}
	return w.takes
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, person: &person{}, now: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC),
		in: map[Audience]bool{Registered: true, Members: true}}
	w.Engine = New(w.person, w, testTable())
	return w
}

type command = Command[*person]

// testTable has a command of each kind.
func testTable() *Table[*person] {
	run := func(text string) func(*person) (string, *stanza.Error) {
		return func(*person) (string, *stanza.Error) { return text, nil }
	}
	return NewTable(legacy.Info{Services: true, Features: legacy.FeatureRooms},
		&command{Node: "hello", Name: "Hello", Run: run("Good day.")},
		&command{Node: "broken", Name: "Broken", Run: func(*person) (string, *stanza.Error) { return "", &stanza.ErrDatabase }},
		&command{Node: "order", Name: "Order tea", Word: "tea", Args: []string{"sort", "cups"}, Argument: "SORT [CUPS]", About: "order some tea",
			Who: Members, Start: orderTea},
		&command{Node: "sign-up", Name: "Sign up", Word: "join", Args: []string{"name", "password"}, Start: signUp},
		&command{Node: "settings", Aliases: []string{"configure", "people"}, Name: "Settings", Argument: "[NAME VALUE]", Edits: true, Start: changeSettings},
		&command{Node: "search", Name: "Search", Args: []string{"name"}, Start: search},
		&command{Node: "wait", Name: "Wait", Start: func(p *person, x *Execution[*person]) { p.running = append(p.running, x) }},
		&command{Node: "end", Name: "End it", Start: func(p *person, x *Execution[*person]) {
			x.Ask(xep.NewForm("form", "", "End it", "It ends."), true, func(xep.Answers) {
				p.did = append(p.did, "ended")
				x.Finish("info", "It is over.", nil)
			})
		}},
		&command{Node: "people", Name: "People", Start: func(p *person, x *Execution[*person]) {
			columns := [][2]string{{"name", "Name"}, {"age", "Age"}}
			form := xep.NewForm("result", "", "People", "").Add(xep.Reported(columns...))
			for range maxLines + 5 {
				form.Add(xep.Item(columns, "Ann", "30"))
			}
			x.Finish("info", "Here they are.", form)
		}},
		&command{Node: "quiet", Name: "Quiet", When: func(p *person) bool { return len(p.did) > 0 }, Run: run("")},
		&command{Word: "wordy", Name: "A word only", Run: run("Words.")},
		&command{Node: "strange", Name: "For strangers", Who: Strangers, Run: run("Hello, stranger.")},
		&command{Node: "http://jabber.org/protocol/admin#shut-down", Name: "Shut down", Who: Admins, Run: run("Shut.")},
		&command{Node: "probe", Name: "Probe", Who: Developers, Run: run("Pong.")},
		&command{Node: "configure", Name: "Settings of a room", At: AtRoom, Run: run("A room.")},
		&command{Node: "server", Name: "Settings of a server", At: AtService, Run: run("A server.")},
		&command{Node: "poke", Name: "Poke", At: AtPerson, Start: func(p *person, x *Execution[*person]) { x.Finish("info", "Poked "+x.Peer.ID+".", nil) }},
		&command{Node: "absent", Name: "Absent", Needs: legacy.FeatureSearch, Run: run("Found.")},
	)
}

// orderTea asks by two forms, and refuses answers in every way.
func orderTea(p *person, x *Execution[*person]) {
	sort := xep.Required(xep.NewField("sort", "list-single", "Sort of tea"))
	xep.Option(sort, "Green tea", "green")
	xep.Option(sort, "Black tea", "black")
	x.Ask(xep.NewForm("form", "", "Tea", "Choose.").Add(sort, xep.NewField("cups", "text-single", "Cups", "1")), false, func(first xep.Answers) {
		switch cups := first.First("cups"); cups {
		case "many":
			x.AskAgain("That is no number.", "cups")
			return
		case "0":
			x.Fail(stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: "No tea is no order."})
			return
		case "100":
			x.Fail(stanza.ErrBusy.With("The pot is empty."))
			return
		case "-1":
			x.FailField(legacy.Errorf(legacy.Conflict, "Nobody drinks that."), "cups")
			return
		case "9":
			x.FailField(legacy.Errorf(legacy.Offline, "The kitchen is closed."), "cups")
			return
		}
		x.Ask(xep.NewForm("form", "", "Milk", "").Add(xep.Required(xep.NewField("milk", "boolean", "Milk"))), true, func(second xep.Answers) {
			p.did = append(p.did, strings.Join([]string{first.First("sort"), first.First("cups"), second.First("milk")}, " "))
			x.Finish("info", "Your tea is on its way.", nil)
		})
	})
}

// signUp asks for a password.
func signUp(p *person, x *Execution[*person]) {
	form := xep.NewForm("form", "", "Sign up", "Choose a name.").
		Add(xep.Required(xep.NewField("name", "text-single", "Name")), xep.Required(xep.NewField("password", "text-private", "Password")))
	x.Ask(form, true, func(a xep.Answers) {
		if a.First("password") != secret {
			x.AskAgain("The password is wrong.", "password")
			return
		}
		p.did = append(p.did, "joined "+a.First("name"))
		x.Finish("info", "You have joined.", nil)
	})
}

// changeSettings shows what is set.
func changeSettings(p *person, x *Execution[*person]) {
	form := xep.NewForm("form", "urn:test", "Settings", "").Add(
		xep.NewField("", "fixed", "", "Some settings:"),
		xep.NewField("stay", "boolean", "Stay", "1"), xep.NewField("nick", "text-single", "Nick", "ann"), xep.NewField("key", "text-private", "Key", secret))
	x.Ask(form, true, func(a xep.Answers) {
		for _, name := range []string{"stay", "nick", "key"} {
			if values, given := a[name]; given {
				p.did = append(p.did, name+"="+strings.Join(values, ","))
			}
		}
		x.Finish("info", "Stored.", nil)
	})
}

// search asks for a name that the network looks up.
func search(p *person, x *Execution[*person]) {
	form := xep.NewForm("form", "", "Search", "").Add(xep.Required(xep.NewField("name", "text-single", "Name")))
	x.Ask(form, true, func(xep.Answers) { p.running = append(p.running, x) })
}

// inbound reads a stanza to the gateway.
func (w *world) inbound(xml string) *stanza.Inbound {
	w.Helper()
	e, err := stanza.Parse([]byte(xml))
	if err != nil {
		w.Fatal(err)
	}
	st, err := stanza.Read(e, &stanza.Host{Domain: gw, Send: func(e *element.Element) { w.sent = append(w.sent, e) }})
	if err != nil {
		w.Fatal(err)
	}
	return st
}

// iq sends an IQ and returns the answer, nil if there is none yet.
func (w *world) iq(from, payload string, handle func(*stanza.Request)) *element.Element {
	w.Helper()
	w.sent = nil
	st := w.inbound("<iq type='set' id='1' from='" + from + "' to='" + gw + "'>" + payload + "</iq>")
	handle(&stanza.Request{Inbound: st, Payload: st.First(), Deadline: w.now.Add(time.Minute)})
	switch len(w.sent) {
	case 0:
		return nil
	case 1:
		return w.sent[0]
	}
	w.Errorf("%s is answered %d times", payload, len(w.sent))
	return w.sent[0]
}

// runAt sends a stage of a command to a peer and returns its result, or an error stanza.
func (w *world) runAt(at legacy.Peer, from, attrs, form string) *element.Element {
	w.Helper()
	answer := w.iq(from, "<command xmlns='"+xep.NSCommands+"' "+attrs+">"+form+"</command>", func(r *stanza.Request) { w.OnCommand(r, at) })
	if answer != nil && answer.Attr("type") == "result" {
		return answer.First()
	}
	return answer
}

// run is runAt for the gateway.
func (w *world) run(from, attrs, form string) *element.Element {
	w.Helper()
	return w.runAt(legacy.Peer{}, from, attrs, form)
}

// started starts a command, and returns a function that sends its next stage.
func (w *world) started(from, node string) func(action, form string) *element.Element {
	w.Helper()
	first := w.run(from, "node='"+node+"'", "")
	if first.Attr("status") != "executing" || first.Attr("node") != node || first.Attr("sessionid") == "" {
		w.Fatalf("started: %s", first)
	}
	return func(action, form string) *element.Element {
		w.Helper()
		return w.run(from, "node='"+node+"' sessionid='"+first.Attr("sessionid")+"' action='"+action+"'", form)
	}
}

// submit is a filled-in form, of pairs of names and values.
func submit(fields ...string) string {
	x := "<x xmlns='" + xep.NSDataForm + "' type='submit'>"
	for pair := range slices.Chunk(fields, 2) {
		x += "<field var='" + pair[0] + "'><value>" + pair[1] + "</value></field>"
	}
	return x + "</x>"
}

// note checks the end of a command.
func (w *world) note(got *element.Element, status, kind, text string) {
	w.Helper()
	if got == nil || got.Attr("status") != status || got.ChildText(xep.NSCommands, "note") != text || text != "" && got.Child(xep.NSCommands, "note").Attr("type") != kind {
		w.Errorf("got %s, want it %s with the %s %q", got, status, kind, text)
	}
}

// refused checks an error stanza; special is the condition of XEP-0050, or "".
func (w *world) refused(got *element.Element, condition stanza.Condition, special string) {
	w.Helper()
	e := got.Child(stanza.NS, "error")
	if got.Attr("type") != "error" || e.Child(stanza.NSErrors, string(condition)) == nil || special != "" && e.Child(xep.NSCommands, special) == nil {
		w.Errorf("got %s, want %s %s", got, condition, special)
	}
}

// did checks what the commands have done since the last call.
func (w *world) did(want ...string) {
	w.Helper()
	if !slices.Equal(w.person.did, want) {
		w.Errorf("done is %q, want %q", w.person.did, want)
	}
	w.person.did = nil
}

// writes sends a message to the gateway and returns the texts that answer it.
func (w *world) writes(from, text string) string {
	w.Helper()
	w.said = nil
	m := element.New(stanza.NS, "message").Set("type", "chat").Set("from", from).Set("to", gw).Add(element.New(stanza.NS, "body").AddText(text))
	w.OnText(w.inbound(string(m.Append(nil, ""))), text)
	var texts []string
	for _, said := range w.said {
		to, text, _ := strings.Cut(said, " ")
		if to != from {
			w.Errorf("%s writes %q, and %s gets %q", from, m, to, text)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "\n---\n")
}

// conversation checks what each text of a user is answered with.
func (w *world) conversation(from string, turns ...string) {
	w.Helper()
	for turn := range slices.Chunk(turns, 2) {
		if got := w.writes(from, turn[0]); got != turn[1] {
			w.Errorf("%q is answered with %q, want %q", turn[0], got, turn[1])
		}
	}
}
