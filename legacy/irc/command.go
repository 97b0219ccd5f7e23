package irc

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// commands are the IRC-specific commands.
var commands = []legacy.Command{
	{Name: "raw", Label: "Send a raw IRC line", At: legacy.AtService, Raw: true,
		Form: []legacy.Field{{Var: "line", Label: "Line", Required: true}}},
	{Name: "get-irc-connection-info", Label: "Show the state of the connection", At: legacy.AtService},
	{Name: "disconnect-from-irc-server", Label: "Disconnect from this server", At: legacy.AtService,
		Form: []legacy.Field{{Var: "quit-message", Label: "Message", Default: "Leaving"}}},
	{Name: "whois", Label: "Show WHOIS information", At: legacy.AtPerson},
}

// gatewayCommands are the commands for all servers of a user, offered at the gateway
// itself.
var gatewayCommands = []legacy.Command{
	{Name: "disconnect-from-irc-server", Label: "Disconnect from servers", At: legacy.AtGateway,
		Form: []legacy.Field{{Var: "irc-servers", Label: "Servers (leave empty for all)", Type: legacy.FieldLines}, {Var: "quit-message", Label: "Message", Default: "Leaving"}}},
}

// disconnectFrom closes the connections to the given servers, or all connections if
// there are none. It never waits: a goroutine of the session emits CommandDone once
// every link has handled the request.
func (s *session) disconnectFrom(ref string, servers []string, reason string) error {
	var asked []string
	var heard sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	for server, l := range s.links {
		if len(servers) > 0 && !slices.Contains(servers, server) || s.life == nil {
			continue
		}
		heard.Add(1)
		if l.queue.push(command{do: func(c *client) { c.disconnect(reason); heard.Done() }, fail: func(error) { heard.Done() }}) {
			asked = append(asked, server)
		} else {
			heard.Done()
		}
	}
	if asked == nil {
		return legacy.Errorf(legacy.Offline, "You are not connected to any of these servers.")
	}
	slices.Sort(asked)
	s.wg.Go(func() {
		heard.Wait()
		s.env.Emit(legacy.CommandDone{Ref: ref, Text: "You have been disconnected from " + strings.Join(asked, ", ") + "."})
	})
	return nil
}

// command executes a command on the link's goroutine.
func (c *client) command(ref, target, name string, args map[string]string) {
	done := func(text string) { c.emit(legacy.CommandDone{Ref: ref, Text: text}) }
	switch name {
	case "raw":
		c.postponeIdle()
		if err := c.rawLine(args["line"]); err != nil {
			c.emit(legacy.CommandDone{Ref: ref, Err: err})
			return
		}
		c.raw.refs = append(c.raw.refs, ref)
	case "whois":
		c.lookups.whois(target, whoisAsk{commands: []string{ref}})
	case "get-irc-connection-info":
		done(c.info())
	case "disconnect-from-irc-server":
		done("You are being disconnected.")
		c.disconnect(args["quit-message"])
	default:
		c.emit(legacy.CommandDone{Ref: ref, Err: legacy.Errorf(legacy.Unsupported, "There is no such command.")})
	}
}

// disconnect closes the connection and prevents a reconnect.
func (c *client) disconnect(reason string) {
	reason = ircwire.Plain(cleanLine(reason))
	for _, ch := range c.channels.byName {
		ch.forget()
		c.emit(legacy.RoomLeft{Room: ch.peer, Reason: reason})
	}
	c.quitReason, c.closing = c.encode(reason), true
}

// info describes the state of the connection for the user.
func (c *client) info() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Connected to IRC server %s on port %s since %s", c.target.host, c.target.port, c.since.UTC().Format("2006-01-02 15:04:05 UTC"))
	if t, ok := c.conn.Conn.(*tls.Conn); ok {
		state := t.ConnectionState()
		fmt.Fprintf(&b, " (%s, %s)", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	} else {
		b.WriteString(" (without TLS)")
	}
	fmt.Fprintf(&b, ".\nNick: %s.", c.nick)
	if c.noNickServ {
		b.WriteString(" There is no NickServ here: the password of your account was not used.")
	}
	if c.lag > 0 {
		fmt.Fprintf(&b, " Lag: %s.", c.lag.Round(time.Millisecond))
	}
	if n := c.out.waiting(); n > 0 {
		fmt.Fprintf(&b, " Lines waiting to be sent: %d.", n)
	}
	var names []string
	for _, ch := range c.channels.byName {
		names = append(names, ch.name)
	}
	slices.Sort(names)
	fmt.Fprintf(&b, "\nChannels: %d %s", len(names), strings.Join(names, " "))
	return strings.TrimSpace(b.String())
}

// rawAnswer collects the server's replies to raw lines of the user.
type rawAnswer struct {
	until time.Time // zero while no reply is expected; on the clock of unblockedNow, like last
	last  time.Time // time of the last reply, zero for none yet
	lines []string
	refs  []string // of legacy.CommandDone; none for a raw line sent as a message
}

const (
	rawTime  = 3 * time.Second        // deadline of the first reply
	rawPause = 250 * time.Millisecond // silence that ends the answer
	maxRaw   = 100                    // limit: lines in the answer to a raw line | the rest is dropped
)

// rawLine sends a raw line of the user. It fails if the line is empty, or the queue full.
func (c *client) rawLine(line string) error {
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(cleanLine(line)), "/"))
	if line == "" {
		return legacy.Errorf(legacy.Unsupported, "The line is empty. Write an IRC command, for example LUSERS.")
	}
	if word, reason, _ := strings.Cut(line, " "); strings.EqualFold(word, "QUIT") { // an unexpected end would make the link reconnect
		c.disconnect(strings.TrimPrefix(strings.TrimSpace(reason), ":"))
		return nil
	}
	c.raw.until = c.unblockedNow().Add(rawTime)
	if !c.send(c.encode(line)) {
		return c.link.busy()
	}
	return nil
}

// collect collects a reply to a raw line. It reports whether the line needs no other
// handling.
func (r *rawAnswer) collect(c *client, m ircwire.Message) bool {
	if r.until.IsZero() || !isNumeric(m.Command) || m.Command == "353" && c.channels.byName[c.fold(m.Param(2))] != nil {
		return false
	}
	if ch := c.channels.byName[c.fold(m.Param(1))]; ch != nil && ch.parting && notThere(m.Command) {
		return false
	}
	r.last = c.unblockedNow()
	if len(r.lines) < maxRaw && len(m.Params) > 1 {
		r.lines = append(r.lines, ircwire.Plain(strings.Join(m.Params[1:], " ")))
	}
	return isError(m.Command) && len(c.pending.waiting) == 0
}

// emitWhenDone emits the answer once it is complete. It returns the time of the next check.
func (r *rawAnswer) emitWhenDone(c *client, now time.Time) time.Time {
	if r.until.IsZero() {
		return time.Time{}
	}
	at := r.until
	switch {
	case len(r.lines) >= maxRaw: // the answer may be endless
		at = now
	case !r.last.IsZero():
		at = r.last.Add(rawPause)
	}
	if now.Before(at) {
		return at
	}
	r.end(c)
	return time.Time{}
}

// end emits the lines collected so far.
func (r *rawAnswer) end(c *client) {
	text := strings.Join(r.lines, "\n")
	switch {
	case len(r.refs) > 0:
		if text == "" {
			text = "Sent. The server did not answer."
		}
		for _, ref := range r.refs {
			c.emit(legacy.CommandDone{Ref: ref, Text: text})
		}
	case text != "":
		c.emit(legacy.Notice{From: c.service(), Text: text})
	}
	*r = rawAnswer{}
}
