package oscar_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// drawing returns an image whose left half is red and whose right half is transparent.
func drawing(width, height int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width / 2 {
			img.SetNRGBA(x, y, color.NRGBA{0xFF, 0, 0, 0xFF})
		}
	}
	return img
}

func encoded(t testing.TB, kind string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&b, img)
	case "jpeg":
		err = jpeg.Encode(&b, img, nil)
	default:
		err = gif.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestMakeIcon scales images of all kinds.
func TestMakeIcon(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 300, 300))
	for i, v := 0, uint32(1); i < len(noise.Pix); i++ {
		v = v*1664525 + 1013904223
		noise.Pix[i] = byte(v >> 24)
	}
	for name, picture := range map[string][]byte{
		"large":      encoded(t, "png", drawing(1000, 700)),
		"one pixel":  encoded(t, "png", drawing(1, 1)),
		"wide":       encoded(t, "gif", drawing(2000, 3)),
		"a jpeg":     encoded(t, "jpeg", drawing(64, 64)),
		"mere noise": encoded(t, "png", noise),
	} {
		for _, side := range []int{48, 64} {
			icon, err := oscar.MakeIcon(picture, side)
			if err != nil || len(icon) > 7168 {
				t.Errorf("%s: %d bytes, %v", name, len(icon), err)
				continue
			}
			made, kind, err := image.Decode(bytes.NewReader(icon))
			if err != nil || kind != "jpeg" || made.Bounds().Dx() != side || made.Bounds().Dy() != side {
				t.Errorf("%s: became %v %v, %v", name, kind, made.Bounds(), err)
			}
			if name != "large" {
				continue
			}
			near := func(x int, want [3]uint32) {
				r, g, b, _ := made.At(x, side/2).RGBA()
				for i, v := range []uint32{r >> 8, g >> 8, b >> 8} {
					if max(v, want[i])-min(v, want[i]) > 20 {
						t.Errorf("%s: at %d it is %d %d %d, want %d", name, x, r>>8, g>>8, b>>8, want)
						return
					}
				}
			}
			near(2, [3]uint32{0xFF, 0, 0})
			near(side-3, [3]uint32{0xFF, 0xFF, 0xFF})
		}
	}
	huge := encoded(t, "png", image.NewGray(image.Rect(0, 0, 5000, 1)))
	bomb := encoded(t, "png", image.NewGray(image.Rect(0, 0, 4000, 4000)))
	good := encoded(t, "png", drawing(10, 10))
	for name, picture := range map[string][]byte{"huge": huge, "bomb": bomb, "empty": nil, "text": []byte("no picture"), "cut": good[:len(good)-20]} {
		if icon, err := oscar.MakeIcon(picture, 64); err == nil {
			t.Errorf("%s: became %d bytes", name, len(icon))
		}
	}
}

// TestOwnIcon publishes the user's avatar, replaces it, and removes it.
func TestOwnIcon(t *testing.T) {
	for _, tt := range []struct{ flavor, self, peer string }{{"icq", alice, bob}, {"aim", "aliceaim", "bobaim"}} {
		t.Run(tt.flavor, func(t *testing.T) {
			mock := startMock(t, oscarmock.Options{})
			for _, name := range []string{tt.self, tt.peer} {
				mock.AddAccount(oscarmock.Account{Name: name, Password: password})
			}
			o := optionsFor(mock.Addr())
			o.Flavor = tt.flavor
			n, elsewhere := newNetwork(t, o), newNetwork(t, o) // with a cache of its own
			u, peer := signOn(t, mock, n, tt.self), signOn(t, mock, elsewhere, tt.peer)
			peer.Do(peer.roster().AddContact(t.Context(), contact(tt.self, ""), ""))
			expect(peer, any[legacy.ContactChanged])

			var shown [][]byte
			for _, picture := range [][]byte{encoded(t, "png", drawing(300, 200)), encoded(t, "gif", drawing(80, 80).(*image.NRGBA).SubImage(image.Rect(0, 0, 40, 40)))} {
				u.Do(u.Session.(legacy.AvatarSetter).SetAvatar(t.Context(), picture))
				got := expect(peer, any[legacy.AvatarChanged])
				if got.From.ID != tt.self || got.Type != "image/jpeg" || !bytes.Equal(got.Image, mock.Icon(tt.self)) {
					t.Errorf("%s is shown %d bytes of %s", got.From.ID, len(got.Image), got.Type)
				}
				shown = append(shown, got.Image)
			}
			if bytes.Equal(shown[0], shown[1]) {
				t.Error("the second picture is the first")
			}
			u.Do(u.Session.(legacy.AvatarSetter).SetAvatar(t.Context(), nil))
			if got := expect(peer, any[legacy.AvatarChanged]); got.Image != nil {
				t.Errorf("no picture is shown as %d bytes", len(got.Image))
			}
			items := 0
			for _, i := range mock.Feedbag(tt.self) {
				if i.Class == oscarwire.FeedbagIcon {
					items++
				}
			}
			if items != 1 {
				t.Errorf("the list names %d pictures", items)
			}
		})
	}
}

// TestOwnIconAgain: an avatar that the server has is not uploaded again, one that it
// has lost is.
func TestOwnIconAgain(t *testing.T) {
	picture := encoded(t, "png", drawing(64, 64))
	mock := startMock(t, oscarmock.Options{})
	n := newNetwork(t, optionsFor(mock.Addr()))
	show := func(mock *oscarmock.Network, n legacy.Network) *user {
		u := signOn(t, mock, n, alice)
		u.Do(u.Session.(legacy.AvatarSetter).SetAvatar(t.Context(), picture))
		return u
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	u := show(mock, n)
	if err := mock.WaitUploads(ctx, 1); err != nil {
		t.Fatal(err)
	}
	list := mock.Feedbag(alice)
	u.Cancel()
	u.Do(u.WaitEnd())
	show(mock, n)

	forgetful := startMock(t, oscarmock.Options{}) // it has the list but not the avatar
	u = signOn(t, forgetful, newNetwork(t, optionsFor(forgetful.Addr())), alice)
	forgetful.EditFeedbag(alice, oscarwire.FeedbagInsert, list...)
	u.Do(u.Session.(legacy.AvatarSetter).SetAvatar(t.Context(), picture))
	if err := forgetful.WaitUploads(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if got := mock.Uploads(); got != 1 {
		t.Errorf("%d uploads to the first network, want 1", got)
	}
}

// TestOwnIconRefused: the user gets a notice about an invalid image.
func TestOwnIconRefused(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	u := signOn(t, mock, newNetwork(t, optionsFor(mock.Addr())), alice)
	u.Do(u.Session.(legacy.AvatarSetter).SetAvatar(t.Context(), []byte("no picture")))
	if got := expect(u, any[legacy.Notice]); !strings.Contains(got.Text, "avatar") {
		t.Errorf("told %q", got.Text)
	}
}

// TestOwnProfile publishes the user's profile.
func TestOwnProfile(t *testing.T) {
	mock := startMock(t, oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: bob, Password: password})
	mock.AddAccount(oscarmock.Account{Name: "Alice AIM", Password: password})
	mock.AddAccount(oscarmock.Account{Name: "Bob AIM", Password: password})
	mine := legacy.Profile{Nick: "Ally", First: "Alice", Last: "Müller", FullName: "Alice Müller", Emails: []string{"alice@example.net"},
		Phone: "+49 1", Mobile: "+49 2", Homepage: "http://example.net/?a=1&b=2", City: "Köln", State: "NRW", Birthday: "1980-02-29",
		Gender: "F", Organization: "ACME", Title: "Tester", About: "1 < 2\nand <b>so</b> on"}

	n := newNetwork(t, optionsFor(mock.Addr()))
	u, peer := signOn(t, mock, n, alice), signOn(t, mock, n, bob)
	u.Do(u.Session.(legacy.ProfileSetter).SetProfile(t.Context(), mine))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mock.WaitSNAC(ctx, alice, oscarwire.ICQRequest, 1); err != nil {
		t.Fatal(err)
	}
	u.send("1", alice, "a barrier")
	expect(u, any[legacy.MessageReceived])
	ask := func(peer *user, id string) legacy.Profile {
		t.Helper()
		peer.Do(peer.Session.(legacy.Profiler).RequestProfile(t.Context(), "p", legacy.Peer{ID: id}))
		got := expect(peer, any[legacy.ProfileReceived])
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		return got.Profile
	}
	want := mine
	want.FullName, want.Country = "", ""
	if got := ask(peer, alice); !slices.Equal(got.Emails, want.Emails) || got.Nick != want.Nick || got.Last != want.Last || got.City != want.City ||
		got.Birthday != want.Birthday || got.Gender != want.Gender || got.About != want.About || got.Homepage != want.Homepage || got.Mobile != want.Mobile ||
		got.Organization != want.Organization || got.Title != want.Title {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	u.Do(u.Session.(legacy.ProfileSetter).SetProfile(t.Context(), legacy.Profile{Nick: "Al"})) // the other fields stay
	u.send("2", alice, "a barrier")
	expect(u, any[legacy.MessageReceived])
	if got := ask(peer, alice); got.Nick != "Al" || got.City != want.City {
		t.Errorf("got %+v", got)
	}

	o := optionsFor(mock.Addr())
	o.Flavor = "aim"
	aim := newNetwork(t, o)
	a, b := signOn(t, mock, aim, "aliceaim"), signOn(t, mock, aim, "bobaim")
	a.Do(a.Session.(legacy.ProfileSetter).SetProfile(t.Context(), mine))
	a.send("1", "aliceaim", "a barrier")
	expect(a, any[legacy.MessageReceived])
	if got := ask(b, "aliceaim").About; !strings.Contains(got, "Alice Müller\n") || !strings.Contains(got, mine.About) {
		t.Errorf("got %q", got)
	}
	if html := mock.Profile("aliceaim"); strings.Contains(html, "<b>") {
		t.Errorf("the profile is not escaped: %s", html)
	}
	mock.Migrate("aliceaim", mock.Addr())
	if err := mock.WaitSNAC(ctx, "aliceaim", oscarwire.ServiceClientReady, 1); err != nil {
		t.Fatal(err)
	}
	a.send("moved", "aliceaim", "a barrier")
	expect(a, any[legacy.MessageReceived])
	if got := ask(b, "aliceaim").About; !strings.Contains(got, mine.About) {
		t.Errorf("after a migration: %q", got)
	}
	mine.About = strings.Repeat("& ", 5000)
	a.Do(a.Session.(legacy.ProfileSetter).SetProfile(t.Context(), mine))
	a.send("2", "aliceaim", "a barrier")
	expect(a, any[legacy.MessageReceived])
	if html := mock.Profile("aliceaim"); len(html) > 1024 || !strings.Contains(html, "&amp;") {
		t.Errorf("a long profile has %d bytes", len(html))
	}
}

// FuzzMakeIcon scales anything that a vCard can contain.
func FuzzMakeIcon(f *testing.F) {
	for _, kind := range []string{"png", "jpeg", "gif"} {
		f.Add(encoded(f, kind, drawing(9, 5)))
	}
	f.Fuzz(func(t *testing.T, picture []byte) {
		icon, err := oscar.MakeIcon(picture, 48)
		if err == nil && (len(icon) == 0 || len(icon) > 7168) {
			t.Errorf("an icon of %d bytes", len(icon))
		}
	})
}
