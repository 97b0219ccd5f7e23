package component_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/registry"
)

// crash ends the component as kill -9 would, and starts it again: the next one has the files
// as they are now.
func (w *world) crash() {
	w.t.Helper()
	w.settle()
	dir := w.t.TempDir()
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(file)), b, 0o600)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.restart(dir)
}

// restart ends the component properly, and starts it again with the files in dir.
func (w *world) restart(dir string) {
	w.t.Helper()
	w.stop()
	w.Take()
	err := w.db.Close()
	if err != nil {
		w.t.Error(err)
	}
	w.dir = dir
	w.db, err = registry.Open(context.Background(), registry.Options{Path: filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key"), MaxMessages: w.key})
	if err != nil {
		w.t.Fatal(err)
	}
	w.cfg.Registry = w.db
	w.start()
	w.Linked(2)
}

const interrupted = "The gateway was interrupted"

// A message that the network had not confirmed when the gateway crashed is told as
// uncertain, once; the user who was signed on is warned of messages that nobody saw.
func TestCrashWithUnconfirmedMessage(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, carol, "m0", "confirmed")
		legacytest.Expect[legacytest.Send](t, h)
		w.settle()
		h.Stall()
		w.message(phone, carol, "m1", "first")
		w.message(phone, carol, "m2", "second")
		w.message(phone, "dave@"+gw, "m3", "third")
		w.Send("<message type='chat' from='" + phone + "' to='" + carol + "'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		w.crash()
		w.pass(time.Minute)
		var texts []string
		for _, e := range w.Take() {
			if e.Name == "message" {
				if e.Attr("from") != fullJID(gw) || e.Attr("to") != alice || e.Attr("type") == "error" {
					t.Errorf("got %s", e)
				}
				texts = append(texts, e.ChildText("", "body"))
			}
		}
		if len(texts) != 3 || !strings.HasPrefix(texts[0], interrupted) && !strings.HasPrefix(texts[2], interrupted) {
			t.Fatalf("told %q", texts)
		}
		all := strings.Join(texts, "\n")
		for _, want := range []string{"2 messages of yours to " + carol + " may not have arrived", "\n> first\n> second", "Your message to dave@" + gw + " may not have arrived", "\n> third", "that you sent, or that were sent to you"} {
			if strings.Count(all, want) != 1 {
				t.Errorf("told %q, without %q", texts, want)
			}
		}
		if strings.Contains(all, "> confirmed") {
			t.Errorf("told %q", texts)
		}
		w.stop()
		w.start()
		w.Linked(3)
		w.pass(time.Minute)
		w.Refute("<message/>")
	})
}

// A message for the user that the XMPP server had not acknowledged is sent again, with the
// same ID; an acknowledged one is not.
func TestCrashWithUnacknowledgedMessage(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "acknowledged"})
		w.pass(5 * time.Second)
		w.SetRouting(false)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "not acknowledged"})
		id := w.Expect("<message><body>not acknowledged</body></message>").Attr("id")
		w.crash()
		w.Expect("<message from='" + fullJID(carol) + "' to='" + alice + "' id='" + id + "'><body>not acknowledged</body><delay xmlns='urn:xmpp:delay'/></message>")
		w.pass(time.Minute)
		w.Refute("<message><body>acknowledged</body></message>")
		w.Refute("<message><body>not acknowledged</body></message>")
	})
}

// An error that the server had not acknowledged becomes a report.
func TestCrashWithUnacknowledgedError(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.SetRouting(false)
		h.FailSend(legacy.Errorf(legacy.Forbidden, "Carol does not want it."))
		w.message(phone, carol, "m1", "hello")
		w.Expect("<message type='error' id='m1'/>")
		w.crash()
		text := ""
		for !strings.Contains(text, "was not delivered: Carol does not want it.\n> hello") {
			text = w.Expect("<message type='chat' to='"+alice+"'/>").ChildText("", "body")
		}
	})
}

// A report does not repeat a command, which may contain a password.
func TestCrashDuringCommand(t *testing.T) {
	stage(t, setup{echo: silence}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Stall()
		w.message(phone, gw, "c1", "register alice "+hidden)
		w.crash()
		w.pass(time.Minute)
		for _, e := range w.Take() {
			if strings.Contains(e.String(), hidden) {
				t.Errorf("the password is in %s", e)
			}
		}
	})
}

// A message that was spooled during the sign-on, and that the network has not confirmed
// since, is told as uncertain, too.
func TestCrashAfterSpool(t *testing.T) {
	network := func(n legacy.Network) legacy.Network { return mute{n} }
	stage(t, setup{users: []string{alice}, network: network}, func(t *testing.T, w *world) {
		h := w.echo.Session("alice")
		h.Stall()
		w.presence(phone, gw, "")
		w.message(phone, carol, "m1", "spooled")
		w.settle()
		h.Resume()
		w.Expect("<presence from='" + fullJID(gw) + "' to='" + alice + "' type=''/>")
		w.crash()
		text := ""
		for !strings.Contains(text, "may not have arrived") {
			text = w.Expect("<message type='chat' to='"+alice+"'/>").ChildText("", "body")
		}
		if !strings.HasSuffix(text, "\n> spooled") {
			t.Errorf("told %q", text)
		}
	})
}

// A message that the server has read before an orderly end is not sent again, though it had
// not acknowledged it yet.
func TestNothingAgainAfterStop(t *testing.T) {
	stage(t, setup{users: []string{alice}}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.SetRouting(false)
		w.emit(h, legacy.MessageReceived{From: carolPeer, Text: "once"})
		w.Expect("<message><body>once</body></message>")
		w.restart(w.dir)
		w.pass(time.Minute)
		w.Refute("<message/>")
		if strings.Contains(w.log.String(), "had not ended properly") {
			t.Error("the stop counts as a crash")
		}
	})
}

// An orderly end leaves nothing to settle, and nor does a crash of a gateway without users.
func TestNothingToSettle(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, carol, "m1", "hello")
		legacytest.Expect[legacytest.Send](t, h)
		w.message(phone, gw, "c1", "status")
		w.pass(5 * time.Second)
		w.presence(phone, gw, "unavailable")
		w.pass(time.Minute)
		w.Take()
		w.crash()
		w.pass(time.Minute)
		w.Refute("<message/>")
	})
}

// What an interrupted process has for a user, and the spool has no place for, waits in the
// journal until it is acknowledged.
func TestCrashWithFullSpool(t *testing.T) {
	stage(t, setup{users: []string{alice}, echo: silence, key: 3}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.pass(5 * time.Second)
		w.SetRouting(false)
		ids := make(map[string]bool)
		for i := range 10 {
			w.emit(h, legacy.MessageReceived{From: carolPeer, Text: fmt.Sprint("text ", i)})
			ids[w.Expect(fmt.Sprintf("<message><body>text %d</body></message>", i)).Attr("id")] = true
		}
		w.crash()
		w.SetRouting(true)
		w.pass(time.Minute)
		for _, e := range w.Take() {
			if strings.HasPrefix(e.ChildText("", "body"), "text ") {
				delete(ids, e.Attr("id"))
			}
		}
		if len(ids) > 0 {
			t.Errorf("%d messages are lost", len(ids))
		}
		w.restart(w.dir)
		w.pass(time.Minute)
		for _, e := range w.Take() {
			if strings.HasPrefix(e.ChildText("", "body"), "text ") {
				t.Errorf("again: %s", e)
			}
		}
	})
}
