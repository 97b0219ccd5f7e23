package registry

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

func TestMessages(t *testing.T) {
	d := openTemp(t)
	romeo := "romeo@example.org"
	putTestAccount(t, d, testNet, testUser)
	putTestAccount(t, d, testNet, romeo)
	putTestAccount(t, d, "irc.example.org", testUser)
	var want []Message
	for i := range 5 {
		m := Message{Network: testNet, User: testUser, Peer: fmt.Sprint("peer", i%2), Direction: Inbound,
			StanzaID: fmt.Sprint(i), Payload: fmt.Appendf(nil, "text\x00\xff%d", i), Created: testNow}
		if i == 4 {
			m.StanzaID, m.Payload = "", nil
		}
		var err error
		if m.ID, err = d.KeepMessage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		want = append(want, m)
		keepTestMessage(t, d, testUser, Outbound, fmt.Sprint("out", i))
	}
	keepTestMessage(t, d, romeo, Outbound, "romeo")
	const guest = "guest@example.org" // not registered
	keepTestMessage(t, d, guest, Outbound, "guest")

	got, err := d.KeptMessages(t.Context(), testNet, testUser, Inbound)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, test := range []struct {
		network string
		dir     Direction
		want    []string
	}{
		{testNet, Inbound, []string{testUser}},
		{testNet, Outbound, []string{testUser, romeo, guest}},
		{"irc.example.org", Inbound, nil},
	} {
		if users, err := d.KeptUsers(t.Context(), test.network, test.dir); err != nil || !slices.Equal(users, test.want) {
			t.Errorf("%s on %s: %q, %v, want %q", test.dir, test.network, users, err, test.want)
		}
	}

	if err := d.ForgetMessages(t.Context(), want[0].ID, want[3].ID, 1<<40); err != nil {
		t.Fatal(err)
	}
	if err := d.ForgetMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err = d.KeptMessages(t.Context(), testNet, testUser, Inbound)
	if err != nil || !reflect.DeepEqual(got, []Message{want[1], want[2], want[4]}) {
		t.Errorf("after forgetting two: %+v, %v", got, err)
	}
	for _, dir := range []Direction{0, 3} {
		if _, err := d.KeepMessage(t.Context(), Message{Network: testNet, User: testUser, Direction: dir}); err == nil {
			t.Errorf("%s was accepted", dir)
		}
	}
}

// IDs of messages are never reused.
func TestMessageIDsAreNotUsedAgain(t *testing.T) {
	d := openTemp(t)
	putTestAccount(t, d, testNet, testUser)
	var last int64
	for range 3 {
		id := keepTestMessage(t, d, testUser, Inbound, "x")
		if id <= last {
			t.Errorf("ID %d after %d", id, last)
		}
		last = id
		if err := d.ForgetMessages(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMessagesFull(t *testing.T) {
	opts := testOptions(t.TempDir())
	opts.MaxMessages = 3
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	putTestAccount(t, d, testNet, "romeo@example.org")
	var id int64
	for range 3 {
		id = keepTestMessage(t, d, testUser, Inbound, "x")
	}
	m := Message{Network: testNet, User: testUser, Direction: Inbound, Payload: []byte("x")}
	if _, err := d.KeepMessage(t.Context(), m); !errors.Is(err, ErrFull) {
		t.Errorf("the fourth: %v", err)
	}
	keepTestMessage(t, d, testUser, Outbound, "the other direction")
	keepTestMessage(t, d, "romeo@example.org", Inbound, "another user")
	if err := d.ForgetMessages(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	keepTestMessage(t, d, testUser, Inbound, "there is room again")
}

// Values that were moved or changed in the database are detected, and do not affect the
// other values.
func TestTampering(t *testing.T) {
	tests := []struct {
		name, sql string
		rows      int64
		account   error // the error of reading juliet's account
		kept      int   // how many of her two messages can be decrypted
	}{
		{"nothing", "UPDATE contacts SET name = 'x'", 0, nil, 2},
		{"fields of another user", `UPDATE accounts SET sealed_fields = (SELECT sealed_fields FROM accounts WHERE user LIKE 'romeo%') WHERE user LIKE 'juliet%'`, 1, ErrCorrupt, 2},
		{"state for options", `UPDATE accounts SET sealed_options = sealed_state WHERE user LIKE 'juliet%'`, 1, ErrCorrupt, 2},
		{"state changed", `UPDATE accounts SET sealed_state = CAST(substr(sealed_state, 1, 20) || x'00' || substr(sealed_state, 21) AS BLOB) WHERE user LIKE 'juliet%'`, 1, ErrCorrupt, 2},
		{"state cut", `UPDATE accounts SET sealed_state = x'' WHERE user LIKE 'juliet%'`, 1, ErrCorrupt, 2},
		{"unknown key version", `UPDATE accounts SET sealed_state = CAST(x'09' || substr(sealed_state, 2) AS BLOB) WHERE user LIKE 'juliet%'`, 1, ErrKey, 2},
		{"user renamed", `UPDATE accounts SET user = CASE id WHEN 1 THEN 'romeo@example.org' ELSE 'juliet@example.org' END || (user LIKE 'x'), network = network || 'x'`, 2, ErrNotFound, 0},
		{"message to another user", `UPDATE messages SET user = 'juliet@example.org' WHERE user LIKE 'romeo%'`, 1, nil, 2},
		{"message turned round", `UPDATE messages SET direction = 1 WHERE direction = 2`, 1, nil, 2},
		{"message from another peer", `UPDATE messages SET peer = 'mallory' WHERE id = 1`, 1, nil, 1},
		{"message with another id", `UPDATE messages SET stanza_id = 'x' WHERE id = 1`, 1, nil, 1},
		{"message at another time", `UPDATE messages SET created = created + 1`, 4, nil, 0},
		{"payload of another message", `UPDATE messages SET sealed_payload = (SELECT sealed_payload FROM messages WHERE id = 2) WHERE id = 1`, 1, nil, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := testOptions(t.TempDir())
			d := open(t, opts)
			for _, user := range []string{testUser, "romeo@example.org"} {
				putTestAccount(t, d, testNet, user)
			}
			keepTestMessage(t, d, testUser, Inbound, "one")
			keepTestMessage(t, d, testUser, Inbound, "two")
			keepTestMessage(t, d, testUser, Outbound, "out")
			keepTestMessage(t, d, "romeo@example.org", Inbound, "to romeo")
			if n := change(t, opts.Path, test.sql); n != test.rows {
				t.Fatalf("%d rows were changed, not %d", n, test.rows)
			}
			_, err := d.Account(t.Context(), testNet, testUser)
			if !errors.Is(err, test.account) {
				t.Errorf("Account: %v, want %v", err, test.account)
			}
			if test.account == ErrNotFound {
				return
			}
			if _, err := d.Accounts(t.Context(), testNet); !errors.Is(err, test.account) {
				t.Errorf("Accounts: %v, want %v", err, test.account)
			}
			kept, err := d.KeptMessages(t.Context(), testNet, testUser, Inbound)
			if len(kept) != test.kept {
				t.Errorf("%d messages were opened, want %d", len(kept), test.kept)
			}
			wantErr := false
			query(t, opts.Path, "SELECT count(*) FROM messages WHERE user = '"+testUser+"' AND direction = 1", func(row []any) {
				wantErr = row[0] != int64(test.kept)
			})
			if wantErr != (err != nil) || err != nil && !errors.Is(err, ErrCorrupt) {
				t.Errorf("KeptMessages: %v", err)
			}
		})
	}
}
