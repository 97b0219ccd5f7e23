package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// others are the people at the other end of the client's conversations: Bob on ICQ, and
// users of IRC. The walks, which are programs of their own, direct them by
// HTTP. What is waited for answers 200 with what came, or 504 with what came instead.
type others struct {
	st     *stage
	url    string
	irc    string // the server's host:port
	server *http.Server
	stop   context.CancelFunc // ends the requests

	mu     sync.Mutex // guards what follows
	peers  map[string]*ircPeer
	heard  []string // of Bob, not asked for yet
	news   chan struct{}
	typing int // how often the walks have asked for Alice's typing
}

// patience is how long what is waited for may take.
const patience = 15 * time.Second

func newOthers(st *stage) (*others, error) {
	o := &others{st: st, irc: st.ircd.Addr, peers: make(map[string]*ircPeer), news: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o.url = "http://" + l.Addr().String()
	mux := http.NewServeMux()
	for path, h := range map[string]func(context.Context, *http.Request) (string, error){
		"/icq/say":    o.icqSay,
		"/icq/typing": o.icqTyping,
		"/icq/heard":  o.icqHeard,
		"/icq/typed":  o.icqTyped,
		"/irc/line":   o.ircLine,
		"/irc/heard":  o.ircHeard,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), patience)
			defer cancel()
			answer, err := h(ctx, r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusGatewayTimeout)
				return
			}
			fmt.Fprint(w, answer)
		})
	}
	var ctx context.Context
	ctx, o.stop = context.WithCancel(context.Background())
	o.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	st.running.Go(func() { _ = o.server.Serve(l) }) // it ends with the stage
	st.running.Go(func() { o.listen(ctx) })
	return o, nil
}

// listen records the messages to Bob.
func (o *others) listen(ctx context.Context) {
	for {
		select {
		case m := <-o.st.bob.Messages():
			o.mu.Lock()
			o.heard = append(o.heard, m.Text)
			close(o.news)
			o.news = make(chan struct{})
			o.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

func (o *others) icqSay(_ context.Context, r *http.Request) (string, error) {
	return "", o.st.bob.Send(aliceUIN, r.FormValue("text"))
}

func (o *others) icqTyping(_ context.Context, r *http.Request) (string, error) {
	event := oscarwire.TypingBegun
	if r.FormValue("on") == "" {
		event = oscarwire.TypingNone
	}
	o.st.bob.SetTyping(aliceUIN, event)
	return "", nil
}

// icqHeard waits until Bob has heard something, and takes it.
func (o *others) icqHeard(ctx context.Context, r *http.Request) (string, error) {
	pattern, err := regexp.Compile(r.FormValue("pattern"))
	if err != nil {
		return "", err
	}
	for {
		o.mu.Lock()
		for i, text := range o.heard {
			if pattern.MatchString(text) {
				o.heard = append(o.heard[:i:i], o.heard[i+1:]...)
				o.mu.Unlock()
				return text, nil
			}
		}
		heard, news := strings.Join(o.heard, "\n"), o.news
		o.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return "", fmt.Errorf("not heard by Bob: %q, but %q", pattern, heard)
		}
	}
}

// icqTyped waits until Alice has begun to type once more than when it was last asked.
func (o *others) icqTyped(ctx context.Context, _ *http.Request) (string, error) {
	o.mu.Lock()
	o.typing++
	times := o.typing
	o.mu.Unlock()
	return "", o.st.bob.WaitTyping(ctx, aliceUIN, times)
}

// ircLine has somebody on IRC send a line. They connect for their first.
func (o *others) ircLine(ctx context.Context, r *http.Request) (string, error) {
	p, err := o.peer(ctx, r.FormValue("nick"))
	if err == nil {
		err = p.send(r.FormValue("line"))
	}
	return "", err
}

// ircHeard waits until somebody on IRC has got a line that fits, and takes it and all
// before it.
func (o *others) ircHeard(ctx context.Context, r *http.Request) (string, error) {
	pattern, err := regexp.Compile(r.FormValue("pattern"))
	if err != nil {
		return "", err
	}
	p, err := o.peer(ctx, r.FormValue("nick"))
	if err != nil {
		return "", err
	}
	return p.wait(ctx, pattern)
}

func (o *others) peer(ctx context.Context, nick string) (*ircPeer, error) {
	o.mu.Lock()
	p := o.peers[nick]
	o.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := o.dialIRC(ctx, nick)
	if err == nil {
		o.mu.Lock()
		o.peers[nick] = p
		o.mu.Unlock()
	}
	return p, err
}

func (o *others) close() error {
	o.stop()
	errs := []error{shutdown(o.server)}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.peers {
		errs = append(errs, p.conn.Close())
	}
	return errors.Join(errs...)
}

// ircPeer is a user of IRC, line by line.
type ircPeer struct {
	conn net.Conn

	mu    sync.Mutex // guards what follows
	lines []string   // not asked for yet
	news  chan struct{}
}

// dialIRC signs somebody on and waits for the welcome.
func (o *others) dialIRC(ctx context.Context, nick string) (*ircPeer, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", o.irc)
	if err != nil {
		return nil, err
	}
	p := &ircPeer{conn: conn, news: make(chan struct{})}
	o.st.running.Go(p.read)
	err = p.send("NICK " + nick + "\r\nUSER " + nick + " 0 * :" + nick)
	if err == nil {
		_, err = p.wait(ctx, regexp.MustCompile(` 001 `))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return p, nil
}

func (p *ircPeer) send(line string) error {
	_, err := fmt.Fprint(p.conn, line+"\r\n")
	return err
}

func (p *ircPeer) read() {
	for lines := bufio.NewScanner(p.conn); lines.Scan(); {
		line := lines.Text()
		if token, ok := strings.CutPrefix(line, "PING"); ok {
			if p.send("PONG"+token) != nil {
				return
			}
			continue
		}
		p.mu.Lock()
		p.lines = append(p.lines, line)
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
	}
}

func (p *ircPeer) wait(ctx context.Context, pattern *regexp.Regexp) (string, error) {
	for {
		p.mu.Lock()
		for i, line := range p.lines {
			if pattern.MatchString(line) {
				p.lines = p.lines[i+1:]
				p.mu.Unlock()
				return line, nil
			}
		}
		lines, news := strings.Join(p.lines, "\n"), p.news
		p.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return "", fmt.Errorf("no line %q came to IRC, but:\n%s", pattern, lines)
		}
	}
}
