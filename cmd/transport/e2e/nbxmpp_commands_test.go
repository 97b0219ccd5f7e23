package e2e

import (
	"slices"
	"strings"
	"testing"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/legacy/oscar/oscarwire"
)

// TestNBXMPPCommands goes through commands and searches: unregistered, registered by a
// command, and signed off.
func TestNBXMPPCommands(t *testing.T) {
	w := newClientWorld(t, false)
	w.mock.EditFeedbag(demo.AliceUIN, oscarwire.FeedbagInsert,
		oscarwire.FeedbagItem{Name: "Freunde", GroupID: 7, Class: oscarwire.FeedbagGroup},
		oscarwire.FeedbagItem{Name: demo.BobUIN, GroupID: 7, ItemID: 71, Class: oscarwire.FeedbagBuddy})
	w.start()
	w.waitLinks(2)
	alice := w.nbxmpp(aliceJID + "/one")

	// The most common commands come first, and only usable ones are listed.
	offered := alice.commands(icqDomain)
	if offered[0] != "register" {
		t.Errorf("a stranger is offered %v", offered)
	}
	for _, node := range []string{"ping", "hello", "change-registration", "unregister", "contacts", "logout", "login", "invisible"} {
		if slices.Contains(offered, node) {
			t.Errorf("a stranger is offered %s", node)
		}
	}

	// Gajim shows notes and the form of each step, Converse only the form: the error is in
	// both, and at the field. (gajim/gtk/adhoc.py, Stage.process_stage)
	failed := func(step *lab.AdHocStep, field, why string) {
		t.Helper()
		if step.Status != "executing" || step.Form == nil || len(step.Notes) != 1 || step.Notes[0].Type != "error" {
			t.Fatalf("a step that failed is %+v", step)
		}
		if !strings.Contains(step.Notes[0].Text, why) || !strings.Contains(step.Form.Instructions, why) {
			t.Errorf("note %q, instructions %q, want %q in both", step.Notes[0].Text, step.Form.Instructions, why)
		}
		if field != "" && !strings.Contains(step.Form.Field(field).Desc, why) {
			t.Errorf("%+v is not marked", step.Form.Field(field))
		}
	}
	step := alice.begin(icqDomain, "register")
	if step.Form.Instructions == "" || !slices.Contains(step.Actions, "complete") || !slices.Contains(step.Actions, "cancel") {
		t.Errorf("the first step is %+v", step)
	}
	step = alice.complete(step, map[string][]string{"username": {"no number"}, "password": {networkPass}})
	failed(step, "username", "ICQ")
	if got := step.Form.Field("username").Values; !slices.Equal(got, []string{"no number"}) || strings.Join(step.Form.Field("password").Values, "") != "" {
		t.Errorf("entered again is %v", step.Form.Fields)
	}
	step = alice.complete(step, map[string][]string{"username": {demo.AliceUIN}, "password": {"wrong"}})
	failed(step, "", "password")
	step = alice.complete(step, map[string][]string{"username": {demo.AliceUIN}, "password": {networkPass}})
	if step.Status != "completed" || len(step.Notes) != 1 || step.Notes[0].Type != "info" {
		t.Fatalf("registered by %+v", step)
	}
	alice.presence(icqDomain, "subscribe")
	alice.call(nil, "BasePresence", "subscribed", icqDomain)
	alice.call(nil, "BasePresence", "subscribe", icqDomain)
	alice.expect("a proposal", func(e *lab.ProbeEvent) bool { return e.Kind == "exchange" })

	offered = alice.commands(icqDomain)
	if last := offered[len(offered)-1]; slices.Contains(offered, "register") || slices.Contains(offered, "login") || last != "unregister" {
		t.Errorf("alice is offered %v", offered)
	}
	if a, b := slices.Index(offered, "contacts"), slices.Index(offered, "change-registration"); a < 0 || b < a {
		t.Errorf("alice is offered %v", offered)
	}
	said := func(node string) string {
		t.Helper()
		step := alice.begin(icqDomain, node)
		if step.Status != "completed" || len(step.Notes) != 1 || step.Notes[0].Text == "" {
			t.Fatalf("%s ends as %+v", node, step)
		}
		return step.Notes[0].Text
	}
	if got := said("contacts"); !strings.Contains(got, "You have 1 contact:") {
		t.Errorf("the contacts are %q", got)
	}
	// XEP-0055: Gajim shows the reported columns, and adds contacts by jid.
	// (gajim/gtk/component_search.py)
	const search = "<query xmlns='jabber:iq:search'/>"
	form, why := alice.ask("get", icqDomain, search, nil)
	if why != nil || form == nil || form.Field("nick") == nil {
		t.Fatalf("the search form is %+v, %v", form, why)
	}
	found, why := alice.ask("set", icqDomain, search, form.Fill(map[string][]string{"nick": {"Bob"}}))
	if why != nil || found == nil || len(found.Rows) != 1 || found.Rows[0]["jid"] != bobICQ || found.Rows[0]["nick"] != "Bob" {
		t.Errorf("found are %+v, %v", found, why)
	}

	// A refused command ends with a note about the state, not only with an error.
	state := func() string {
		first, _, _ := strings.Cut(said("status"), "\n")
		return first
	}
	if got := said("login"); got != state() {
		t.Errorf("signing on while signed on says %q, the state is %q", got, state())
	}
	said("logout")
	step = alice.begin(icqDomain, "block")
	if step.Status == "executing" {
		step = alice.complete(step, map[string][]string{"peer": {"1005"}})
	}
	if len(step.Notes) != 1 || step.Notes[0].Text != state() {
		t.Errorf("blocking while signed off says %+v, the state is %q", step.Notes, state())
	}
	if offered := alice.commands(icqDomain); !slices.Contains(offered, "login") || slices.Contains(offered, "logout") {
		t.Errorf("while signed off, the commands are %v", offered)
	}
	// Words run the same commands. Clients show the answers in the chat with the gateway.
	write := func(word string) *lab.ProbeEvent {
		t.Helper()
		alice.send("<message to='" + icqDomain + "' type='chat' id='" + word + "'><body>" + word + "</body></message>")
		e := alice.expect("an answer to "+word, func(e *lab.ProbeEvent) bool {
			return e.Kind == "message" && e.Bare() == icqDomain && e.Body != ""
		})
		if e.Type != "chat" {
			t.Errorf("%s is answered by %s", word, e.XML)
		}
		return e
	}
	if help := write("help").Body; !strings.Contains(help, "\nunregister") || !strings.Contains(help, "\nlogin") || strings.Contains(help, "\nlogout") {
		t.Errorf("help says %q", help)
	}
	if asked := write("unregister").Body; !strings.Contains(asked, "yes") {
		t.Errorf("unregistering asks %q", asked)
	}
	write("yes")
	alice.presence(icqDomain, "unsubscribed")
	if offered := alice.commands(icqDomain); offered[0] != "register" {
		t.Errorf("after unregistering, the commands are %v", offered)
	}
	alice.noWarnings()
}
