package component_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// FuzzSession plays a gateway and its network: users in various states send mutated
// stanzas, the network reports anything, sessions and links end. Nothing panics, no
// goroutine is left, no stanza is illegal, every IQ request has one answer, well-formed
// stanzas leave the stream alone, and others are served afterwards.
func FuzzSession(f *testing.F) {
	for _, program := range []string{
		"\x01\x00\x00\x00\x00\x00\x00\x05\x01\x00\x00\x00\x10\x00\x00",
		"\x02\x00\x20\x00\x02\x00\x06\x03\x04\x01\x30\x01\x02\x00\x06\x07\x08",
		"\x03\x00\x28\x00\x02\x01\x06\x01\x00\x29\x01\x03\x00\x07\x00\x08\x02",
		"\x04\x00\x0b\x00\x00\x00\x00\x0c\x00\x00\x00\x00\x0d\x00\x00\x05",
		"\x05\x00\x12\x00\x01\x00\x07\x02\x07\x03\x00\x14\x01\x01\x00",
		"\x06\x00\x00\x00\x00\x00\x07\x04\x00\x03\x00\x00\x00\x07\x05",
		"\x07\x08\x01\x00\x18\x00\x01\x00\x08\x00\x07\x01\x06\x02",
	} {
		f.Add([]byte(program))
	}
	files := registered(f)
	f.Fuzz(func(t *testing.T, program []byte) {
		synctest.Test(t, func(t *testing.T) { enactSession(t, legacytest.NewScript(program), files) })
	})
}

// registered returns a folder with the registry of alice.
func registered(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	db, err := registry.Open(context.Background(), registry.Options{Path: filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key")})
	if err != nil {
		t.Fatal(err)
	}
	err = db.PutAccount(context.Background(), registry.Account{Network: gw, User: alice, Login: "alice", Fields: map[string]string{"username": "alice", "password": hidden}})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	_ = os.Remove(filepath.Join(dir, "t.db.lock")) // it may not be there
	return dir
}

// acted is a world whose events a Script chooses.
type acted struct {
	*world
	s       *legacytest.Script
	h       *legacytest.Handle
	asked   chan string
	queries []query            // that the network was asked for
	iqs     map[iqKey]int      // requests that must have an answer: how many
	before  map[iqKey]int      // requests that may have one, since the link was lost or they are odd
	theirs  []*element.Element // requests of the gateway
	broken  int                // stanzas that were not well-formed, and can have an answer
	links   int
	cuts    int // links that were lost
	ids     int
	sid     string // session of the last command
	mid     string // id of the last message
}

// query is a query to the network, with its ref.
type query struct{ kind, ref string }

// iqKey identifies an IQ request.
type iqKey struct{ from, to, id string }

// maxSession is the most memory that a program may allocate, in bytes, garbage included.
const maxSession = 512 << 20

func enactSession(t *testing.T, s *legacytest.Script, files string) {
	before := legacytest.Allocated()
	state := s.Choose(8)
	a := &acted{s: s, asked: make(chan string, 100_000), iqs: make(map[iqKey]int), before: make(map[iqKey]int), links: 1}
	if state == 0 || state == 3 || state == 6 {
		files = ""
	}
	a.world = newWorld(t, setup{files: files, forgets: true, network: newCity(a.asked), echo: legacytest.Options{State: 2, MaxText: 100, Silent: s.Chance(2)},
		config: func(c *component.Config) {
			keeping(c)
			c.Policy.Admins = []string{bob}
			c.Linger = 2 * time.Second
		}})
	a.start()
	a.Linked(1)
	a.h = a.echo.Session("alice")
	a.prepare(state)
	for range 60 {
		if s.Over() {
			break
		}
		a.act()
	}
	a.h.Refuse(nil)
	a.h.Resume()
	a.relink()
	a.pass(3 * time.Minute)
	a.note()
	a.Barrier()
	a.pass(10 * time.Second)
	a.note()
	for key, n := range a.iqs {
		if n != 0 {
			t.Errorf("%d requests have no answer: %+v", n, key)
		}
	}
	a.checkLink()
	if strings.Contains(a.log.String(), "panic") {
		t.Error("there was a panic")
	}
	a.stop()
	if used := legacytest.Allocated() - before; used > maxSession {
		t.Errorf("%d MiB were allocated", used>>20)
	}
}

// prepare brings the user into one of eight states.
func (a *acted) prepare(state int) {
	switch state {
	case 0: // not registered
	case 3: // a guest
		a.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		a.settle()
		a.emitAny(legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob"}}, MessageTags: true})
	case 6: // registering
		a.h.Stall()
		a.request("set", phone, gw, plain("alice", hidden))
	default:
		a.signOn(phone)
	}
	switch state {
	case 2, 7:
		a.Send("<presence from='" + phone + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
		a.settle()
		a.emitAny(legacy.RoomJoined{Room: clubPeer, Nick: "alice", Occupants: []legacy.Occupant{{Nick: "alice"}, {Nick: "bob", Level: legacy.LevelOperator}}, MessageTags: true, Redacts: true})
	case 4:
		a.request("set", phone, gw, "<command xmlns='"+nsCommands+"' node='options'/>")
	case 5:
		a.h.End(legacy.Errorf(legacy.Temporary, "The connection was lost."))
	}
	if state == 7 {
		a.cut()
		a.h.Emit(a.event(), a.event())
		a.relink()
	}
	a.settle()
	a.note()
}

// act does what the script chooses next.
func (a *acted) act() {
	s := a.s
	switch s.Choose(10) {
	default:
		a.stanza()
	case 5, 6:
		a.emitAny(a.event())
	case 7:
		switch s.Choose(8) {
		case 0, 1:
			kinds := []legacy.Kind{legacy.Temporary, legacy.Auth, legacy.Replaced, legacy.Forbidden, legacy.BadNick, legacy.Internal}
			a.h.End(legacy.Errorf(legacytest.Pick(s, kinds), "The session has ended."))
		case 2:
			a.h.Refuse(legacy.Errorf(legacy.Kind(s.Choose(15)), "You cannot sign on."))
		case 3:
			a.h.Refuse(nil)
		case 4:
			a.h.Stall()
		case 5:
			a.h.Resume()
		case 6:
			a.h.FailSend(legacy.Errorf(legacy.Kind(s.Choose(15)), "No."))
		case 7:
			a.h.RefuseSend(legacy.Errorf(legacy.Kind(s.Choose(15)), "No."))
		}
	case 8:
		if s.Chance(4) {
			a.cut()
			a.h.Emit(a.event(), a.event())
		}
		a.pass(legacytest.Pick(s, []time.Duration{time.Second, 3 * time.Second, time.Minute, 3 * time.Minute}))
		a.relink()
	case 9:
		a.answer()
	}
	a.settle()
	a.note()
}

// stanza sends a stanza of a client.
func (a *acted) stanza() {
	s := a.s
	tmpl := legacytest.Pick(s, stanzas)
	from, to := legacytest.Pick(s, senders), cmp.Or(tmpl.to, legacytest.Pick(s, receivers))
	typ, id, inner := tmpl.typ, a.newID(), a.fill(tmpl.inner)
	switch s.Choose(8) { // the attributes
	case 1:
		to = legacytest.Pick(s, receivers)
	case 2:
		typ = legacytest.Pick(s, types)
	case 3:
		id = string(s.Mutate([]byte(id), fragments))
	case 4:
		from = string(s.Mutate([]byte(from), fragments))
	case 5:
		to = string(s.Mutate([]byte(to), fragments))
	}
	xml := envelope(tmpl.name, from, to, typ, id, inner)
	if s.Chance(2) {
		mutated := envelope(tmpl.name, from, to, typ, id, string(s.Mutate([]byte(inner), fragments)))
		if _, err := element.Parse(mutated, nsComponent); err == nil || s.Chance(8) {
			xml = mutated
		}
	}
	a.sendRaw(xml)
}

func envelope(name, from, to, typ, id, inner string) string {
	open := []byte("<" + name)
	for _, attr := range [][2]string{{"from", from}, {"to", to}, {"type", typ}, {"id", id}} {
		if attr[1] != "" {
			open = append(element.AppendAttr(append(open, " "+attr[0]+"='"...), attr[1]), '\'')
		}
	}
	return string(open) + ">" + inner + "</" + name + ">"
}

// fill replaces what a template refers to.
func (a *acted) fill(inner string) string {
	return strings.NewReplacer("{sid}", a.sid, "{mid}", a.mid).Replace(inner)
}

func (a *acted) newID() string {
	a.ids++
	return fmt.Sprint("q", a.ids)
}

// request sends an IQ.
func (a *acted) request(typ, from, to, payload string) {
	a.sendRaw(envelope("iq", from, to, typ, a.newID(), payload))
}

// sendRaw sends anything, and notes the answer that it must have.
func (a *acted) sendRaw(xml string) {
	e, err := element.Parse(xml, nsComponent)
	if err == nil {
		key := iqKey{e.Attr("from"), e.Attr("to"), e.Attr("id")}
		switch typ := e.Attr("type"); {
		case e.Name != "iq" || typ != "get" && typ != "set":
		case slices.Contains(senders, key.from) && slices.Contains(receivers, key.to) && key.id != "":
			a.iqs[key]++
		default:
			a.before[key]++
		}
	}
	a.Send(xml)
	a.settle()
	if err != nil || e.Space != nsComponent { // it may end the stream, be half a stanza, or be refused by a limit
		a.broken++
		a.cut()
		a.relink()
	}
}

// cut ends the link. Requests need no answer any more.
func (a *acted) cut() {
	a.settle()
	a.note()
	a.checkLink()
	for key, n := range a.iqs {
		a.before[key] += n
	}
	clear(a.iqs)
	a.theirs = nil
	a.Drop()
	a.links = 0
}

// checkLink checks that the gateway has not connected again since the last link.
func (a *acted) checkLink() {
	if dials := len(a.Dials()); dials != a.links {
		a.t.Errorf("%d links, want %d: the stream has ended", dials, a.links)
	}
}

// relink waits until there is a link again.
func (a *acted) relink() {
	if a.links == 0 {
		a.cuts++
		a.Linked(1 + a.cuts)
		a.links = len(a.Dials())
		a.settle()
	}
}

// note reads what was written since: answers, and what later actions refer to.
func (a *acted) note() {
	for len(a.asked) > 0 {
		if words := strings.Split(<-a.asked, " "); len(words) > 1 {
			a.queries = append(a.queries, query{words[0], words[1]})
		}
	}
	if len(a.queries) > 20 {
		a.queries = a.queries[len(a.queries)-20:]
	}
	for _, e := range a.Take() {
		typ := e.Attr("type")
		switch {
		case e.Name == "iq" && (typ == "get" || typ == "set"):
			a.theirs = append(a.theirs, e)
		case e.Name == "iq":
			a.answered(e)
		case e.Name == "message":
			a.mid = cmp.Or(e.Child(nsStanzaID, "stanza-id").Attr("id"), e.Attr("id"))
		}
	}
	if len(a.theirs) > 20 {
		a.theirs = a.theirs[len(a.theirs)-20:]
	}
}

func (a *acted) answered(e *element.Element) {
	a.sid = cmp.Or(e.Child(nsCommands, "command").Attr("sessionid"), a.sid)
	key := iqKey{e.Attr("to"), e.Attr("from"), e.Attr("id")}
	switch {
	case a.iqs[key] > 0:
		a.iqs[key]--
	case a.before[key] > 0:
		a.before[key]--
	case a.broken > 0:
		a.broken--
	case !a.odd(key):
		a.t.Errorf("an answer without a request: %s", e)
	}
}

// odd reports whether an answer can be one to an address that servers would normalise.
func (a *acted) odd(key iqKey) bool {
	for request, n := range a.before {
		if n > 0 && request.id == key.id {
			a.before[request]--
			return true
		}
	}
	return false
}

// answer answers a request of the gateway.
func (a *acted) answer() {
	if len(a.theirs) == 0 {
		return
	}
	i := a.s.Choose(len(a.theirs))
	e := a.theirs[i]
	a.theirs = slices.Delete(a.theirs, i, i+1)
	inner := legacytest.Pick(a.s, answers)
	if a.s.Chance(2) {
		inner = string(a.s.Mutate([]byte(inner), fragments))
		if _, err := element.Parse("<iq>"+inner+"</iq>", nsComponent); err != nil {
			inner = ""
		}
	}
	typ := legacytest.Pick(a.s, []string{"result", "error"})
	a.sendRaw(envelope("iq", e.Attr("to"), e.Attr("from"), typ, e.Attr("id"), inner))
}

// emitAny has the network report something, if there is a session.
func (a *acted) emitAny(ev legacy.Event) { a.h.Emit(ev) }
