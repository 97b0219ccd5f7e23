package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
)

// person is a user of the gateway with an XMPP client, which connects again whenever it has
// lost its connection. Any goroutine may call its methods.
type person struct {
	ledger *ledger
	addr   string // of the XMPP server
	number int
	jid    string      // bare
	room   string      // the user's own channel
	away   atomic.Bool // the client stays offline

	fetching sync.WaitGroup // files

	mu         sync.Mutex  // guards the fields below
	client     *lab.Client // nil while offline
	asked      int
	answers    map[string]chan *element.Element // to IQ requests, by id
	joined     bool
	joinAt     time.Time       // when the next join may be sent
	registered map[string]bool // domains
}

const (
	answerLimit = 5 * time.Second  // for an IQ
	joinLimit   = 10 * time.Second // for the answer to a join, each of which brings the whole history
)

func newPerson(l *ledger, addr string, number int) *person {
	return &person{ledger: l, addr: addr, number: number, jid: localpart(number) + "@" + host, room: channel(number) + "@" + ircDomain,
		answers: make(map[string]chan *element.Element), registered: make(map[string]bool)}
}

// run keeps the client connected until ctx ends.
func (p *person) run(ctx context.Context) {
	defer p.fetching.Wait()
	for ctx.Err() == nil {
		if !p.away.Load() {
			p.visit(ctx)
		}
		wait(ctx, 200*time.Millisecond)
	}
}

// visit makes one connection, and serves it until it ends.
func (p *person) visit(ctx context.Context) {
	dialing, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, err := lab.Dial(dialing, p.addr, p.jid+"/one", password)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.client, p.joined, p.joinAt = client, false, time.Time{}
	p.mu.Unlock()
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{})
	defer close(done)
	wg.Go(func() { p.keepJoined(ctx, done) })
	defer func() {
		p.mu.Lock()
		p.client = nil
		p.mu.Unlock()
		client.Kill()
	}()
	p.sendXML("<presence/>")
	for {
		e, err := client.Expect(ctx, "anything", func(*element.Element) bool { return true })
		if err != nil {
			return
		}
		p.handle(ctx, e)
	}
}

// keepJoined joins the channel whenever the client is not in it. Like real clients, it finds
// that out by pings to itself, but more often. (XEP-0410)
func (p *person) keepJoined(ctx context.Context, done <-chan struct{}) {
	self := p.room + "/" + localpart(p.number)
	for {
		p.mu.Lock()
		joined, early := p.joined, time.Now().Before(p.joinAt)
		p.mu.Unlock()
		var refused *lab.IQError
		if joined {
			_, err := p.ask(ctx, "get", self, "<ping xmlns='urn:xmpp:ping'/>")
			joined = !errors.As(err, &refused)
		}
		if !joined && !early {
			p.mu.Lock()
			p.joined, p.joinAt = false, time.Now().Add(joinLimit)
			p.mu.Unlock()
			p.sendXML("<presence to='" + self + "'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='100'/></x></presence>")
		}
		select {
		case <-time.After(time.Second):
		case <-done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// rejoin makes the client join its channel again.
func (p *person) rejoin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.joined, p.joinAt = false, time.Time{}
}

// sendXML sends a stanza. It reports whether that was possible.
func (p *person) sendXML(stanza string) bool {
	p.mu.Lock()
	client := p.client
	p.mu.Unlock()
	if client == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	return client.SendXML(ctx, stanza) == nil
}

// say sends a numbered message.
func (p *person) say(dir direction, domain, to, typ string) {
	n := p.ledger.send(dir, p.jid, domain, time.Now())
	if !p.sendXML(fmt.Sprintf("<message to='%s' type='%s' id='%s'><body>%s</body></message>", to, typ, stanzaID(n), mark(n))) {
		p.ledger.unsend(n)
	}
}

// ask sends an IQ and waits for the answer.
func (p *person) ask(ctx context.Context, typ, to, payload string) (*element.Element, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	answer := make(chan *element.Element, 1)
	p.mu.Lock()
	p.asked++
	id := fmt.Sprint("ask", p.asked)
	p.answers[id] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.answers, id)
	}()
	if !p.sendXML(fmt.Sprintf("<iq type='%s' to='%s' id='%s'>%s</iq>", typ, to, id, payload)) {
		return nil, errors.New("offline")
	}
	select {
	case e := <-answer:
		if e.Attr("type") == "error" {
			return nil, &lab.IQError{Stanza: e}
		}
		return e, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// register registers the user with an ICQ network.
func (p *person) register(ctx context.Context, domain string) error {
	_, err := p.ask(ctx, "set", domain, "<query xmlns='jabber:iq:register'><username>"+uin(p.number)+"</username><password>icqpass</password></query>")
	if err != nil {
		return fmt.Errorf("%s registers with %s: %w", p.jid, domain, err)
	}
	p.mu.Lock()
	p.registered[domain] = true
	p.mu.Unlock()
	return nil
}

// isUp reports whether the client is online and in its channel.
func (p *person) isUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.client != nil && p.joined
}

// isRegistered reports whether the user is registered with the rate-limited network.
func (p *person) isRegistered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.registered[slowDomain]
}

// leave closes the stream properly and stays offline until come.
func (p *person) leave() {
	p.away.Store(true)
	p.mu.Lock()
	client := p.client
	p.client = nil
	p.mu.Unlock()
	if client != nil {
		_ = client.Close() // an error is an early end
	}
}

func (p *person) come() { p.away.Store(false) }

// handle handles a stanza.
func (p *person) handle(ctx context.Context, e *element.Element) {
	from, typ := e.Attr("from"), e.Attr("type")
	bare, resource, _ := strings.Cut(from, "/")
	switch e.Name {
	case "iq":
		p.mu.Lock()
		answer := p.answers[e.Attr("id")]
		p.mu.Unlock()
		if answer != nil && (typ == "result" || typ == "error") {
			select {
			case answer <- e:
			default: // answered twice
			}
		}
	case "presence":
		switch {
		case bare == p.room && (resource == localpart(p.number) || strings.Contains(e.String(), "code='110'")):
			p.mu.Lock()
			p.joined = typ == ""
			p.mu.Unlock()
		case bare == p.room && typ == "error":
			p.rejoin()
		case typ == "subscribe":
			p.sendXML("<presence to='" + bare + "' type='subscribed'/>")
			p.sendXML("<presence to='" + bare + "' type='subscribe'/>")
		}
	case "message":
		p.handleMessage(ctx, e, bare, resource)
	}
}

// handleMessage records a message in the ledger.
func (p *person) handleMessage(ctx context.Context, e *element.Element, bare, resource string) {
	now, id := time.Now(), e.Attr("id")
	text := e.ChildText(lab.NSClient, "body")
	switch {
	case e.Attr("type") == "error":
		p.ledger.refuse(p.jid, id, isUnsure(e.Child(lab.NSClient, "error").ChildText("urn:ietf:params:xml:ns:xmpp-stanzas", "text")), now)
		if e.Attr("from") == p.room {
			p.rejoin()
		}
	case !strings.Contains(bare, "@"): // the gateway itself
		p.handleReport(bare, text, now)
	default:
		if e.Attr("type") == "groupchat" && resource == localpart(p.number) {
			return // the reflection
		}
		if link := e.Child("jabber:x:oob", "x").ChildText("jabber:x:oob", "url"); link != "" {
			p.fetching.Go(func() { p.fetch(ctx, link, id) })
			return
		}
		history := e.Attr("type") == "groupchat" && e.Child("urn:xmpp:delay", "delay") != nil
		for _, n := range marksIn(text) {
			switch dir, user := p.ledger.receiver(n); {
			case user != p.jid:
			case dir == fromFile: // why it was not received
				p.ledger.tell(user, n, undelivered, now)
			case dir.toXMPP():
				p.ledger.deliver(n, id, history, now)
			}
		}
	}
}

// handleReport records a message of the gateway about the user's messages.
func (p *person) handleReport(domain, text string, now time.Time) {
	if strings.HasPrefix(text, "The gateway was interrupted") {
		p.ledger.warn(p.jid, domain, warning{at: now, incoming: strings.Contains(text, "sent to you")})
		return
	}
	if found := silencePattern.FindStringSubmatch(text); found != nil {
		p.ledger.warn(p.jid, domain, warning{at: now, since: clockTime(found[1], now)})
		return
	}
	if found := refusalPattern.FindStringSubmatch(text); found != nil {
		n := number{user: p.jid, domain: domain, count: 1}
		if found[1] != "A" {
			n.count, _ = strconv.Atoi(found[1]) // digits
		}
		n.from = clockTime(found[2], now)
		n.to = n.from
		if found[3] != "" {
			n.to = clockTime(found[3], now)
		}
		// The gateway gives the seconds at which it read them.
		n.from, n.to = n.from.Add(-30*time.Second), n.to.Add(2*time.Second)
		p.ledger.tellNumber(n, now)
		return
	}
	r := noReport
	switch {
	case isUnsure(text):
		r = uncertain
	case strings.Contains(text, "not delivered"):
		r = undelivered
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "> ") {
			for _, n := range marksIn(line) {
				p.ledger.tell(p.jid, n, r, now)
			}
		}
	}
}

var (
	silencePattern = regexp.MustCompile(`^The connection between your XMPP server and the gateway failed .* since (\d\d:\d\d:\d\d) UTC`)
	refusalPattern = regexp.MustCompile(`^(A|\d+) messages? that you sent (?:at|from) (\d\d:\d\d:\d\d)(?: to (\d\d:\d\d:\d\d))? UTC (?:was|were) not delivered`)
)

// clockTime returns the last time before now at which a clock shows a time of day.
func clockTime(text string, now time.Time) time.Time {
	of, err := time.Parse(time.TimeOnly, text)
	if err != nil {
		return now
	}
	utc := now.UTC()
	t := time.Date(utc.Year(), utc.Month(), utc.Day(), of.Hour(), of.Minute(), of.Second(), 0, time.UTC)
	if t.After(now) {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// isUnsure reports whether a text says that a message may have arrived.
func isUnsure(text string) bool { return strings.Contains(text, "may not have arrived") }

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
