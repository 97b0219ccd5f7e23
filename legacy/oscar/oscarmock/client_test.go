package oscarmock_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

const (
	alice    = "100001"
	bob      = "100002"
	carol    = "Carol Smith"
	password = "correct horse"
)

// patience is the time limit of an expected event.
const patience = 20 * time.Second

// within returns a context with that time limit.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// clock is a clock that only tests advance.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2004, 5, 6, 7, 8, 9, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func start(t testing.TB, o oscarmock.Options) *oscarmock.Network {
	t.Helper()
	n := oscarmock.New(o)
	t.Cleanup(n.Close)
	for _, a := range []oscarmock.Account{
		{Name: alice, Nick: "Alice", First: "Alice", Last: "Liddell", Email: "alice@example.net"},
		{Name: bob, Nick: "Bob", Email: "bob@example.net"}, {Name: carol},
	} {
		a.Password = password
		n.AddAccount(a)
	}
	if err := n.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return n
}

// client is a scripted client.
type client struct {
	t       testing.TB
	nc      net.Conn
	fr      *oscarwire.FrameReader
	fw      *oscarwire.FrameWriter
	request uint32
}

func newClient(t testing.TB, nc net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{t: t, nc: nc, fr: oscarwire.NewFrameReader(bufio.NewReader(nc), 0), fw: oscarwire.NewFrameWriter(nc, 1)}
}

// dial connects, and reads the network's first frame.
func dial(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, nc)
	if f := c.read(); f.Channel != oscarwire.ChannelSignOn {
		t.Fatalf("the first frame is of channel %d", f.Channel)
	}
	return c
}

func (c *client) read() oscarwire.Frame {
	c.t.Helper()
	f, err := c.fr.ReadFrame()
	if err != nil {
		c.t.Fatalf("reading: %v", err)
	}
	return f
}

func (c *client) write(ch uint8, payload oscarwire.Appender) {
	c.t.Helper()
	if err := c.fw.WriteFrame(ch, payload); err != nil {
		c.t.Fatalf("writing: %v", err)
	}
}

// send sends a SNAC and returns its request id.
func (c *client) send(id oscarwire.ID, body oscarwire.Appender) uint32 {
	c.t.Helper()
	c.request++
	if err := c.fw.WriteSNAC(oscarwire.Header{ID: id, RequestID: c.request}, body); err != nil {
		c.t.Fatalf("writing %v: %v", id, err)
	}
	return c.request
}

// expect returns the next SNAC of that kind; it skips others.
func (c *client) expect(id oscarwire.ID) oscarwire.SNAC {
	c.t.Helper()
	for {
		f, err := c.fr.ReadFrame()
		if err != nil {
			c.t.Fatalf("waiting for %v: %v", id, err)
		}
		if f.Channel != oscarwire.ChannelData {
			continue
		}
		s, err := f.SNAC()
		if err != nil {
			c.t.Fatalf("waiting for %v: %v", id, err)
		}
		if s.ID == id {
			return s
		}
	}
}

// ask sends a SNAC and returns its answer.
func (c *client) ask(id oscarwire.ID, body oscarwire.Appender, answer oscarwire.ID) oscarwire.SNAC {
	c.t.Helper()
	request := c.send(id, body)
	s := c.expect(answer)
	if s.RequestID != request {
		c.t.Fatalf("%v answers request %d, want %d", answer, s.RequestID, request)
	}
	return s
}

// sync waits until everything sent before is handled, and returns the SNACs received.
func (c *client) sync() (came []oscarwire.SNAC) {
	c.t.Helper()
	request := c.send(oscarwire.ServiceSelfQuery, nil)
	for {
		s, err := c.read().SNAC()
		if err != nil {
			continue
		}
		if s.ID == oscarwire.ServiceSelfInfo && s.RequestID == request {
			return came
		}
		came = append(came, s)
	}
}

// none fails the test if a SNAC of that kind was received.
func none(t testing.TB, came []oscarwire.SNAC, id oscarwire.ID) {
	t.Helper()
	for _, s := range came {
		if s.ID == id {
			t.Errorf("%v came: %x", s.ID, s.Body)
		}
	}
}

// end returns the frames until the connection ends.
func (c *client) end() (frames []oscarwire.Frame) {
	c.t.Helper()
	for {
		f, err := c.fr.ReadFrame()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.t.Fatal("the connection does not end")
		}
		if err != nil {
			return frames
		}
		frames = append(frames, f)
	}
}

// parse parses a body that must be valid.
func parse[T any](t testing.TB, parser func([]byte) (T, error), s oscarwire.SNAC) T {
	t.Helper()
	v, err := parser(s.Body)
	if err != nil {
		t.Fatalf("%v: %v", s.ID, err)
	}
	return v
}

// login requests a cookie from the authorizer.
type login func(t testing.TB, addr, name, pass string, multi uint8) oscarwire.LoginReply

func md5(strong bool) login {
	return func(t testing.TB, addr, name, pass string, multi uint8) oscarwire.LoginReply {
		t.Helper()
		c := dial(t, addr)
		c.write(oscarwire.ChannelSignOn, oscarwire.Hello())
		key := parse(t, oscarwire.ParseChallenge, c.ask(oscarwire.BUCPChallengeRequest, oscarwire.ChallengeRequest{ScreenName: name}, oscarwire.BUCPChallenge)).Key
		hash := oscarwire.HashWeak(key, []byte(pass))
		if strong {
			hash = oscarwire.HashStrong(key, []byte(pass))
		}
		r := parse(t, oscarwire.ParseLoginReply, c.ask(oscarwire.BUCPLogin,
			oscarwire.Login{ScreenName: name, Hash: hash[:], Strong: strong, MultiConn: multi}, oscarwire.BUCPLoginReply))
		c.end()
		return r
	}
}

func roasted(t testing.TB, addr, name, pass string, multi uint8) oscarwire.LoginReply {
	t.Helper()
	c := dial(t, addr)
	c.write(oscarwire.ChannelSignOn, oscarwire.RoastedSignOn{ScreenName: name, Password: []byte(pass), MultiConn: multi})
	frames := c.end()
	if len(frames) != 1 || frames[0].Channel != oscarwire.ChannelSignOff {
		t.Fatalf("got %v, want one frame of channel 4", frames)
	}
	r, err := oscarwire.ParseLoginReply(frames[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// enter connects to BOS with a cookie, up to 01/03.
func enter(t testing.TB, r oscarwire.LoginReply, multi uint8) *client {
	t.Helper()
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	c := dial(t, r.Addr)
	c.write(oscarwire.ChannelSignOn, oscarwire.CookieSignOn(r.Cookie, multi))
	c.expect(oscarwire.ServiceHostFamilies)
	return c
}

// prepare makes the exchanges before 01/02.
func (c *client) prepare() {
	c.t.Helper()
	c.ask(oscarwire.ServiceClientVersions, oscarwire.FamilyVersions{{Family: 1, Version: 4}}, oscarwire.ServiceHostVersions)
	p := parse(c.t, oscarwire.ParseRateParams, c.ask(oscarwire.ServiceRateQuery, nil, oscarwire.ServiceRateReply))
	c.send(oscarwire.ServiceRateAck, p.ClassIDs())
	for _, q := range []struct{ ask, answer oscarwire.ID }{
		{oscarwire.ServiceSelfQuery, oscarwire.ServiceSelfInfo},
		{oscarwire.LocationRightsQuery, oscarwire.LocationRightsReply},
		{oscarwire.BuddyRightsQuery, oscarwire.BuddyRightsReply},
		{oscarwire.ICBMParamsQuery, oscarwire.ICBMParamsReply},
		{oscarwire.PrivacyRightsQuery, oscarwire.PrivacyRightsReply},
		{oscarwire.FeedbagRightsQuery, oscarwire.FeedbagRightsReply},
		{oscarwire.FeedbagQuery, oscarwire.FeedbagReply},
	} {
		c.ask(q.ask, nil, q.answer)
	}
	c.send(oscarwire.FeedbagUse, nil)
	c.send(oscarwire.ICBMSetParams, oscarwire.ICBMParams{Flags: oscarwire.ICBMDefaultFlags, MaxLen: 8000})
}

// complete sends 01/02.
func (c *client) complete() {
	c.t.Helper()
	c.send(oscarwire.ServiceClientReady, oscarwire.ClientReady{{Family: 1, Version: 4}})
	c.expect(oscarwire.StatsInterval)
}

// signOn signs on, possibly several times at once.
func signOn(t testing.TB, n *oscarmock.Network, name string) *client {
	t.Helper()
	return signOnAs(t, n, name, oscarwire.MultiConnAllow)
}

func signOnAs(t testing.TB, n *oscarmock.Network, name string, multi uint8) *client {
	t.Helper()
	c := enter(t, md5(true)(t, n.Addr(), name, password, multi), multi)
	c.prepare()
	c.complete()
	return c
}

// im sends a plain message, and returns its cookie.
func (c *client) im(to, text string, flags oscarwire.IMFlags) oscarwire.Cookie {
	c.t.Helper()
	cookie := oscarwire.Cookie{byte(c.request >> 8), byte(c.request), 1}
	c.send(oscarwire.ICBMSend, oscarwire.NewOutgoingText(cookie, to, oscarwire.NewIMText(text, oscarwire.Encoder{}, oscarwire.DefaultFeatures), flags))
	return cookie
}

// text returns the next message and its text.
func (c *client) text() (oscarwire.IncomingIM, string) {
	c.t.Helper()
	in := parse(c.t, oscarwire.ParseIncomingIM, c.expect(oscarwire.ICBMIncoming))
	m, err := in.Text()
	if err != nil {
		c.t.Fatal(err)
	}
	return in, m.Text(nil)
}

// buddy returns an item for a contact in group 1, which addBuddy creates.
func buddy(id uint16, name string) oscarwire.FeedbagItem {
	return oscarwire.FeedbagItem{Name: name, GroupID: 1, ItemID: id, Class: oscarwire.FeedbagBuddy}
}

var friends = oscarwire.FeedbagItem{Name: "Friends", GroupID: 1, Class: oscarwire.FeedbagGroup}

// edit edits the list, and returns the results.
func (c *client) edit(op oscarwire.ID, items ...oscarwire.FeedbagItem) oscarwire.FeedbagStatuses {
	c.t.Helper()
	return parse(c.t, oscarwire.ParseFeedbagStatuses, c.ask(op, oscarwire.FeedbagItems(items), oscarwire.FeedbagAck))
}

// arrived returns the next arrival.
func (c *client) arrived() oscarwire.UserInfo {
	c.t.Helper()
	return parse(c.t, oscarwire.ParseUserInfos, c.expect(oscarwire.BuddyArrived))[0]
}

// departed waits for the next departure.
func (c *client) departed(name string) {
	c.t.Helper()
	if u := parse(c.t, oscarwire.ParseUserInfos, c.expect(oscarwire.BuddyDeparted))[0]; u.Name != name {
		c.t.Errorf("%s departed, want %s", u.Name, name)
	}
}

// discard reads and drops everything.
func discard(r io.Reader) { _, _ = io.Copy(io.Discard, r) }
