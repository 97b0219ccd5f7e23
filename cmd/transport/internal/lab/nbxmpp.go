package lab

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed nbxmpp_probe.py
var nbxmppProbe string

// NBXMPP is a user's connection to an XMPP server with nbxmpp, Gajim's library. It reports
// the library's parsed result of each stanza. Any goroutine may call its methods.
type NBXMPP struct {
	JID    string       // full
	Roster []RosterItem // at login

	process *Process
	stdin   io.WriteCloser
	errors  bytes.Buffer // Python's stderr; read after the process has ended
	reading chan struct{}

	mu       sync.Mutex // guards the fields below
	changed  chan struct{}
	commands int
	answers  map[int]probeAnswer
	events   []*ProbeEvent // recorded, not returned by Expect yet
	history  []*ProbeEvent // all
	warnings []string
	ended    error
}

type probeAnswer struct {
	result json.RawMessage
	err    *ProbeError
}

// python is the interpreter of Debian's packages; PATH may have another one first.
const python = "/usr/bin/python3"

// hasNBXMPP returns ErrMissing, with the way to install it, if the library is not
// installed.
var hasNBXMPP = sync.OnceValue(func() error {
	if err := exec.Command(python, "-c", "import nbxmpp.client").Run(); err != nil {
		return fmt.Errorf("lab: nbxmpp is %w: on Debian or Ubuntu, apt-get install python3-nbxmpp", ErrMissing)
	}
	return nil
})

// DialNBXMPP logs a user in, without encryption, and fetches the roster. It sends no
// presence. The caller must call Close.
func DialNBXMPP(ctx context.Context, addr, jid, password string) (*NBXMPP, error) {
	if err := hasNBXMPP(); err != nil {
		return nil, err
	}
	cmd := exec.Command(python, "-c", nbxmppProbe)
	cmd.Env = append(cmd.Environ(), "PYTHONUNBUFFERED=1", "LC_ALL=C.UTF-8")
	n := &NBXMPP{reading: make(chan struct{}), changed: make(chan struct{}), answers: make(map[int]probeAnswer)}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	stdout, out := io.Pipe()
	n.stdin, cmd.Stdout, cmd.Stderr = stdin, out, &n.errors
	if n.process, err = Start(cmd); err != nil {
		return nil, err
	}
	go n.read(stdout)
	go func() {
		<-n.process.Done()
		out.Close()
	}()
	var signedOn struct {
		JID    string
		Roster struct{ Items []RosterItem }
	}
	err = n.command(ctx, "connect", map[string]any{"host": addr, "jid": jid, "password": password}, &signedOn)
	if err != nil {
		n.Close()
		return nil, fmt.Errorf("lab: sign on as %s: %w", jid, err)
	}
	n.JID, n.Roster = signedOn.JID, signedOn.Roster.Items
	return n, nil
}

// read records the probe's output until the probe ends.
func (n *NBXMPP) read(stdout io.Reader) {
	defer close(n.reading)
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			n.end(fmt.Errorf("the probe ended: %s", tail(n.errors.String(), 10)))
			return
		}
		e := new(ProbeEvent)
		if err := json.Unmarshal(line, e); err != nil {
			n.end(fmt.Errorf("invalid line of the probe: %s: %w", line, err))
			_, _ = io.Copy(io.Discard, lines)
			return
		}
		n.take(e)
	}
}

func (n *NBXMPP) take(e *ProbeEvent) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch e.Kind {
	case "done":
		n.answers[e.N] = probeAnswer{e.Result, e.Error}
	case "warning":
		n.warnings = latest(append(n.warnings, e.Text))
	case "ended":
		if n.ended == nil {
			n.ended = fmt.Errorf("the stream ended: %s", e.Text)
		}
	default:
		n.events = latest(append(n.events, e))
		n.history = latest(append(n.history, e))
	}
	close(n.changed)
	n.changed = make(chan struct{})
}

// latest returns the last maxReceived entries of a record.
func latest[T any](record []T) []T { return record[max(0, len(record)-maxReceived):] }

func (n *NBXMPP) end(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended == nil {
		n.ended = err
	}
	close(n.changed)
	n.changed = make(chan struct{})
}

// await waits until a condition holds; it holds n.mu while it evaluates the condition.
func (n *NBXMPP) await(ctx context.Context, so func() bool) error {
	for {
		n.mu.Lock()
		ok, changed, ended := so(), n.changed, n.ended
		n.mu.Unlock()
		switch {
		case ok:
			return nil
		case ended != nil:
			return ended
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// command sends a command to the probe and waits for its result. An error of nbxmpp is a
// *ProbeError.
func (n *NBXMPP) command(ctx context.Context, do string, arguments map[string]any, result any) error {
	n.mu.Lock()
	n.commands++
	number := n.commands
	n.mu.Unlock()
	line := map[string]any{"n": number, "do": do}
	for name, value := range arguments {
		line[name] = value
	}
	data, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if _, err := n.stdin.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	var answer probeAnswer
	err = n.await(ctx, func() bool {
		a, ok := n.answers[number]
		answer = a
		delete(n.answers, number)
		return ok
	})
	switch {
	case err != nil:
		return fmt.Errorf("lab: %s %s by nbxmpp: %w", do, data, err)
	case answer.err != nil:
		return answer.err
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(answer.result, result); err != nil {
		return fmt.Errorf("lab: %s answers %s: %w", do, answer.result, err)
	}
	return nil
}

// Presence sends presence with entity capabilities, like Gajim. show "" is online.
func (n *NBXMPP) Presence(ctx context.Context, show, status string) error {
	arguments := map[string]any{}
	if show != "" {
		arguments["show"] = show
	}
	if status != "" {
		arguments["status"] = status
	}
	return n.command(ctx, "presence", arguments, nil)
}

// Join joins a room, like Gajim.
func (n *NBXMPP) Join(ctx context.Context, room, nick string) error {
	return n.command(ctx, "join", map[string]any{"room": room, "nick": nick}, nil)
}

// Send sends a stanza given as XML, without a namespace.
func (n *NBXMPP) Send(ctx context.Context, stanza string) error {
	return n.command(ctx, "send", map[string]any{"xml": stanza}, nil)
}

// Call calls a method of one of nbxmpp's modules and waits for the end of its task. Some
// arguments must be made by JIDArgument, Form.Fill, AdHocStep.Argument and the like.
// result may be nil.
func (n *NBXMPP) Call(ctx context.Context, result any, module, method string, arguments ...any) error {
	if arguments == nil {
		arguments = []any{}
	}
	return n.command(ctx, "call", map[string]any{"module": module, "method": method, "args": arguments}, result)
}

// Ask sends an IQ given as XML, with a form (Form.Fill) unless form is nil. It returns the
// form in the response, nil if there is none.
func (n *NBXMPP) Ask(ctx context.Context, stanza string, form any) (*Form, error) {
	var answer struct{ Form *Form }
	if err := n.command(ctx, "ask", map[string]any{"xml": stanza, "form": form}, &answer); err != nil {
		return nil, err
	}
	return answer.Form, nil
}

// Caps queries the disco#info of a caps hash (XEP-0115), and lets nbxmpp verify the hash,
// like Gajim.
func (n *NBXMPP) Caps(ctx context.Context, jid, node string) (*DiscoInfo, error) {
	var info DiscoInfo
	if err := n.command(ctx, "caps", map[string]any{"jid": jid, "node": node}, &info); err != nil {
		return nil, err
	}
	return &info, nil
}

// Expect waits for a matching event, removes it from the record and returns it. Earlier
// events stay recorded. what describes the event in an error.
func (n *NBXMPP) Expect(ctx context.Context, what string, fits func(*ProbeEvent) bool) (*ProbeEvent, error) {
	var found *ProbeEvent
	err := n.await(ctx, func() bool {
		for i, e := range n.events {
			if fits(e) {
				found = e
				n.events = append(n.events[:i:i], n.events[i+1:]...)
				return true
			}
		}
		return false
	})
	if err != nil {
		var lines []string
		for _, e := range n.Events() {
			lines = append(lines, e.XML)
		}
		lines = append(lines, n.Warnings()...)
		return nil, fmt.Errorf("lab: %s waits for %s: %w; received:\n%s", n.JID, what, err, tail(strings.Join(lines, "\n"), 25))
	}
	return found, nil
}

// Events returns the recorded events that Expect has not returned, in order.
func (n *NBXMPP) Events() []*ProbeEvent {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

// History returns all events, in order.
func (n *NBXMPP) History() []*ProbeEvent {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.history)
}

// Forget drops all events.
func (n *NBXMPP) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events, n.history = nil, nil
}

// Warnings returns nbxmpp's warnings about stanzas that it could not use.
func (n *NBXMPP) Warnings() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.warnings)
}

// Close ends the connection.
func (n *NBXMPP) Close() {
	n.stdin.Close()
	if err := n.process.Terminate(time.Second); err != nil {
		n.process.Kill()
	}
	<-n.reading
}
