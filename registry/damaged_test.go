package registry

import (
	"errors"
	"testing"
)

// Values that are set aside stay in the database as they were, hinder nobody, and go with
// their account.
func TestSetAside(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	putTestAccount(t, d, testNet, testUser)
	putTestAccount(t, d, testNet, "romeo@example.org")
	lost := keepTestMessage(t, d, testUser, Inbound, "lost")
	if err := d.AppendLines(t.Context(), []Line{
		{Network: testNet, User: testUser, Room: "room", StanzaID: "1", Payload: []byte("lost"), Created: testNow},
		{Network: testNet, User: testUser, Room: "room", StanzaID: "2", Payload: []byte("kept"), Created: testNow},
	}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"UPDATE messages SET sealed_payload = x'0102'", "UPDATE archive SET sealed_payload = x'6302' WHERE stanza_id = '1'",
		"UPDATE accounts SET sealed_options = x'6303', sealed_state = x'' WHERE user = '" + testUser + "'",
	} {
		change(t, opts.Path, text)
	}
	if err := d.Rotate(t.Context()); err == nil {
		t.Error("Rotate ignores values that cannot be decrypted")
	}
	_, inMessages := d.KeptMessages(t.Context(), testNet, testUser, Inbound)
	account, inAccount := d.Account(t.Context(), testNet, testUser)
	page, inArchive := d.Lines(t.Context(), LineQuery{Network: testNet, User: testUser, Room: "room", Limit: 10})
	if account.Fields["uin"] != "123456" || account.Options != nil || account.State != nil || len(page.Lines) != 1 {
		t.Errorf("readable are %v and %d lines", account, len(page.Lines))
	}
	notice := &Message{Network: testNet, User: testUser, Direction: Inbound, Payload: []byte("notice"), Created: testNow}
	for _, err := range []error{inMessages, inAccount, inArchive} {
		var damaged *Damaged
		if !errors.As(err, &damaged) || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrKey) {
			t.Fatalf("%v", err)
		}
		if err := damaged.SetAside(t.Context(), notice); err != nil {
			t.Fatal(err)
		}
		notice = nil
	}
	kept, err := d.KeptMessages(t.Context(), testNet, testUser, Inbound)
	if err != nil || len(kept) != 1 || string(kept[0].Payload) != "notice" || kept[0].ID == lost {
		t.Errorf("%+v, %v", kept, err)
	}
	if _, err := d.Accounts(t.Context(), testNet); err != nil {
		t.Error(err)
	}
	if page, err := d.Lines(t.Context(), LineQuery{Network: testNet, User: testUser, Room: "room", Limit: 10}); err != nil || len(page.Lines) != 1 || page.Count != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	if s, err := d.Stats(t.Context()); err != nil || s != (Stats{Accounts: 2, Messages: 1, Damaged: 4}) {
		t.Errorf("%+v, %v", s, err)
	}
	if err := d.Rotate(t.Context()); err != nil {
		t.Errorf("Rotate, afterwards: %v", err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
	values := make(map[string]bool)
	for _, text := range []string{"SELECT hex(sealed_payload) FROM messages WHERE direction > 2", "SELECT hex(value) FROM meta WHERE name LIKE 'damaged %'"} {
		query(t, opts.Path, text, func(row []any) { values[row[0].(string)] = true })
	}
	for _, want := range []string{"0102", "6302", "6303", ""} {
		if !values[want] {
			t.Errorf("the value %q is lost", want)
		}
	}
	if err := d.DeleteAccount(t.Context(), testNet, testUser); err != nil {
		t.Fatal(err)
	}
	if s, err := d.Stats(t.Context()); err != nil || s != (Stats{Accounts: 1}) {
		t.Errorf("after deleting: %+v, %v", s, err)
	}
}
