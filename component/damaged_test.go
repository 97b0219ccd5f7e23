package component_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"transport/legacy/legacytest"
	"transport/registry"
)

// damages are ways to damage a sealed value, by SQL.
var damages = map[string]string{
	"empty":               "x''",
	"cut":                 "CAST(substr(%[1]s, 1, 20) AS BLOB)",
	"changed":             "CAST(substr(%[1]s, 1, length(%[1]s) - 1) || x'00' || x'01' AS BLOB)",
	"unknown key version": "CAST(x'63' || substr(%[1]s, 2) AS BLOB)",
}

// damage damages the sealed values of a column.
func (w *world) damage(how, table, column, where string) {
	w.t.Helper()
	pool, err := sql.Open("sqlite3", filepath.Join(w.dir, "t.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer pool.Close()
	value := damages[how]
	if strings.Contains(value, "%") {
		value = fmt.Sprintf(value, column)
	}
	res, err := pool.Exec("UPDATE " + table + " SET " + column + " = " + value + " WHERE " + where)
	if err != nil {
		w.t.Fatal(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		w.t.Fatalf("%d rows are damaged, %v", n, err)
	}
}

// stageDamaged is stage with a database that prepare has filled and damaged.
func stageDamaged(t *testing.T, s setup, prepare func(w *world), f func(t *testing.T, w *world)) {
	t.Helper()
	for how := range damages {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, s)
				prepare(w)
				w.how = how
				f(t, w)
			})
		})
	}
}

// keep spools a message, whose body is its ID.
func (w *world) keep(dir registry.Direction, id, from, to, peer string) {
	w.t.Helper()
	_, err := w.db.KeepMessage(context.Background(), registry.Message{Network: gw, User: alice, Direction: dir, Peer: peer, StanzaID: id, Created: time.Now(),
		Payload: []byte("<message xmlns='" + nsComponent + "' type='chat' from='" + from + "' to='" + to + "' id='" + id + "'><body>" + id + "</body></message>")})
	if err != nil {
		w.t.Fatal(err)
	}
}

// gatewaySays returns what the gateway itself has said to alice.
func (w *world) gatewaySays() (all string) {
	for _, e := range w.Take() {
		if from := e.Attr("from"); e.Name == "message" && strings.HasPrefix(from, gw) && strings.HasPrefix(e.Attr("to"), alice) {
			all += e.ChildText(nsComponent, "body") + "\n"
		}
	}
	return all
}

// Spooled messages that cannot be decrypted are set aside and reported once; the others
// are delivered, and the user goes on.
func TestDamagedMessages(t *testing.T) {
	stageDamaged(t, setup{users: []string{alice}}, func(w *world) {
		w.keep(registry.Inbound, "in-1", carol, alice, "carol")
		w.keep(registry.Inbound, "in-2", carol, alice, "carol")
		w.keep(registry.Outbound, "out-1", phone, carol, "carol")
		w.keep(registry.Outbound, "out-2", phone, carol, "carol")
	}, func(t *testing.T, w *world) {
		w.damage(w.how, "messages", "sealed_payload", "stanza_id LIKE '%-1'")
		at := time.Now().UTC().Format("2006-01-02 15:04 MST")
		w.start()
		w.Linked(1)
		w.settle()
		var text, rest string
		for _, e := range w.Take() {
			if body := e.ChildText(nsComponent, "body"); strings.HasPrefix(e.Attr("from"), gw) {
				text += body + "\n"
			} else {
				rest += body
			}
		}
		if strings.Count(text, "database was damaged") != 2 || !strings.Contains(text, "to you") || !strings.Contains(text, "of yours") ||
			!strings.Contains(text, "> from carol, "+at) || !strings.Contains(text, "> to carol, "+at) {
			t.Errorf("alice reads %q", text)
		}
		if rest != "in-2" {
			t.Errorf("delivered is %q", rest)
		}
		h := w.signOn(phone)
		if got := legacytest.Expect[legacytest.Send](t, h); got.Text != "out-2" {
			t.Errorf("the network gets %+v", got)
		}
		w.pass(time.Minute) // the server acknowledges
		w.stop()
		w.settle()
		w.Take()
		w.start()
		w.Linked(2)
		w.settle()
		if text := w.gatewaySays(); text != "" {
			t.Errorf("again: %q", text)
		}
		if n := strings.Count(w.log.String(), "spooled messages are damaged"); n != 2 {
			t.Errorf("logged %d times", n)
		}
		if s, err := w.db.Stats(context.Background()); err != nil || s.Messages != 0 || s.Damaged != 2 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// A registration whose fields cannot be decrypted asks for the password again, and does not
// keep other users from signing on.
func TestDamagedFields(t *testing.T) {
	stageDamaged(t, setup{users: []string{alice, bob}}, func(*world) {}, func(t *testing.T, w *world) {
		w.damage(w.how, "accounts", "sealed_fields", "user = '"+alice+"'")
		w.start()
		w.Linked(1)
		w.settle()
		w.Take()
		w.signOn(bob + "/x")
		w.presence(phone, gw, "")
		w.settle()
		if text := w.gatewaySays(); !strings.Contains(text, "cannot be read any more") || !strings.Contains(text, "Correct the name or the password in your registration") {
			t.Errorf("alice reads %q", text)
		}
		if w.echo.Session("alice").SignedOn() || w.echo.Session("").SignedOn() {
			t.Error("alice is signed on")
		}
		w.message(phone, carol, "m", "hello")
		w.expectError("<message from='"+carol+"' to='"+phone+"' id='m'", "not-authorized", "auth")
		answer, _ := w.ask("set", phone, gw, "r", "<query xmlns='jabber:iq:register'><username>alice</username><password>"+hidden+"</password></query>")
		if answer.Attr("type") != "result" {
			t.Fatalf("registering again: %s", answer)
		}
		w.settle()
		if !w.echo.Session("alice").SignedOn() {
			t.Error("alice is not signed on after registering again")
		}
		if a, ok := w.account(alice); !ok || a.Fields["password"] != hidden {
			t.Errorf("stored is %v", ok)
		}
	})
}

// Settings that cannot be decrypted have their defaults again, and the user gets one report.
// The adapter's state begins anew.
func TestDamagedOptions(t *testing.T) {
	stageDamaged(t, setup{users: []string{alice}}, func(w *world) {
		err := w.db.PutAccount(context.Background(), registry.Account{Network: gw, User: alice, Login: "alice",
			Fields: map[string]string{"username": "alice", "password": hidden}, Options: map[string]string{"stay": "1"}, State: []byte("state")})
		if err != nil {
			w.t.Fatal(err)
		}
	}, func(t *testing.T, w *world) {
		w.damage(w.how, "accounts", "sealed_options", "user = '"+alice+"'")
		w.damage(w.how, "accounts", "sealed_state", "user = '"+alice+"'")
		w.start()
		w.Linked(1)
		w.presence(phone, gw, "")
		w.settle()
		if text := w.gatewaySays(); strings.Count(text, "your settings cannot be read any more") != 1 {
			t.Errorf("alice reads %q", text)
		}
		if !w.echo.Session("alice").SignedOn() {
			t.Error("alice is not signed on")
		}
		w.pass(time.Minute) // the server acknowledges
		w.stop()
		w.settle()
		w.Take()
		w.start()
		w.Linked(2)
		w.presence(phone, gw, "")
		w.settle()
		if text := w.gatewaySays(); strings.Contains(text, "settings") {
			t.Errorf("again: %q", text)
		}
		if s, err := w.db.Stats(context.Background()); err != nil || s.Damaged != 2 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// Lines of the archive that cannot be decrypted do not hide the others.
func TestDamagedLines(t *testing.T) {
	for how := range damages {
		t.Run(how, func(t *testing.T) {
			asked := make(chan string, 1000)
			stage(t, setup{network: newCity(asked), echo: silence, config: keeping}, func(t *testing.T, w *world) {
				h := joinClub(t, w, asked)
				w.talk(h, 5)
				w.pass(time.Second)
				w.damage(how, "archive", "sealed_payload", "id IN (2, 5)")
				w.Take()
				page := w.archive(phone, mamQuery("q", "<max>3</max>"))
				if len(page.bodies) != 3 || page.complete {
					t.Errorf("%q, complete: %v", page.bodies, page.complete)
				}
				page = w.archive(phone, mamQuery("q", ""))
				if len(page.bodies) == 0 || !page.complete {
					t.Errorf("%q, complete: %v", page.bodies, page.complete)
				}
				if n := strings.Count(w.log.String(), "lines of the archive are damaged"); n != 2 && n != 1 {
					t.Errorf("logged %d times", n)
				}
				if s, err := w.db.Stats(context.Background()); err != nil || s.Damaged != 2 {
					t.Errorf("%+v, %v", s, err)
				}
			})
		})
	}
}
