package oscar_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/legacytest"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// shelf stores the files of a test's gateway.
type shelf struct {
	mu    sync.Mutex
	files map[string][]byte // by name
	left  int               // number of incomplete files
	err   error             // error of StoreFile
}

const maxFile = 1 << 20

// store is legacy.Env.StoreFile.
func (s *shelf) store(_ context.Context, f legacy.File, r io.Reader) (string, error) {
	name, size := f.Name, f.Size
	data, err := io.ReadAll(io.LimitReader(r, size))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return "", s.err
	case err == nil && int64(len(data)) < size:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.left++
		return "", err
	}
	s.files[name] = data
	return "https://files.example.org/" + name, nil
}

func (s *shelf) get(name string) (data []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok = s.files[name]
	return data, ok
}

func (s *shelf) count() (files, incomplete int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files), s.left
}

// fileStage is a user who accepts files, and a bot that offers them.
type fileStage struct {
	*user
	*shelf
	mock *oscarmock.Network
	bot  *oscarmock.Bot
	net  legacy.Network
}

func newFileStage(t *testing.T, change func(*oscar.Options, *legacy.Env)) *fileStage {
	t.Helper()
	mock := startMock(t, oscarmock.Options{})
	o := optionsFor(mock.Addr())
	o.PrivateFiles = true
	st := &fileStage{mock: mock, bot: mock.Bot(bob, oscarmock.BotOptions{}), shelf: &shelf{files: make(map[string][]byte)}}
	var env legacy.Env
	if change != nil {
		change(&o, &env)
	}
	st.net = newNetwork(t, o)
	u := &user{legacytest.Play(t, st.net, legacy.Account{Fields: credentials(alice)}, legacytest.PlayOptions{Env: func(e *legacy.Env) {
		e.StoreFile, e.MaxFile = st.store, maxFile
		if change != nil {
			change(&o, e)
		}
	}}), t}
	st.user = u
	st.bot.SignOn()
	expect(u, any[legacy.Ready])
	u.Do(u.Session.(legacy.Presencer).SetPresence(t.Context(), legacy.Presence{Show: legacy.ShowOnline}))
	wait, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if err := mock.WaitSignOns(wait, alice, 1); err != nil {
		t.Fatal(err)
	}
	return st
}

func (st *fileStage) offer(o oscarmock.FileOffer) *oscarmock.FileTransfer {
	st.t.Helper()
	tr, err := st.bot.OfferFile(alice, o)
	if err != nil {
		st.t.Fatal(err)
	}
	return tr
}

// over waits for the end of a transfer at the bot's side.
func (st *fileStage) over(tr *oscarmock.FileTransfer) error {
	st.t.Helper()
	select {
	case err := <-tr.Over():
		return err
	case <-time.After(patience):
		st.t.Fatal("the bot's transfer does not end")
		return nil
	}
}

func (st *fileStage) told() legacy.MessageReceived {
	st.t.Helper()
	return expect(st.user, func(m legacy.MessageReceived) bool { return m.From.ID == bob })
}

// file returns an oscarmock.File.
func file(name string, data []byte) oscarmock.File { return oscarmock.File{Name: name, Data: data} }

func someBytes(n int) []byte { return bytes.Repeat([]byte("All work and no play. "), n/22+1)[:n] }

// A file arrives as a link, directly and through a proxy.
func TestFileArrives(t *testing.T) {
	for name, data := range map[string][]byte{"small.txt": []byte("x"), "odd.txt": someBytes(99_999), "empty.txt": nil, "largest.bin": someBytes(maxFile)} {
		for _, proxy := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				st := newFileStage(t, nil)
				o := oscarmock.FileOffer{Files: []oscarmock.File{{Name: name, Data: data}}}
				if proxy {
					l, err := net.Listen("tcp", "127.0.0.1:0")
					if err != nil {
						t.Fatal(err)
					}
					o.Proxy, o.Listener = true, l
					oscar.SetProxyPort(st.net, l.Addr().(*net.TCPAddr).AddrPort().Port())
				}
				if err := st.over(st.offer(o)); err != nil {
					t.Error(err)
				}
				if m := st.told(); m.URL != "https://files.example.org/"+name || m.Text != m.URL {
					t.Errorf("told %+v", m)
				}
				if got, ok := st.get(name); !ok || !bytes.Equal(got, data) {
					t.Errorf("%d bytes are stored, %d were sent", len(got), len(data))
				}
			})
		}
	}
}

// Several files arrive one after another over one connection.
func TestFilesArrive(t *testing.T) {
	st := newFileStage(t, nil)
	files := []oscarmock.File{file("folder\x01a", someBytes(70_001)), file("folder\x01b", nil), file("Gr\u00fc\u00dfe", someBytes(5))}
	if err := st.over(st.offer(oscarmock.FileOffer{Name: "folder", Files: files})); err != nil {
		t.Error(err)
	}
	for _, f := range files {
		if m := st.told(); !strings.HasPrefix(m.URL, "https://") {
			t.Errorf("told %+v", m)
		}
		if got, ok := st.get(strings.ReplaceAll(f.Name, "\x01", "/")); !ok || !bytes.Equal(got, f.Data) {
			t.Errorf("%q: %d bytes are stored, %d were sent", f.Name, len(got), len(f.Data))
		}
	}
}

// For a failed transfer, the user gets the name, the size and the reason, the sender
// gets a refusal, and nothing is stored.
func TestFileInVain(t *testing.T) {
	one := []oscarmock.File{file("../evil\x01a\nb.txt", someBytes(50_000))}
	public := func(o *oscar.Options, _ *legacy.Env) { o.PrivateFiles = false }
	for _, tt := range []struct {
		name   string
		change func(*oscar.Options, *legacy.Env)
		offer  oscarmock.FileOffer
		why    string
	}{
		{"a gateway without files", func(_ *oscar.Options, e *legacy.Env) { e.MaxFile, e.StoreFile = 0, nil }, oscarmock.FileOffer{Files: one}, "does not accept files"},
		{"too large", func(_ *oscar.Options, e *legacy.Env) { e.MaxFile = 49_999 }, oscarmock.FileOffer{Files: one}, "at most 49 kB"},
		{"too many", nil, oscarmock.FileOffer{Files: make([]oscarmock.File, 51)}, "at most 50 files"},
		{"none", nil, oscarmock.FileOffer{Name: "x"}, "does not support this kind of offer"},
		{"loopback", public, oscarmock.FileOffer{Files: one}, "private address"},
		{"private", public, oscarmock.FileOffer{Files: one, Fault: oscarmock.FilePrivate}, "private address"},
		{"loopback proxy", public, oscarmock.FileOffer{Files: one, Proxy: true}, "private address"},
		{"larger than offered", nil, oscarmock.FileOffer{Files: one, Fault: oscarmock.FileLarger}, "more data than it had offered"},
		{"damaged", nil, oscarmock.FileOffer{Files: one, Fault: oscarmock.FileDamaged}, "corrupted in transit"},
		{"cut off", nil, oscarmock.FileOffer{Files: one, Fault: oscarmock.FileCut}, "closed the connection"},
		{"taken back", nil, oscarmock.FileOffer{Files: one, Fault: oscarmock.FileTakeBack}, "cancelled the transfer"},
		{"stalled", nil, oscarmock.FileOffer{Files: one, Fault: oscarmock.FileStall}, "stopped sending"},
		{"silent", nil, oscarmock.FileOffer{Files: one, Fault: oscarmock.FileSilent}, "stopped sending"},
		{"no OFT", nil, oscarmock.FileOffer{Files: one, Fault: oscarmock.FileGarbage}, "unsupported variant"},
		{"no room", func(_ *oscar.Options, e *legacy.Env) {
			e.StoreFile = func(context.Context, legacy.File, io.Reader) (string, error) {
				return "", legacy.Wrap(legacy.Temporary, errors.New("/secret/path"), "The gateway's disk is full.")
			}
		}, oscarmock.FileOffer{Files: one}, "disk is full"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.why == "stopped sending" {
				defer oscar.SetProgressLimit(200 * time.Millisecond)()
			}
			st := newFileStage(t, tt.change)
			tr := st.offer(tt.offer)
			m := st.told()
			if m.URL != "" || !strings.HasPrefix(m.Text, "(tried to send you ") || !strings.Contains(m.Text, tt.why) || strings.Contains(m.Text, "secret") {
				t.Errorf("told %+v", m)
			}
			if len(tt.offer.Files) == 1 && !strings.Contains(m.Text, `the file "a b.txt", 50 kB, `) {
				t.Errorf("told %q", m.Text)
			}
			if err := st.over(tr); err == nil {
				t.Error("the bot has sent it")
			}
			if files, _ := st.count(); files > 0 {
				t.Errorf("%d files are stored", files)
			}
			// The session continues, and accepts another file.
			if strings.Contains(tt.why, "private") || st.err != nil || tt.change != nil {
				return
			}
			if err := st.over(st.offer(oscarmock.FileOffer{Files: []oscarmock.File{file("good", []byte("x"))}})); err != nil {
				t.Error(err)
			}
			expect(st.user, func(m legacy.MessageReceived) bool { return m.URL != "" })
		})
	}
}

// A proxy that refuses, and a peer that is unreachable.
func TestFileUnreachable(t *testing.T) {
	st := newFileStage(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	oscar.SetProxyPort(st.net, l.Addr().(*net.TCPAddr).AddrPort().Port())
	st.offer(oscarmock.FileOffer{Files: []oscarmock.File{file("x", []byte("x"))}, Proxy: true, Listener: l, Fault: oscarmock.FileRefused})
	if m := st.told(); !strings.Contains(m.Text, "proxy chosen by the sender refused") {
		t.Errorf("told %+v", m)
	}
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	l.Close()
	tr := st.offer(oscarmock.FileOffer{Files: []oscarmock.File{file("x", []byte("x"))}, Listener: l})
	if m := st.told(); !strings.Contains(m.Text, "cannot be reached") {
		t.Errorf("told %+v", m)
	}
	st.over(tr)
}

// Three at a time; the end of the session ends them.
func TestFilesAtOnce(t *testing.T) {
	st := newFileStage(t, nil)
	var all []*oscarmock.FileTransfer
	for range 4 {
		all = append(all, st.offer(oscarmock.FileOffer{Files: []oscarmock.File{file("x", someBytes(1000))}, Fault: oscarmock.FileStall}))
	}
	if m := st.told(); !strings.Contains(m.Text, "still under way") {
		t.Errorf("told %+v", m)
	}
	if err := st.over(all[3]); !errors.Is(err, oscarmock.ErrFileDeclined) {
		t.Errorf("the fourth ends with %v", err)
	}
	for _, tr := range all[:3] {
		select {
		case <-tr.Accepted():
		case <-time.After(patience):
			t.Fatal("an offer is not accepted")
		}
	}
	st.Cancel()
	if err := st.WaitEnd(); err != nil {
		t.Error(err)
	}
	for _, tr := range all[:3] {
		st.over(tr)
		if m := st.told(); !strings.Contains(m.Text, "session on ICQ has ended") {
			t.Errorf("told %+v", m)
		}
	}
	if files, _ := st.count(); files > 0 {
		t.Errorf("%d files are stored", files)
	}
}

// The capability is advertised only if files are accepted.
func TestFileCapability(t *testing.T) {
	for _, limit := range []int64{0, maxFile} {
		st := newFileStage(t, func(_ *oscar.Options, e *legacy.Env) { e.MaxFile = limit })
		if got := st.mock.HasCapability(alice, oscarwire.CapFile); got != (limit > 0) {
			t.Errorf("with a limit of %d: %v", limit, got)
		}
	}
}

func TestMayDial(t *testing.T) {
	o := optionsFor("127.0.0.1:1")
	public := newNetwork(t, o)
	o.PrivateFiles = true
	private := newNetwork(t, o)
	for addr, want := range map[string][2]bool{
		"8.8.8.8": {true, true}, "172.32.0.1": {true, true}, "::ffff:8.8.8.8": {true, true},
		"127.0.0.1": {false, true}, "127.9.9.9": {false, true}, "10.1.2.3": {false, true}, "172.16.0.1": {false, true}, "192.168.1.1": {false, true},
		"169.254.169.254": {false, true}, "100.64.0.1": {false, true}, "192.0.2.1": {false, true}, "198.18.0.1": {false, true},
		"198.51.100.1": {false, true}, "203.0.113.1": {false, true}, "240.0.0.1": {false, true}, "255.255.255.255": {false, true},
		"0.1.2.3": {false, true}, "192.0.0.1": {false, true}, "::ffff:127.0.0.1": {false, true},
		"0.0.0.0": {false, false}, "224.0.0.1": {false, false}, "239.1.1.1": {false, false}, "::1": {false, false}, "2001:db8::1": {false, false},
	} {
		a := netip.MustParseAddr(addr)
		if got := [2]bool{oscar.MayDial(public, a), oscar.MayDial(private, a)}; got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if oscar.MayDial(private, netip.Addr{}) {
		t.Error("no address")
	}
}

// Senders that are unreachable connect to the network's proxy.
func TestFileByOurProxy(t *testing.T) {
	elsewhere := startMock(t, oscarmock.Options{})
	if err := elsewhere.ListenProxy("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	data := someBytes(50_000)
	for _, tt := range []struct{ name, proxy, says string }{
		{"they meet", elsewhere.ProxyAddr(), ""},
		{"no proxy", closedAddr(t), "nor the file proxy"},
		{"no frames", elsewhere.Addr(), "file proxy refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := newFileStage(t, func(o *oscar.Options, _ *legacy.Env) { o.FileProxy = tt.proxy })
			tr := st.offer(oscarmock.FileOffer{Files: []oscarmock.File{file("a.bin", data)}, Fault: oscarmock.FileHidden, ProxyAddr: tt.proxy})
			m := st.told()
			if tt.says != "" {
				if !strings.Contains(m.Text, tt.says) {
					t.Errorf("the user reads %q", m.Text)
				}
				if err := st.over(tr); !errors.Is(err, oscarmock.ErrFileDeclined) {
					t.Errorf("the transfer has ended with %v", err)
				}
				return
			}
			if got, ok := st.get("a.bin"); m.URL == "" || !ok || !bytes.Equal(got, data) {
				t.Errorf("the user reads %+v, %d bytes have come", m, len(got))
			}
			if err := st.over(tr); err != nil {
				t.Error(err)
			}
		})
	}
}

// closedAddr returns an address without a listener.
func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
