package oscar_test

import (
	"testing"

	"transport/legacy"
	"transport/legacy/oscar/oscarmock"
)

func TestPeople(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: bob, Nick: "Bobby", First: "Robert", Last: "Tables", Email: "bob@example.net"})
	mock.AddAccount(oscarmock.Account{Name: "100003", Nick: "Bobby"})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	profiler, searcher := u.Session.(legacy.Profiler), u.Session.(legacy.Searcher)

	u.Do(profiler.RequestProfile(t.Context(), "p1", legacy.Peer{ID: bob}))
	got := expect(u, any[legacy.ProfileReceived])
	if got.Ref != "p1" || got.Err != nil || got.Profile.Nick != "Bobby" || got.Profile.First != "Robert" || got.Profile.Emails[0] != "bob@example.net" {
		t.Errorf("got %+v", got)
	}
	u.Do(profiler.RequestProfile(t.Context(), "p2", legacy.Peer{ID: "424242"}))
	if got := expect(u, any[legacy.ProfileReceived]); got.Ref != "p2" || legacy.KindOf(got.Err) != legacy.NotFound {
		t.Errorf("got %+v", got)
	}
	tests := []struct {
		query map[string]string
		found []string
	}{
		{map[string]string{"username": bob}, []string{bob}},
		{map[string]string{"username": "424242"}, nil},
		{map[string]string{"username": "nobody"}, nil},
		{map[string]string{"nick": "bobby"}, []string{bob, "100003"}},
		{map[string]string{"nick": "Bobby", "last": "Tables"}, []string{bob}},
		{map[string]string{"email": "bob@example.net"}, []string{bob}},
		{map[string]string{"email": "nobody@example.net"}, nil},
	}
	for _, tt := range tests {
		u.Do(searcher.Search(t.Context(), "s", tt.query))
		got := expect(u, any[legacy.SearchFinished])
		if len(got.Results) != len(tt.found) {
			t.Errorf("%v: got %+v", tt.query, got)
			continue
		}
		for i, id := range tt.found {
			if got.Results[i].Peer.ID != id {
				t.Errorf("%v: got %+v, want %v", tt.query, got.Results, tt.found)
			}
		}
	}
}

// TestIconsOfServers: an icon of one server is not shown for another server's icon with
// the same hash.
func TestIconsOfServers(t *testing.T) {
	png, gif := []byte("\x89PNG\r\n\x1a\npicture"), []byte("GIF89apicture")
	mock, evil := startMock(t, oscarmock.Options{}), startMock(t, oscarmock.Options{})
	for _, m := range []*oscarmock.Network{mock, evil} {
		b := m.Bot(bob, oscarmock.BotOptions{})
		b.SetIcon(png)
		b.SignOn()
	}
	evil.FakeIcon(bob, gif)
	o := optionsFor(mock.Addr())
	o.UserServer, o.AllowPrivate = true, true
	n := newNetwork(t, o)
	shown := func(fields map[string]string) []byte {
		u := start(t, n, fields, nil)
		expect(u, any[legacy.Ready])
		u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
		return expect(u, any[legacy.AvatarChanged]).Image
	}
	fields := credentials(alice)
	fields["server"] = evil.Addr()
	if got := shown(fields); string(got) != string(gif) {
		t.Errorf("got %q", got)
	}
	if got := shown(credentials(alice)); string(got) != string(png) {
		t.Errorf("got %q", got)
	}
}

// TestIcons: icons appear, change and disappear, and each is fetched once.
func TestIcons(t *testing.T) {
	png, gif := []byte("\x89PNG\r\n\x1a\npicture"), []byte("GIF89apicture")
	mock := startMock(t, oscarmock.Options{})
	b := mock.Bot(bob, oscarmock.BotOptions{})
	b.SetIcon(png)
	b.SignOn()
	n := newNetwork(t, optionsFor(mock.Addr()))
	u := signOn(t, mock, n, alice)
	u.Do(u.roster().AddContact(t.Context(), contact(bob, ""), ""))
	if got := expect(u, any[legacy.AvatarChanged]); got.From.ID != bob || string(got.Image) != string(png) || got.Type != "image/png" {
		t.Errorf("got %+v", got)
	}
	b.SetIcon(gif)
	if got := expect(u, any[legacy.AvatarChanged]); string(got.Image) != string(gif) || got.Type != "image/gif" {
		t.Errorf("got %+v", got)
	}
	b.SetIcon(nil)
	if got := expect(u, any[legacy.AvatarChanged]); got.Image != nil {
		t.Errorf("got %+v", got)
	}
	b.SetIcon(png)
	if got := expect(u, any[legacy.AvatarChanged]); string(got.Image) != string(png) {
		t.Errorf("got %+v", got)
	}
	b.SetIcon([]byte("no picture")) // not shown; the next one is
	b.SetIcon(gif)
	if got := expect(u, any[legacy.AvatarChanged]); string(got.Image) != string(gif) {
		t.Errorf("got %+v", got)
	}
}
