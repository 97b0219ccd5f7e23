package registry

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestContacts(t *testing.T) {
	d := openTemp(t)
	putTestAccount(t, d, testNet, testUser)
	putTestAccount(t, d, testNet, "romeo@example.org")
	putTestContact(t, d, "romeo@example.org", "100")

	gateway := Contact{Network: testNet, User: testUser, Subscription: To | From}
	plain := Contact{Network: testNet, User: testUser, Peer: "100", Name: "Ann", Nick: "annie ☃", Groups: []string{"Friends", `A "b" ☃`},
		Subscription: AskTo | AskFrom, Listed: true, LastSeen: testNow.Add(-time.Hour)}
	bare := Contact{Network: testNet, User: testUser, Peer: "200"}
	changed := Contact{Network: testNet, User: testUser, Peer: "100", Name: "Anna", Subscription: To | Refused, LastSeen: testNow}
	ctx := t.Context()

	for _, step := range []struct {
		name string
		do   func() error
		want []Contact
	}{
		{"put one by one", func() error {
			return errors.Join(d.PutContact(ctx, plain), d.PutContact(ctx, bare), d.PutContact(ctx, gateway))
		}, []Contact{gateway, plain, bare}},
		{"replace", func() error { return d.PutContact(ctx, changed) }, []Contact{gateway, changed, bare}},
		{"put many", func() error { return d.PutContacts(ctx, []Contact{plain, bare, gateway}) }, []Contact{gateway, plain, bare}},
		{"put none", func() error { return d.PutContacts(ctx, nil) }, []Contact{gateway, plain, bare}},
		{"delete", func() error { return d.DeleteContact(ctx, testNet, testUser, "100") }, []Contact{gateway, bare}},
		{"registering again keeps them", func() error {
			return d.PutAccount(ctx, Account{Network: testNet, User: testUser, Login: "new"})
		}, []Contact{gateway, bare}},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got, err := d.Contacts(ctx, testNet, testUser)
		if err != nil || !reflect.DeepEqual(got, step.want) {
			t.Fatalf("%s: got %+v, %v, want %+v", step.name, got, err, step.want)
		}
	}
	if err := d.DeleteContact(ctx, testNet, testUser, "100"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleting a contact twice: %v", err)
	}
	if got, err := d.Contacts(ctx, testNet, "romeo@example.org"); err != nil || len(got) != 1 {
		t.Errorf("another user's contacts: %+v, %v", got, err)
	}
}

// PutContacts is atomic, and its rollback does not affect other calls in the same commit.
func TestPutContactsAtomic(t *testing.T) {
	d := openTemp(t)
	putTestAccount(t, d, testNet, testUser)
	contacts := make([]Contact, 100)
	for i := range contacts {
		contacts[i] = Contact{Network: testNet, User: testUser, Peer: fmt.Sprint(i)}
	}
	contacts[99].User = "nobody@example.org"
	if err := d.PutContacts(t.Context(), contacts); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if got, err := d.Contacts(t.Context(), testNet, testUser); err != nil || len(got) != 0 {
		t.Errorf("%d contacts were put, %v", len(got), err)
	}
	contacts[99].Network = ""
	if err := d.PutContacts(t.Context(), contacts); err == nil {
		t.Error("a contact without a network was accepted")
	}
}

func TestSubscription(t *testing.T) {
	for _, test := range []struct {
		s              Subscription
		roster, string string
	}{
		{0, "none", "none"},
		{To, "to", "to"},
		{From, "from", "from"},
		{To | From, "both", "to+from"},
		{AskTo | Refused, "none", "ask-to+refused"},
		{To | From | AskTo | AskFrom | Refused, "both", "to+from+ask-to+ask-from+refused"},
		{AuthAsked | Removed, "none", "auth-asked+removed"},
		{From | 0x80, "from", "from+0x80"},
	} {
		if got := test.s.Roster(); got != test.roster {
			t.Errorf("%08b: roster %q, want %q", test.s, got, test.roster)
		}
		if got := test.s.String(); got != test.string {
			t.Errorf("%08b: string %q, want %q", test.s, got, test.string)
		}
	}
	s := Subscription(0).With(To | AskFrom)
	if !s.Has(To) || !s.Has(To|AskFrom) || s.Has(To|From) || s.Has(From) || s.Without(To) != AskFrom || s.Without(From) != s {
		t.Errorf("set operations on %s", s)
	}
	// The database contains the values.
	if To != 1 || From != 2 || AskTo != 4 || AskFrom != 8 || Refused != 16 || AuthAsked != 32 || Removed != 64 || Inbound != 1 || Outbound != 2 {
		t.Error("stored values have changed")
	}
	for d, want := range map[Direction]string{Inbound: "inbound", Outbound: "outbound", 7: "direction(7)"} {
		if d.String() != want {
			t.Errorf("direction %d is %q", d, d)
		}
	}
}
