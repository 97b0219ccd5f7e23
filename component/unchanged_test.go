package component_test

import (
	"testing"

	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

// returned is a form as a client sends it back that has shown it and changed nothing.
func returned(form *element.Element) string {
	x := element.New(nsData, "x").Set("type", "submit")
	for f := range form.Children(nsData, "field") {
		if f.Attr("type") == "fixed" {
			continue
		}
		answer := element.New(nsData, "field").Set("var", f.Attr("var"))
		for v := range f.Children(nsData, "value") {
			answer.Add(v)
		}
		if answer.Count() == 0 && f.Attr("type") != "boolean" { // Gajim and Converse
			answer.Add(element.New(nsData, "value"))
		}
		x.Add(answer)
	}
	return x.String()
}

// A form that comes back as it was shown changes nothing: it makes no registration of a
// guest, and asks nobody for a subscription. (XEP-0004 §3.1)
func TestUnchangedFormsOfGuests(t *testing.T) {
	for _, at := range []struct{ to, node string }{
		{gw, "options"}, {gw, "server-configure"}, {club, "configure"}, {club, ""},
	} {
		t.Run(at.to+" "+at.node, func(t *testing.T) {
			asked := make(chan string, 100)
			stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
				if at.node == "" { // of the room itself
					answer, _ := w.ask("get", phone, at.to, "o", "<query xmlns='"+nsOwner+"'/>")
					answer, _ = w.ask("set", phone, at.to, "o", "<query xmlns='"+nsOwner+"'>"+returned(answer.First().Child(nsData, "x"))+"</query>")
					w.mustMatch(answer, "<iq type='result'/>")
				} else {
					answer, _ := w.ask("set", phone, at.to, "c", "<command xmlns='"+nsCommands+"' node='"+at.node+"'/>")
					form := answer.First()
					answer, _ = w.ask("set", phone, at.to, "c", "<command xmlns='"+nsCommands+"' node='"+at.node+"' sessionid='"+form.Attr("sessionid")+"' action='complete'>"+returned(form.Child(nsData, "x"))+"</command>")
					w.mustMatch(answer, "<iq type='result'><command xmlns='"+nsCommands+"' status='completed'><note type='info'/></command></iq>")
				}
				w.settle()
				w.Quiet()
				w.nothingAsked(asked)
				if a, there := w.account(alice); there {
					t.Errorf("registered, with %v", a.Options)
				}
			})
		})
	}
}

// defaulting is a network whose registration has defaults.
type defaulting struct{ legacy.Network }

func (n defaulting) Info() legacy.Info {
	info := n.Network.Info()
	info.Form = append(info.Form, legacy.Field{Var: "port", Label: "Port", Default: "5190"},
		legacy.Field{Var: "away", Label: "Away", Type: legacy.FieldBool}, legacy.Field{Var: "rooms", Label: "Rooms", Type: legacy.FieldLines})
	return info
}

// A registration that comes back as it was shown is not tried anew, though the form has
// defaults for what was never entered.
func TestUnchangedRegistration(t *testing.T) {
	network := func(n legacy.Network) legacy.Network { return defaulting{n} }
	stage(t, setup{network: network, users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		answer, _ := w.ask("get", phone, gw, "r", registerQuery(""))
		answer, _ = w.ask("set", phone, gw, "r", registerQuery(returned(answer.First().Child(nsData, "x"))))
		w.mustMatch(answer, "<iq type='result'/>")
		w.settle()
		w.Quiet()
		legacytest.Refute[legacytest.SignOff](t, h)
		legacytest.Refute[legacytest.SignOn](t, h)
	})
}
