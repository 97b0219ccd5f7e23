package legacytest

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"transport/legacy"
)

// Harness describes the adapter under test.
type Harness struct {
	// Start starts the network's servers for one subtest. The subtest's cleanup stops them.
	Start func(t *testing.T) Lab

	// Good are the registration fields of an account that exists in every Lab, Wrong are
	// the same fields with a wrong password.
	Good, Wrong map[string]string
	// Invalid are fields that Validate rejects, by the field that its error must name.
	Invalid map[string]map[string]string

	// Peer is the canonical name of a recipient of Good's messages, and Spellings are other
	// spellings of it.
	Peer      string
	Spellings []string
	// Impossible are invalid names.
	Impossible []string

	// Patience is the time limit of each expected event, 10 s if 0.
	Patience time.Duration
}

// Lab is one network with its servers.
type Lab struct {
	Network legacy.Network
	// Unreachable is a network of the same kind whose server refuses connections.
	Unreachable legacy.Network
	// Say sends a message from Harness.Peer to the account of Harness.Good, which is signed
	// on.
	Say func(text string)
	// Drop breaks all connections without a sign-off.
	Drop func()
	// Stall stops the servers from reading and answering until the end of the subtest. It
	// is nil if they do not support that.
	Stall func()
}

// Conformance checks that an adapter fulfils the contract of package legacy. With
// CONFORMANCE_LOG in the environment it shows the log of the sessions.
func Conformance(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = 10 * time.Second
	}
	for _, tt := range []struct {
		name string
		test func(*testing.T, Harness, Lab)
	}{
		{"Info", testInfo},
		{"Features", testFeatures},
		{"ParsePeer", testParsePeer},
		{"Validate", testValidate},
		{"NewSession", testNewSession},
		{"Ready", testReady},
		{"SignOff", testSignOff},
		{"CancelBeforeRun", testCancelBeforeRun},
		{"CancelBlockedEmit", testCancelBlockedEmit},
		{"WrongPassword", testWrongPassword},
		{"Unreachable", testUnreachable},
		{"LostConnection", testLostConnection},
		{"SendOffline", testSendOffline},
		{"CommandsOffline", testCommandsOffline},
		{"Outcomes", testOutcomes},
		{"ImpossibleReceiver", testImpossibleReceiver},
		{"Burst", testBurst},
		{"Stalled", testStalled},
		{"Receive", testReceive},
		{"ReadMarkers", testReadMarkers},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, h, h.Start(t)) })
	}
}

// testInfo: everything that service discovery and registration need is declared.
func testInfo(t *testing.T, h Harness, lab Lab) {
	info := lab.Network.Info()
	if info.Name == "" || info.Type == "" || info.PeerName == "" || len(info.Form) == 0 {
		t.Errorf("Info has no name, type, peer name or form: %+v", info)
	}
	seen := make(map[string]bool)
	for _, f := range info.Form {
		switch {
		case f.Var == "" || f.Label == "":
			t.Errorf("a field without Var or Label: %+v", f)
		case seen[f.Var]:
			t.Errorf("two fields have the Var %q", f.Var)
		case f.Type == legacy.FieldList && len(f.Options) == 0:
			t.Errorf("the list %q has no options", f.Var)
		case strings.Contains(strings.ToLower(f.Var), "password") && f.Type != legacy.FieldSecret:
			t.Errorf("the field %q is not marked as secret", f.Var)
		}
		seen[f.Var] = true
	}
}

// testFeatures: a feature is declared if and only if its interface is implemented.
func testFeatures(t *testing.T, h Harness, lab Lab) {
	implemented := legacy.FeaturesOf(newRun(t, h, lab.Network, h.Good).s)
	const others = legacy.FeatureNicks | legacy.FeatureAvatar | legacy.FeatureMarkup | legacy.FeatureInvisible | legacy.FeatureReceipts | legacy.FeatureOffline
	if declared := lab.Network.Info().Features &^ others; declared != implemented {
		t.Errorf("declared features %b, implemented %b", declared, implemented)
	}
}

// testParsePeer: all spellings have the same canonical form, which parses to itself.
func testParsePeer(t *testing.T, h Harness, lab Lab) {
	for _, name := range append([]string{h.Peer}, h.Spellings...) {
		p, err := lab.Network.ParsePeer(name)
		if err != nil || p.ID != h.Peer {
			t.Errorf("ParsePeer(%q) = %q, %v; want %q", name, p.ID, err, h.Peer)
			continue
		}
		if again, err := lab.Network.ParsePeer(p.ID); err != nil || again != p {
			t.Errorf("ParsePeer(%q) = %+v, %v; it was canonical already", p.ID, again, err)
		}
	}
	long := strings.Repeat("9", 1<<16)
	for _, name := range append([]string{"", " ", "\x00", "a\nb", "\xff", long}, h.Impossible...) {
		p, err := lab.Network.ParsePeer(name)
		var e *legacy.Error
		if err == nil || !errors.As(err, &e) || e.Kind != legacy.NotFound || e.Text == "" {
			t.Errorf("ParsePeer(%.20q) = %+v, %v; want kind %v with a text", name, p, err, legacy.NotFound)
		}
	}
}

// testValidate: Validate accepts good fields, and its error names the wrong field.
func testValidate(t *testing.T, h Harness, lab Lab) {
	for _, fields := range []map[string]string{h.Good, h.Wrong} {
		if err := lab.Network.Validate(fields); err != nil {
			t.Errorf("Validate: %v", err)
		}
	}
	if lab.Network.Login(h.Good) == "" {
		t.Error("Login is empty")
	}
	check := func(field string, fields map[string]string) {
		err := lab.Network.Validate(fields)
		var fe *legacy.FieldError
		if !errors.As(err, &fe) || fe.Var != field || fe.Text == "" {
			t.Errorf("Validate = %v, want a FieldError of %q with a text", err, field)
		}
		for _, f := range lab.Network.Info().Form {
			if secret := fields[f.Var]; err != nil && f.Type == legacy.FieldSecret && len(secret) > 3 && strings.Contains(err.Error(), secret) {
				t.Errorf("the error of %q contains the secret", field)
			}
		}
	}
	for field, fields := range h.Invalid {
		check(field, fields)
	}
	for _, f := range lab.Network.Info().Form {
		if !f.Required {
			continue
		}
		fields := make(map[string]string)
		for k, v := range h.Good {
			if k != f.Var {
				fields[k] = v
			}
		}
		check(f.Var, fields)
	}
}

// testNewSession: NewSession does no I/O, and rejects fields that lack the credentials.
func testNewSession(t *testing.T, h Harness, lab Lab) {
	env := newRun(t, h, lab.Network, h.Good).env(t)
	env.Dial = nil // a call would panic
	if _, err := lab.Network.NewSession(legacy.Account{Fields: h.Good}, env); err != nil {
		t.Errorf("NewSession: %v", err)
	}
	if _, err := lab.Network.NewSession(legacy.Account{}, env); err == nil {
		t.Error("NewSession accepts an account without fields")
	}
}

// testReady: Ready is the first event, comes once, and contains the own address.
func testReady(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Good)
	ready := r.ready()
	if p, err := lab.Network.ParsePeer(ready.Self.ID); err != nil || p.ID != ready.Self.ID {
		t.Errorf("Ready.Self is %+v, which ParsePeer parses to %+v, %v", ready.Self, p, err)
	}
	for _, c := range ready.Contacts {
		if p, err := lab.Network.ParsePeer(c.Peer.ID); err != nil || p != c.Peer {
			t.Errorf("the contact %+v is not canonical: %+v, %v", c.Peer, p, err)
		}
	}
	lab.Say("after Ready")
	r.wait("a message", func(ev legacy.Event) bool { _, ok := ev.(legacy.MessageReceived); return ok })
	r.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i, ev := range r.events {
		if _, ok := ev.(legacy.Ready); ok {
			n++
		} else if i == 0 {
			t.Errorf("the first event is %T", ev)
		}
	}
	if n != 1 {
		t.Errorf("Ready was emitted %d times", n)
	}
}

// testSignOff: Run returns nil soon after its context has ended, and the account can
// sign on again.
func testSignOff(t *testing.T, h Harness, lab Lab) {
	for range 3 {
		r := startRun(t, h, lab.Network, h.Good)
		r.ready()
		r.stop()
	}
}

// testCancelBeforeRun: Run ends, too, if its context has ended before the call.
func testCancelBeforeRun(t *testing.T, h Harness, lab Lab) {
	r := newRun(t, h, lab.Network, h.Good)
	r.cancel()
	r.start()
	r.stop()
	for range 5 { // at random points of the sign-on
		r := startRun(t, h, lab.Network, h.Good)
		time.Sleep(time.Millisecond)
		r.stop()
	}
}

// testCancelBlockedEmit: a session ends even while the core blocks Emit.
func testCancelBlockedEmit(t *testing.T, h Harness, lab Lab) {
	r := newRun(t, h, lab.Network, h.Good)
	r.block(true) // before Ready
	r.start()
	r.blocked()
	r.stop()

	r = startRun(t, h, lab.Network, h.Good)
	r.ready()
	r.block(true)
	lab.Say("nobody takes this")
	r.blocked()
	for i := range 10 {
		_ = r.send(strconv.Itoa(i), h.Peer, "while the core is busy") // must not block
	}
	r.stop()
}

// testWrongPassword: kind Auth, with a text.
func testWrongPassword(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Wrong)
	r.endsWith(legacy.Auth)
	if r.has(func(ev legacy.Event) bool { _, ok := ev.(legacy.Ready); return ok }) {
		t.Error("Ready in spite of a wrong password")
	}
}

// testUnreachable: kind Temporary, with a text that contains no address of the gateway.
func testUnreachable(t *testing.T, h Harness, lab Lab) {
	startRun(t, h, lab.Unreachable, h.Good).endsWith(legacy.Temporary)
}

// testLostConnection: a broken connection ends the session with kind Temporary.
func testLostConnection(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Good)
	r.ready()
	lab.Drop()
	r.endsWith(legacy.Temporary)
	r.offline("after the connection is lost")
}

// testSendOffline: Send outside of the session's life reports an error.
func testSendOffline(t *testing.T, h Harness, lab Lab) {
	r := newRun(t, h, lab.Network, h.Good)
	before := r.send("before", h.Peer, "before Run")
	if before != nil && legacy.KindOf(before) != legacy.Offline {
		t.Errorf("Send before Run = %v, want kind %v", before, legacy.Offline)
	}
	r.start()
	r.ready()
	if before == nil {
		r.outcome("before")
	}
	if err := r.send("during", h.Peer, "signed on"); err != nil {
		t.Fatalf("Send after Ready: %v", err)
	}
	r.outcome("during")
	r.stop()
	r.offline("after Run")
}

// testCommandsOffline: the other commands return an error, too.
func testCommandsOffline(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Good)
	r.ready()
	r.stop()
	for name, err := range r.commands() {
		if legacy.KindOf(err) != legacy.Offline {
			t.Errorf("%s after Run = %v, want kind %v", name, err, legacy.Offline)
		}
	}
}

// testOutcomes: every message has exactly one outcome.
func testOutcomes(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Good)
	r.ready()
	texts := []string{"plain", "two\nlines", "tab\there", "<b>&amp;</b>", "Привет, мир", "日本語 🎉", " "}
	if limit := lab.Network.Info().MaxText; limit > 0 {
		texts = append(texts, strings.Repeat("x", limit), strings.Repeat("ж", limit))
	}
	for i, text := range texts {
		ref := "r" + strconv.Itoa(i)
		if err := r.send(ref, h.Peer, text); err != nil {
			t.Fatalf("Send(%.20q): %v", text, err)
		}
		if ev, failed := r.outcome(ref).(legacy.MessageFailed); failed {
			t.Errorf("%.20q failed: %v", text, ev.Err)
		}
	}
	if ps, ok := r.s.(legacy.PartSender); ok {
		r.sendParts(ps, h.Peer, strings.Repeat("long 😀<\"", 2000))
	}
	r.stop()
	r.single()
}

// testImpossibleReceiver: a message to an invalid recipient has exactly one outcome,
// too.
func testImpossibleReceiver(t *testing.T, h Harness, lab Lab) {
	if len(h.Impossible) == 0 {
		t.Skip("the harness has no invalid name")
	}
	r := startRun(t, h, lab.Network, h.Good)
	r.ready()
	if err := r.send("lost", h.Impossible[0], "is anybody there?"); err == nil {
		r.outcome("lost")
	}
	if err := r.send("found", h.Peer, "are you there?"); err != nil {
		t.Fatalf("Send: %v", err)
	}
	r.outcome("found")
	r.stop()
	r.single()
}

// testBurst: Send rejects an excess of messages at once with kind RateLimited.
func testBurst(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Good)
	r.ready()
	var taken []string
	for i := range 500 {
		ref := strconv.Itoa(i)
		switch err := r.send(ref, h.Peer, "burst"); {
		case err == nil:
			taken = append(taken, ref)
		case legacy.KindOf(err) != legacy.RateLimited:
			t.Fatalf("Send %d: %v, want kind %v", i, err, legacy.RateLimited)
		}
	}
	if len(taken) == 0 {
		t.Fatal("no message was accepted")
	}
	r.outcome(taken[0])
	r.stop()
	r.single()
}

// testStalled: while the servers hang, no command and no sign-off waits for them.
func testStalled(t *testing.T, h Harness, lab Lab) {
	if lab.Stall == nil {
		t.Skip("the servers can't be stalled")
	}
	r := startRun(t, h, lab.Network, h.Good)
	r.ready()
	lab.Stall()
	for i := range 500 {
		_ = r.send(strconv.Itoa(i), h.Peer, strings.Repeat("stalled ", 10))
	}
	r.commands()
	r.stop()

	r = startRun(t, h, lab.Network, h.Good) // a sign-on that hangs
	time.Sleep(10 * time.Millisecond)
	r.stop()
}

// testReceive: messages arrive in order, with texts as the contract requires.
func testReceive(t *testing.T, h Harness, lab Lab) {
	r := startRun(t, h, lab.Network, h.Good)
	r.ready()
	for i := range 10 {
		lab.Say("message " + strconv.Itoa(i))
	}
	next := 0
	r.wait("ten messages in order", func(ev legacy.Event) bool {
		m, ok := ev.(legacy.MessageReceived)
		if !ok {
			return false
		}
		if m.From.ID != h.Peer || m.Text != "message "+strconv.Itoa(next) {
			t.Errorf("got %+v, want message %d from %s", m, next, h.Peer)
		}
		next++
		return next == 10
	})
	r.stop()
}
