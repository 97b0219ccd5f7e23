package adhoc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

var (
	somebody = legacy.Peer{ID: "bob"}
	room     = legacy.Peer{ID: "#tea", Room: true}
	server   = legacy.Peer{ID: "irc.example.org", Service: true}
)

// listed returns the nodes of the list of commands at a peer.
func (w *world) listed(at legacy.Peer, node string) []string {
	w.Helper()
	answer := w.iq(phone, "<query xmlns='"+xep.NSDiscoItems+"' node='"+node+"'/>", func(r *stanza.Request) { w.OnItems(r, at) })
	if answer.Attr("type") == "error" {
		return []string{string(answer.Child(stanza.NS, "error").First().Name)}
	}
	var nodes []string
	for e := range answer.First().Elements() {
		nodes = append(nodes, e.Attr("node"))
		if e.Attr("jid") != gw || e.Attr("name") == "" {
			w.Errorf("listed is %s", e)
		}
	}
	return nodes
}

// XEP-0050 §2.1: the list has the commands of an address that are for the user now, in
// the order of the table.
func TestList(t *testing.T) {
	common := []string{"hello", "broken", "order", "sign-up", "settings", "search", "wait", "end", "people"}
	for _, tt := range []struct {
		at   legacy.Peer
		node string
		in   []Audience
		want []string
	}{
		{legacy.Peer{}, xep.NSCommands, []Audience{Registered, Members}, common},
		{legacy.Peer{}, xep.NSCommands, []Audience{Strangers, Members}, append(slices.Clone(common), "strange")},
		{legacy.Peer{}, xep.NSCommands, []Audience{Strangers}, append(slices.DeleteFunc(slices.Clone(common), func(s string) bool { return s == "order" }), "strange")},
		{legacy.Peer{}, xep.NSCommands, []Audience{Registered, Members, Admins}, append(slices.Clone(common), "http://jabber.org/protocol/admin#shut-down", "probe")},
		{room, xep.NSCommands, nil, []string{"configure"}},
		{server, xep.NSCommands, nil, []string{"server"}},
		{somebody, xep.NSCommands, nil, []string{"poke"}},
		{legacy.Peer{}, "hello", nil, nil},
		{legacy.Peer{}, "quiet", nil, nil}, // not listed now, and yet there
		{legacy.Peer{}, "server", nil, []string{"item-not-found"}},
		{legacy.Peer{}, "absent", nil, []string{"item-not-found"}},
		{room, "hello", nil, []string{"item-not-found"}},
	} {
		w := newWorld(t)
		clear(w.in)
		for _, who := range tt.in {
			w.in[who] = true
		}
		if got := w.listed(tt.at, tt.node); !slices.Equal(got, tt.want) {
			t.Errorf("%+v, %q for %v: listed are %q, want %q", tt.at, tt.node, tt.in, got, tt.want)
		}
	}
	w := newWorld(t)
	w.person.did = []string{"something"}
	if got := w.listed(legacy.Peer{}, xep.NSCommands); !slices.Contains(got, "quiet") {
		t.Errorf("listed are %q", got)
	}
}

// XEP-0050 §2.2: disco#info of the list, and of a command.
func TestInfo(t *testing.T) {
	for _, tt := range []struct {
		at         legacy.Peer
		node, want string // the type and name of the identity
	}{
		{legacy.Peer{}, xep.NSCommands, "command-list Commands"},
		{legacy.Peer{}, "order", "command-node Order tea"},
		{legacy.Peer{}, "hello", "command-node Hello"},
		{legacy.Peer{}, "people", "command-node People"}, // a node before an alias
		{legacy.Peer{}, "configure", "command-node Settings"},
		{room, "configure", "command-node Settings of a room"},
		{room, "order", ""}, {legacy.Peer{}, "poke", ""}, {legacy.Peer{}, "", ""}, {legacy.Peer{}, "absent", ""},
	} {
		got := ""
		if info := testTable().Info(tt.node, tt.at); info != nil {
			id := info.Child(xep.NSDiscoInfo, "identity")
			got = id.Attr("type") + " " + id.Attr("name")
			if info.Attr("node") != tt.node || id.Attr("category") != "automation" {
				t.Errorf("%q: %s", tt.node, info)
			}
		}
		if got != tt.want {
			t.Errorf("%q at %+v is %q, want %q", tt.node, tt.at, got, tt.want)
		}
	}
}

// Where services have no addresses, their commands are at the gateway.
func TestNoServices(t *testing.T) {
	table := NewTable(legacy.Info{}, &command{Node: "server", Name: "Settings of a server", At: AtService})
	if table.Info("server", legacy.Peer{}) == nil || table.Info("server", somebody) != nil {
		t.Error("the command of the service is not at the gateway, or is at a person")
	}
}

// XEP-0050 §3.1: a command in one stage.
func TestRun(t *testing.T) {
	w := newWorld(t)
	w.note(w.run(phone, "node='hello'", ""), "completed", "info", "Good day.")
	w.note(w.run(phone, "node='hello' action='execute'", ""), "completed", "info", "Good day.")
	w.note(w.run(phone, "node='quiet'", ""), "completed", "", "")
	w.note(w.run(phone, "node='broken'", ""), "completed", "error", stanza.ErrDatabase.Text)
	w.note(w.run(phone, "node='strange'", ""), "completed", "error", "That is not for you.")
	w.note(w.run(phone, "node='probe'", ""), "completed", "info", "Pong.")
	w.note(w.runAt(somebody, phone, "node='poke'", ""), "completed", "info", "Poked bob.")
	w.note(w.runAt(room, phone, "node='configure'", ""), "completed", "info", "A room.")
	w.note(w.run(phone, "node='hello' action='cancel'", ""), "canceled", "", "")
	w.refused(w.run(phone, "node='http://jabber.org/protocol/admin#shut-down'", ""), stanza.Forbidden, "")
	w.in[Admins] = true
	w.note(w.run(phone, "node='http://jabber.org/protocol/admin#shut-down'", ""), "completed", "info", "Shut.")
	if w.Busy() || !w.Next().IsZero() {
		t.Error("the engine keeps a command that has ended")
	}
}

// actions are the permitted actions of a stage, the default one first.
func actions(stage *element.Element) string {
	a := stage.Child(xep.NSCommands, "actions")
	names := []string{a.Attr("execute") + ":"}
	for e := range a.Elements() {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

// XEP-0050 §3.3, §3.4: two stages, forth, back, and forth again.
func TestStages(t *testing.T) {
	w := newWorld(t)
	first := w.run(phone, "node='order'", "")
	if got := actions(first); got != "next: next" {
		t.Errorf("the first stage has the actions %q", got)
	}
	step := w.started(phone, "order")
	second := step("next", submit("sort", "green", "cups", "2"))
	if got := actions(second); got != "complete: complete prev" || second.Child(xep.NSDataForm, "x").ChildText(xep.NSDataForm, "title") != "Milk" {
		t.Errorf("the second stage has the actions %q: %s", got, second)
	}
	if back := step("prev", ""); actions(back) != "next: next" || back.Child(xep.NSDataForm, "x").ChildText(xep.NSDataForm, "title") != "Tea" {
		t.Errorf("back is %s", back)
	}
	w.refused(step("prev", ""), stanza.BadRequest, "bad-action")
	step("execute", submit("sort", "black", "cups", "3"))
	w.note(step("complete", submit("milk", "true")), "completed", "info", "Your tea is on its way.")
	w.did("black 3 true")
	w.refused(step("complete", submit("milk", "true")), stanza.BadRequest, "bad-sessionid")
	w.did()
}

// XEP-0050 §4.4: requests that are wrong change nothing: afterwards the command goes on.
func TestMistakes(t *testing.T) {
	w := newWorld(t)
	id := w.run(phone, "node='order'", "").Attr("sessionid")
	session := " sessionid='" + id + "'"
	good := submit("sort", "green")
	for _, tt := range []struct {
		from, attrs, form string
		condition         stanza.Condition
		special           string
	}{
		{phone, "", "", stanza.ItemNotFound, ""},
		{phone, "node=''" + session, good, stanza.ItemNotFound, ""},
		{phone, "node='nothing'", "", stanza.ItemNotFound, ""},
		{phone, "node='poke'", "", stanza.ItemNotFound, ""},
		{phone, "node='absent'", "", stanza.ItemNotFound, ""},
		{phone, "node='order' sessionid='" + strings.Repeat("x", 10000) + "'", good, stanza.BadRequest, "bad-sessionid"},
		{phone, "node='sign-up'" + session, good, stanza.BadRequest, "bad-sessionid"},
		{laptop, "node='order'" + session, good, stanza.BadRequest, "bad-sessionid"},
		{laptop, "node='order' action='cancel'" + session, "", stanza.BadRequest, "bad-sessionid"},
		{"mallory@example.org/x", "node='order'" + session, good, stanza.BadRequest, "bad-sessionid"},
		{alice, "node='order'" + session, good, stanza.BadRequest, "bad-sessionid"},
		{phone, "node='order' action='dance'" + session, good, stanza.BadRequest, "malformed-action"},
		{phone, "node='order' action='prev'" + session, good, stanza.BadRequest, "bad-action"},
		{phone, "node='order' action='complete'" + session, good, stanza.BadRequest, "bad-action"},
		{phone, "node='order' action='next'" + session, "", stanza.BadRequest, "bad-payload"},
		{phone, "node='order'" + session, "<x xmlns='jabber:x:other'/>", stanza.BadRequest, "bad-payload"},
		{phone, "node='http://jabber.org/protocol/admin#shut-down'" + session, "", stanza.Forbidden, ""},
	} {
		w.refused(w.run(tt.from, tt.attrs, tt.form), tt.condition, tt.special)
	}
	w.did()
	// Fields that nobody asked for, without a name, or twice, are no mistake.
	odd := submit("sort", "green", "sort", "black", "colour", "red", "", "x") + "<note xmlns='" + xep.NSCommands + "'/><x xmlns='" + xep.NSDataForm + "'/>"
	if second := w.run(phone, "node='order'"+session, odd); second.Attr("status") != "executing" {
		t.Errorf("got %s", second)
	}
	w.note(w.run(phone, "node='order'"+session, submit("milk", "perhaps")), "completed", "info", "Your tea is on its way.")
	w.did("green  perhaps")
}

// XEP-0050 §3.4: cancelling forgets the command.
func TestCancel(t *testing.T) {
	w := newWorld(t)
	step := w.started(phone, "order")
	step("next", submit("sort", "green"))
	w.note(step("cancel", ""), "canceled", "", "")
	w.refused(step("complete", submit("milk", "true")), stanza.BadRequest, "bad-sessionid")
	w.refused(step("cancel", ""), stanza.BadRequest, "bad-sessionid")
	w.did()
	if w.Busy() {
		t.Error("a cancelled command is kept")
	}
}

// XEP-0050 §4.3: an error that other answers can mend shows the form again, with the entered
// values; any other error ends the command.
func TestErrorsInForm(t *testing.T) {
	for _, tt := range []struct {
		cups, why, marked string
		again             bool
	}{
		{"many", "That is no number.", "cups", true},
		{"0", "No tea is no order.", "", true},
		{"-1", "Nobody drinks that.", "cups", true},
		{"100", "The pot is empty.", "", false},
		{"9", "The kitchen is closed.", "", false},
	} {
		w := newWorld(t)
		step := w.started(phone, "order")
		got := step("next", submit("sort", "black", "cups", tt.cups))
		if !tt.again {
			w.note(got, "completed", "error", tt.why)
			w.refused(step("next", submit("sort", "black")), stanza.BadRequest, "bad-sessionid")
			continue
		}
		w.note(got, "executing", "error", tt.why)
		form := got.Child(xep.NSDataForm, "x")
		if form.ChildText(xep.NSDataForm, "instructions") != tt.why {
			t.Errorf("%s: the instructions do not begin with the reason: %s", tt.cups, form)
		}
		for f := range form.Children(xep.NSDataForm, "field") {
			marked := strings.HasPrefix(f.Attr("label"), "⚠ ")
			if marked != (f.Attr("var") == tt.marked) {
				t.Errorf("%s: the field %s is marked: %t", tt.cups, f.Attr("var"), marked)
			}
			if want := map[string]string{"sort": "black", "cups": tt.cups}[f.Attr("var")]; f.ChildText(xep.NSDataForm, "value") != want {
				t.Errorf("%s: the field is %s, want the value %q", tt.cups, f, want)
			}
		}
		if mended := step("next", submit("sort", "black", "cups", "2")); strings.Contains(mended.String(), tt.why) || actions(mended) != "complete: complete prev" {
			t.Errorf("%s: after it is mended: %s", tt.cups, mended)
		}
	}
	w := newWorld(t)
	if got := w.started(phone, "sign-up")("complete", submit("name", "ann", "password", "wr0ng")); strings.Contains(got.String(), "wr0ng") {
		t.Errorf("a secret comes back: %s", got)
	}
}

// XEP-0050 §4.4: a form is waited for ten minutes after the last request of its command.
func TestExpiry(t *testing.T) {
	w := newWorld(t)
	pass := func(d time.Duration) {
		w.now = w.now.Add(d)
		w.Due(w.now)
	}
	step := w.started(phone, "order")
	if !w.Busy() || !w.Next().Equal(w.now.Add(answerTime)) {
		t.Errorf("the next deadline is %v", w.Next())
	}
	pass(answerTime - 1)
	step("next", submit("sort", "green"))
	pass(answerTime - 1)
	step("prev", "")
	pass(answerTime - 1)
	if second := step("next", submit("sort", "green")); second.Attr("status") != "executing" {
		t.Errorf("in time: %s", second)
	}
	pass(answerTime)
	w.refused(step("complete", submit("milk", "true")), stanza.BadRequest, "bad-sessionid")
	w.did()
	if w.Busy() || !w.Next().IsZero() {
		t.Error("an expired command is kept")
	}

	// Without a timer, the next request finds it expired.
	step = w.started(phone, "order")
	w.now = w.now.Add(answerTime)
	w.refused(step("next", submit("sort", "green")), stanza.BadRequest, "bad-sessionid")
}

// A command that the network has to answer does not expire: its request does. Until then
// the client has to wait.
func TestRunning(t *testing.T) {
	w := newWorld(t)
	if got := w.run(phone, "node='wait'", ""); got != nil {
		t.Fatalf("answered by %s", got)
	}
	x := w.person.running[0]
	x.Ask(xep.NewForm("form", "", "Wait", ""), true, func(xep.Answers) {})
	session := "node='wait' sessionid='" + w.sent[0].First().Attr("sessionid") + "'"
	if got := w.run(phone, session, ""); got != nil {
		t.Fatalf("answered by %s", got)
	}
	w.now = w.now.Add(2 * answerTime)
	w.Due(w.now)
	w.refused(w.run(phone, session, ""), stanza.UnexpectedRequest, "")
	w.refused(w.run(phone, session+" action='cancel'", ""), stanza.UnexpectedRequest, "")
	if !w.Next().IsZero() {
		t.Errorf("the next deadline of a running command is %v", w.Next())
	}
	w.sent = nil
	x.Finish("info", "At last.", nil)
	w.note(w.sent[0].First(), "completed", "info", "At last.")
	x.Finish("info", "Once more.", nil)
	x.Fail(stanza.ErrInternal)
	if len(w.sent) != 1 {
		t.Errorf("one request is answered by %v", w.sent)
	}

	// The answer to a request that has timed out is lost, and the command with it.
	w.run(phone, "node='wait'", "")
	x = w.person.running[1]
	x.Request.Fail(stanza.ErrTimeout)
	w.sent = nil
	x.Ask(xep.NewForm("form", "", "Wait", ""), true, func(xep.Answers) {})
	w.now = w.now.Add(answerTime)
	w.Due(w.now)
	if len(w.sent) != 0 || w.Busy() {
		t.Errorf("sent %v, busy %t", w.sent, w.Busy())
	}
}

// More commands than eight are refused, until one of them ends or expires.
func TestTooMany(t *testing.T) {
	w := newWorld(t)
	step := w.started(phone, "order")
	for range maxExecutions - 1 {
		w.started(laptop, "end")
	}
	w.refused(w.run(phone, "node='order'", ""), stanza.ResourceConstraint, "")
	w.refused(w.run(phone, "node='hello'", ""), stanza.ResourceConstraint, "")
	w.conversation(phone, "hello", "Too many commands are waiting for your answer. Finish or cancel one of them.")
	step("cancel", "")
	w.started(phone, "order")
	w.refused(w.run(phone, "node='order'", ""), stanza.ResourceConstraint, "")
	w.now = w.now.Add(answerTime)
	w.started(phone, "order")
	if n := len(w.executions); n != 1 {
		t.Errorf("%d executions are left", n)
	}
}

// Reset makes all forms void.
func TestReset(t *testing.T) {
	w := newWorld(t)
	step := w.started(phone, "order")
	w.writes(laptop, "join")
	w.Reset()
	if w.Busy() {
		t.Error("commands are kept")
	}
	w.refused(step("next", submit("sort", "green")), stanza.BadRequest, "bad-sessionid")
	if got := w.writes(laptop, secret); !strings.HasPrefix(got, "I do not know that command.") {
		t.Errorf("hears %q", got)
	}
	w.did()
}

// Clients whose dialogue has expired are remembered, but not without bound.
func TestLateBound(t *testing.T) {
	w := newWorld(t)
	for n := range maxLate + 10 {
		w.writes(fmt.Sprintf("%s/%d", alice, n), "join")
		w.now = w.now.Add(answerTime)
		for full := range w.late { // none of them is forgotten
			w.late[full] = w.now.Add(answerTime)
		}
	}
	w.Due(w.now)
	if len(w.late) != maxLate {
		t.Errorf("%d are remembered", len(w.late))
	}
	if !w.Busy() || !w.Next().Equal(w.now.Add(answerTime)) {
		t.Errorf("busy %t, next %v", w.Busy(), w.Next())
	}
	w.now = w.now.Add(answerTime)
	w.Due(w.now)
	if w.Busy() {
		t.Error("some are remembered for ever")
	}
}
