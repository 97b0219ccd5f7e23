package oscar_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// command executes a command of the network.
func (u *user) command(name string, args map[string]string) legacy.CommandDone {
	u.t.Helper()
	u.Do(u.Session.(legacy.Commander).Do(u.t.Context(), name, legacy.Peer{}, name, args))
	return expect(u, func(d legacy.CommandDone) bool { return d.Ref == name })
}

// wrongField reports whether an error names a field of a command's form.
func wrongField(err error, field string) bool {
	var wrong *legacy.FieldError
	return errors.As(err, &wrong) && wrong.Var == field
}

func TestChangePassword(t *testing.T) {
	for _, flavor := range []string{"icq", "aim"} {
		t.Run(flavor, func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{})
			o := optionsFor(mock.Addr())
			o.Flavor = flavor
			n := newNetwork(t, o)
			u := signOn(t, mock, n, alice)
			for _, wrong := range []struct{ password, again, field string }{
				{"new one", "another", "again"}, {"", "", "password"},
				{strings.Repeat("x", 200), strings.Repeat("x", 200), "password"},
				{strings.Repeat("x", 20), strings.Repeat("x", 20), "password"}, // refused by the server
			} {
				got := u.command("change-password", map[string]string{"password": wrong.password, "again": wrong.again})
				if !wrongField(got.Err, wrong.field) || !strings.Contains(got.Err.Error(), "Nothing was changed") {
					t.Errorf("%v: got %+v", wrong, got)
				}
			}
			u.Do(u.Session.(legacy.Commander).Do(t.Context(), "p", legacy.Peer{}, "change-password", map[string]string{"password": "new one", "again": "new one"}))
			if got := expect(u, any[legacy.CredentialsChanged]); got.Fields["password"] != "new one" {
				t.Errorf("got %+v", got)
			}
			if got := expect(u, any[legacy.CommandDone]); got.Err != nil || !strings.Contains(got.Text, "is changed") {
				t.Errorf("got %+v", got)
			}
			if mock.Password(alice) != "new one" {
				t.Error("the server has the old password")
			}
			// The session uses the new password.
			if got := u.command("change-password", map[string]string{"password": password, "again": password}); got.Err != nil {
				t.Errorf("got %+v", got)
			}
			mock.AddAccount(oscarmock.Account{Name: alice, Password: "other"}) // by another client
			if got := u.command("change-password", map[string]string{"password": "x", "again": "x"}); got.Err == nil || !strings.Contains(got.Err.Error(), "old password") {
				t.Errorf("got %+v", got)
			}
			if strings.Contains(u.command("change-password", map[string]string{"password": "secret5", "again": "secret5"}).Err.Error(), "secret5") {
				t.Error("the error has the password")
			}
		})
	}
}

func TestConfirmAccount(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	if got := u.command("confirm-account", nil); legacy.KindOf(got.Err) != legacy.Forbidden {
		t.Errorf("got %+v", got)
	}
	if got := u.command("change-email", map[string]string{"email": "nonsense"}); !wrongField(got.Err, "email") {
		t.Errorf("got %+v", got)
	}
	if got := u.command("change-email", map[string]string{"email": " alice@example.net "}); got.Err != nil || mock.Directory(alice).Email != "alice@example.net" {
		t.Errorf("got %+v, %+v", got, mock.Directory(alice))
	}
	if got := u.command("confirm-account", nil); got.Err != nil || !strings.Contains(got.Text, "e-mail") {
		t.Errorf("got %+v", got)
	}
	if got := u.command("confirm-account", nil); got.Err != nil || !strings.Contains(got.Text, "already") {
		t.Errorf("got %+v", got)
	}
	if got := u.command("nonsense", nil); legacy.KindOf(got.Err) != legacy.Unsupported {
		t.Errorf("got %+v", got)
	}
	// A service that breaks the connection is reported as an error.
	for _, action := range []oscarmock.Action{oscarmock.Close, oscarmock.Garbage, oscarmock.EmptySNAC} {
		mock.Inject(oscarmock.Fault{Step: oscarmock.StepSNAC, SNAC: oscarwire.AdminConfirm, Action: action})
		if got := u.command("confirm-account", nil); legacy.KindOf(got.Err) != legacy.Temporary {
			t.Errorf("%v: got %v", action, got.Err)
		}
	}
}

func TestFindEmail(t *testing.T) {
	for _, tt := range []struct{ flavor, self, peer string }{{"icq", alice, bob}, {"aim", "aliceaim", "bobaim"}} {
		mock := startMock(t, oscarmock.Options{})
		mock.AddAccount(oscarmock.Account{Name: tt.self, Password: password})
		mock.AddAccount(oscarmock.Account{Name: tt.peer, Email: "bob@example.net"})
		o := optionsFor(mock.Addr())
		o.Flavor = tt.flavor
		u := signOn(t, mock, newNetwork(t, o), tt.self)
		if got := u.command("find-email", map[string]string{"email": "bob@example.net"}); got.Err != nil || !strings.HasPrefix(got.Text, tt.peer) {
			t.Errorf("got %+v", got)
		}
		if got := u.command("find-email", map[string]string{"email": "nobody@example.net"}); got.Err != nil || !strings.Contains(got.Text, "Nobody") {
			t.Errorf("got %+v", got)
		}
	}
}

// TestAIMDirectory: searches find users by their directory entries, and an update by
// the user keeps the other fields.
func TestAIMDirectory(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: "Alice AIM", Password: password, Last: "Liddell", Address: [5]string{"", "", "Oxford", "", "UK"}})
	mock.AddAccount(oscarmock.Account{Name: "Bob AIM", First: "Robert", Last: "Tables", Nick: "Bobby", Email: "bob@example.net",
		Address: [5]string{"Main Street 1", "12345", "Springfield", "IL", "USA"}})
	mock.AddAccount(oscarmock.Account{Name: "Rob", First: "Robert", Last: "Smith"})
	o := optionsFor(mock.Addr())
	o.Flavor = "aim"
	u := signOn(t, mock, newNetwork(t, o), "aliceaim")
	search := func(query map[string]string) legacy.SearchFinished {
		t.Helper()
		u.Do(u.Session.(legacy.Searcher).Search(t.Context(), "s", query))
		return expect(u, any[legacy.SearchFinished])
	}
	if got := search(map[string]string{"first": "robert"}); got.Ref != "s" || got.Err != nil || len(got.Results) != 2 || got.Results[0].Peer.ID != "bobaim" || got.Results[1].Peer.ID != "rob" {
		t.Errorf("got %+v", got)
	}
	got := search(map[string]string{"last": "Tables", "city": "springfield"})
	if len(got.Results) != 1 || got.Results[0].Profile.First != "Robert" || got.Results[0].Profile.Nick != "Bobby" || got.Results[0].Profile.City != "Springfield" {
		t.Errorf("got %+v", got)
	}
	if got := search(map[string]string{"email": "bob@example.net"}); len(got.Results) != 1 {
		t.Errorf("got %+v", got)
	}
	if got := search(map[string]string{"first": "Nobody"}); got.Err != nil || len(got.Results) != 0 {
		t.Errorf("got %+v", got)
	}
	if got := search(map[string]string{"nick": "Bobby"}); legacy.KindOf(got.Err) != legacy.Unsupported {
		t.Errorf("got %+v", got)
	}
	mock.Inject(oscarmock.Fault{Step: oscarmock.StepSNAC, SNAC: oscarwire.DirectorySearch, Action: oscarmock.Reset})
	if got := search(map[string]string{"first": "robert"}); legacy.KindOf(got.Err) != legacy.Temporary {
		t.Errorf("got %+v", got)
	}

	// The directory has entries of offline users.
	u.Do(u.Session.(legacy.Profiler).RequestProfile(t.Context(), "p", legacy.Peer{ID: "bobaim"}))
	if got := expect(u, any[legacy.ProfileReceived]); got.Err != nil || got.Profile.Nick != "Bobby" || got.Profile.Street != "Main Street 1" || got.Profile.Country != "USA" {
		t.Errorf("got %+v", got)
	}

	u.Do(u.Session.(legacy.ProfileSetter).SetProfile(t.Context(), legacy.Profile{First: "Alice", City: "London"}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitSNAC(ctx, "aliceaim", oscarwire.LocationSetDir, 1); err != nil {
		t.Fatal(err)
	}
	u.command("find-email", map[string]string{"email": "x"}) // the change is complete by then
	if got := mock.Directory("aliceaim"); got.First != "Alice" || got.Last != "Liddell" || got.Address != [5]string{"", "", "London", "", "UK"} {
		t.Errorf("the directory has %+v", got)
	}
}
