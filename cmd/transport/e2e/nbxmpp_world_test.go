package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// The tests TestNBXMPP… check how nbxmpp, Gajim's library, parses the gateway's stanzas.
// They repeat Gajim's own rules, with the names of the functions of Gajim 1.7.

// newClientWorld is a world on Prosody, with the roster privilege or without.
func newClientWorld(t *testing.T, privileged bool) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	return newWorld(t, "prosody", lab.Prosody, lab.Options{Privileged: privileged})
}

// gajim is a user with an nbxmpp client.
type gajim struct {
	*lab.NBXMPP
	w *world
}

// nbxmpp logs a user in and sends presence.
func (w *world) nbxmpp(jid string) *gajim {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), longEnough)
	defer cancel()
	n, err := lab.DialNBXMPP(ctx, w.server.Client, jid, xmppPass)
	if errors.Is(err, lab.ErrMissing) && os.Getenv("TRANSPORT_E2E") != "require" {
		w.t.Skip(err)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(n.Close)
	g := &gajim{n, w}
	if err := g.Presence(ctx, "", ""); err != nil {
		w.t.Fatal(err)
	}
	return g
}

// try calls a method of an nbxmpp module. The error is one of nbxmpp's.
func (g *gajim) try(result any, module, method string, arguments ...any) *lab.ProbeError {
	g.w.t.Helper()
	ctx, cancel := context.WithTimeout(g.w.t.Context(), longEnough)
	defer cancel()
	err := g.Call(ctx, result, module, method, arguments...)
	var refused *lab.ProbeError
	if err != nil && !errors.As(err, &refused) {
		g.w.t.Fatal(err)
	}
	return refused
}

// call calls a method of an nbxmpp module that must succeed.
func (g *gajim) call(result any, module, method string, arguments ...any) {
	g.w.t.Helper()
	if err := g.try(result, module, method, arguments...); err != nil {
		g.w.t.Fatalf("%s of %s, %v: %v", method, module, arguments, err)
	}
}

// send sends a stanza.
func (g *gajim) send(stanza string) {
	g.w.t.Helper()
	ctx, cancel := context.WithTimeout(g.w.t.Context(), longEnough)
	defer cancel()
	if err := g.Send(ctx, stanza); err != nil {
		g.w.t.Fatal(err)
	}
}

// expect waits for an event.
func (g *gajim) expect(what string, fits func(*lab.ProbeEvent) bool) *lab.ProbeEvent {
	g.w.t.Helper()
	ctx, cancel := context.WithTimeout(g.w.t.Context(), longEnough)
	defer cancel()
	e, err := g.Expect(ctx, what, fits)
	if err != nil {
		g.w.t.Fatal(err)
	}
	return e
}

// presence waits for a presence from a bare JID, with any resource.
func (g *gajim) presence(bare, typ string) *lab.ProbeEvent {
	g.w.t.Helper()
	return g.expect("presence "+typ+" of "+bare, func(e *lab.ProbeEvent) bool {
		return e.Kind == "presence" && e.Bare() == bare && e.Type == typ
	})
}

// message waits for a message with a body.
func (g *gajim) message(body string) *lab.ProbeEvent {
	g.w.t.Helper()
	return g.expect(fmt.Sprintf("the message %q", body), func(e *lab.ProbeEvent) bool {
		return e.Kind == "message" && e.Body == body
	})
}

// push waits for a roster push.
func (g *gajim) push(what string, fits func(lab.RosterItem) bool) lab.RosterItem {
	g.w.t.Helper()
	return g.expect("a roster push, "+what, func(e *lab.ProbeEvent) bool {
		return e.Kind == "roster" && e.Push != nil && fits(e.Push.Item)
	}).Push.Item
}

// settled waits until the gateway has processed all earlier stanzas.
func (g *gajim) settled(domain string) {
	g.w.t.Helper()
	g.call(nil, "Ping", "ping", lab.JIDArgument(domain))
}

// noRequests reports presences for which Gajim shows the user a request or the end of a
// subscription. (gajim/common/modules/presence.py,
// Presence._subscribe_received, Presence._unsubscribed_received)
func (g *gajim) noRequests() {
	g.w.t.Helper()
	for _, e := range g.History() {
		if e.Kind == "presence" && slices.Contains([]string{"subscribe", "unsubscribe", "unsubscribed"}, e.Type) {
			g.w.t.Errorf("a dialog is opened by %s", e.XML)
		}
	}
}

// noWarnings reports stanzas that nbxmpp could not use.
func (g *gajim) noWarnings() {
	g.w.t.Helper()
	if warnings := g.Warnings(); len(warnings) > 0 {
		g.w.t.Errorf("nbxmpp complains:\n%s", strings.Join(warnings, "\n"))
	}
}

// online returns the resources that Gajim shows as online: a presence of a bare JID adds no
// resource, and changes the existing ones.
// (gajim/common/modules/contacts.py, BareContact.update_presence, BareContact.show)
func (g *gajim) online(bare string) []string {
	available := make(map[string]bool)
	for _, e := range g.History() {
		if e.Kind != "presence" || e.FromMUC || e.Bare() != bare {
			continue
		}
		switch is := e.Type == "available"; {
		case e.Type != "available" && e.Type != "unavailable" && e.Type != "error":
		case e.Resource() != "":
			available[e.Resource()] = is
		default:
			for resource := range available {
				available[resource] = is
			}
		}
	}
	var all []string
	for resource, is := range available {
		if is {
			all = append(all, resource)
		}
	}
	return all
}

// capabilities queries the disco#info of a caps hash, like Gajim, and fails if Gajim would
// reject the answer. (gajim/common/modules/caps.py,
// Caps._on_disco_info)
func (g *gajim) capabilities(e *lab.ProbeEvent) *lab.DiscoInfo {
	g.w.t.Helper()
	if e.EntityCaps == nil {
		g.w.t.Fatalf("%s has no capabilities: %s", e.JID, e.XML)
	}
	if node := e.EntityCaps.Node; !strings.HasPrefix(node, "http") || strings.Contains(node, ".invalid") {
		g.w.t.Errorf("the capabilities of %s are those of %s", e.JID, node) // XEP-0115 §4
	}
	ctx, cancel := context.WithTimeout(g.w.t.Context(), longEnough)
	defer cancel()
	info, err := g.Caps(ctx, e.JID, e.EntityCaps.Node+"#"+e.EntityCaps.Ver)
	if err != nil {
		g.w.t.Fatalf("the capabilities of %s: %v", e.JID, err)
	}
	return info
}

// registerBy registers with a gateway by form.
func (g *gajim) registerBy(domain, name string) {
	g.w.t.Helper()
	var r lab.Registration
	g.call(&r, "Register", "request_register_form", domain)
	if r.Form == nil {
		g.w.t.Fatalf("no form: %+v", r)
	}
	g.call(nil, "Register", "submit_register_form",
		r.Form.Fill(map[string][]string{"username": {name}, "password": {g.w.password}}), domain)
}

// ask sends an IQ and returns the form in the result, or the error.
func (g *gajim) ask(typ, to, payload string, form any) (*lab.Form, *lab.ProbeError) {
	g.w.t.Helper()
	ctx, cancel := context.WithTimeout(g.w.t.Context(), longEnough)
	defer cancel()
	got, err := g.Ask(ctx, "<iq type='"+typ+"' to='"+to+"'>"+payload+"</iq>", form)
	var refused *lab.ProbeError
	if err != nil && !errors.As(err, &refused) {
		g.w.t.Fatal(err)
	}
	return got, refused
}

// commands returns the ad-hoc commands of an address, in order.
func (g *gajim) commands(jid string) (nodes []string) {
	g.w.t.Helper()
	var all []lab.AdHocStep
	g.call(&all, "AdHoc", "request_command_list", lab.JIDArgument(jid))
	for _, c := range all {
		if c.Name == "" {
			g.w.t.Errorf("command %s has no name", c.Node)
		}
		nodes = append(nodes, c.Node)
	}
	return nodes
}

// begin starts a command.
func (g *gajim) begin(jid, node string) *lab.AdHocStep {
	g.w.t.Helper()
	var step lab.AdHocStep
	g.call(&step, "AdHoc", "execute_command", lab.BeginCommand(jid, node))
	return &step
}

// complete submits a step of a command.
func (g *gajim) complete(step *lab.AdHocStep, values map[string][]string) *lab.AdHocStep {
	g.w.t.Helper()
	if step.Form == nil {
		g.w.t.Fatalf("a step without a form: %+v", step)
	}
	var next lab.AdHocStep
	g.call(&next, "AdHoc", "execute_command", step.Argument(), lab.ActionArgument("complete"), step.Form.Fill(values))
	return &next
}

// disco queries disco#info.
func (g *gajim) disco(jid string) *lab.DiscoInfo {
	g.w.t.Helper()
	var info lab.DiscoInfo
	g.call(&info, "Discovery", "disco_info", lab.JIDArgument(jid))
	return &info
}

// enter joins a room like Gajim, for which the subject ends the join, and returns the
// self-presence. (gajim/common/modules/muc.py, MUC._on_subject_change)
func (g *gajim) enter(room, nick string) *lab.ProbeEvent {
	g.w.t.Helper()
	ctx, cancel := context.WithTimeout(g.w.t.Context(), longEnough)
	defer cancel()
	if err := g.Join(ctx, room, nick); err != nil {
		g.w.t.Fatal(err)
	}
	self := g.expect("the own presence in "+room, func(e *lab.ProbeEvent) bool {
		return e.Bare() == room && e.Type == "available" && e.Has("is_muc_self_presence")
	})
	g.subject(room)
	return self
}

// subject waits for a room's subject.
func (g *gajim) subject(room string) *lab.ProbeEvent {
	g.w.t.Helper()
	return g.expect("the subject of "+room, func(e *lab.ProbeEvent) bool { return e.Bare() == room && e.Has("is_muc_subject") })
}

// occupant waits for a presence of an occupant.
func (g *gajim) occupant(jid, typ string, fits func(*lab.MUCUser) bool) *lab.ProbeEvent {
	g.w.t.Helper()
	return g.expect("presence "+typ+" of "+jid, func(e *lab.ProbeEvent) bool {
		return e.Kind == "presence" && e.JID == jid && e.Type == typ && e.MUCUser != nil && fits(e.MUCUser)
	})
}

func anybody(*lab.MUCUser) bool { return true }

// mayMake reports whether Gajim offers to set an affiliation of an occupant. It does so only
// if it has the occupant's JID. (gajim/gtk/menus.py, get_groupchat_admin_menu;
// gajim/common/helpers.py, is_affiliation_change_allowed)
func mayMake(own, other *lab.MUCUser, affiliation string) bool {
	ranks := []string{"outcast", "none", "member", "admin", "owner"}
	switch {
	case other.JID == "" || other.Affiliation == affiliation:
		return false
	case own.Affiliation == "owner":
		return true
	case own.Affiliation != "admin" || affiliation == "owner" || affiliation == "admin":
		return false
	}
	return slices.Index(ranks, own.Affiliation) > slices.Index(ranks, other.Affiliation)
}

// make changes an affiliation, like Gajim's menu.
func (g *gajim) make(room, jid, affiliation string) {
	g.w.t.Helper()
	g.call(nil, "MUC", "set_affiliation", lab.JIDArgument(room), lab.Affiliations(map[string]string{jid: affiliation}))
}

// shown returns the messages of a room that Gajim shows: a correction replaces the message
// with that id from the same nick, and messages without a body are not shown.
// (gajim/common/modules/message.py, Message._message_received;
// gajim/common/storage/archive.py, MessageArchiveStorage.try_message_correction)
func (g *gajim) shown(room string) []string {
	var texts, ids []string
	for _, e := range g.History() {
		if e.Kind != "message" || e.Type != "groupchat" || e.Bare() != room || e.Resource() == "" || e.Body == "" {
			continue
		}
		text, at := e.Resource()+": "+e.Body, -1
		if e.Correction != nil {
			at = slices.Index(ids, e.Resource()+"\x00"+e.Correction.ID)
		}
		if at >= 0 {
			texts[at] = text
			continue
		}
		texts, ids = append(texts, text), append(ids, e.Resource()+"\x00"+e.ID)
	}
	return texts
}

// groupchat sends a message to a room, with further payloads.
func (g *gajim) groupchat(room, id, text, payloads string) {
	g.w.t.Helper()
	e := element.New(lab.NSClient, "body").AddText(text)
	g.send("<message to='" + room + "' type='groupchat' id='" + id + "'>" + e.String() + payloads + "</message>")
}

// last waits until the last presence from an address has a type.
func (g *gajim) last(jid, typ string) *lab.ProbeEvent {
	g.w.t.Helper()
	var last *lab.ProbeEvent
	g.w.wait("presence of "+jid+" that is "+typ+", after all others", func() bool {
		for _, e := range g.History() {
			if e.Kind == "presence" && e.JID == jid {
				last = e
			}
		}
		return last != nil && last.Type == typ
	})
	return last
}
