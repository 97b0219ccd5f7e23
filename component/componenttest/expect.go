package componenttest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"transport/component/element"
)

// Send writes a stanza, or any other text, to the component.
func (s *Server) Send(xml string) {
	s.t.Helper()
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil {
		s.t.Fatalf("there is no link to send %.100s", xml)
	}
	// If the component does not read, fail the test instead of blocking it.
	stuck := time.AfterFunc(s.Patience, func() { conn.Close() })
	defer stuck.Stop()
	if _, err := io.WriteString(conn, xml); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		s.t.Fatalf("cannot send %.100s: %v", xml, err)
	}
}

// wait waits until ok, which is called with mu held, is true.
func (s *Server) wait(ok func() bool, describe func() string) {
	s.t.Helper()
	timeout := time.NewTimer(s.Patience)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("%s; the component sent:%s", describe(), list(s.queue))
		}
	}
}

func list(stanzas []*element.Element) string {
	if len(stanzas) == 0 {
		return " nothing"
	}
	var b strings.Builder
	for _, e := range stanzas {
		b.WriteString("\n\t" + e.String())
	}
	return b.String()
}

// Linked waits until n links have been established since the start.
func (s *Server) Linked(n int) {
	s.t.Helper()
	s.wait(func() bool { return s.links >= n && s.conn != nil },
		func() string { return fmt.Sprintf("%d links, want %d", s.links, n) })
}

// Unlinked waits until there is no link, and returns how the last one ended:
// with io.EOF if the component has closed it politely.
func (s *Server) Unlinked() error {
	s.t.Helper()
	var err error
	s.wait(func() bool { err = s.ended; return s.conn == nil && s.ended != nil },
		func() string { return "the link has not ended" })
	return err
}

// Dialled waits until the component has tried to connect n times.
func (s *Server) Dialled(n int) {
	s.t.Helper()
	s.wait(func() bool { return len(s.dials) >= n },
		func() string { return fmt.Sprintf("%d tries to connect, want %d", len(s.dials), n) })
}

// Expect waits for a stanza that matches the pattern, and takes it out of the
// queue. Stanzas before it stay there.
func (s *Server) Expect(pattern string) *element.Element {
	s.t.Helper()
	want := parse(pattern)
	var found *element.Element
	s.wait(func() bool {
		i := slices.IndexFunc(s.queue, func(e *element.Element) bool { return match(e, want) })
		if i >= 0 {
			found = s.queue[i]
			s.queue = slices.Delete(s.queue, i, i+1)
		}
		return i >= 0
	}, func() string { return "no " + pattern })
	return found
}

// Next waits for the first stanza in the queue, takes it out, and fails the
// test unless it matches the pattern.
func (s *Server) Next(pattern string) *element.Element {
	s.t.Helper()
	var first *element.Element
	s.wait(func() bool {
		if len(s.queue) == 0 {
			return false
		}
		first, s.queue = s.queue[0], s.queue[1:]
		return true
	}, func() string { return "no " + pattern })
	if !Match(first, pattern) {
		s.t.Fatalf("got  %s\nwant %s", first, pattern)
	}
	return first
}

// Take empties the queue.
func (s *Server) Take() []*element.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.queue
	s.queue = nil
	return taken
}

// Refute fails the test if a stanza in the queue matches the pattern. It does
// not wait: call Barrier or synctest.Wait first.
func (s *Server) Refute(pattern string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.queue {
		if Match(e, pattern) {
			s.t.Fatalf("the component sent %s", e)
		}
	}
}

// Quiet fails the test if anything is in the queue. It does not wait.
func (s *Server) Quiet() {
	s.t.Helper()
	if rest := s.Take(); len(rest) > 0 {
		s.t.Fatalf("the component also sent:%s", list(rest))
	}
}

// Ask sends an IQ with a payload, and returns the answer. It fails the test when
// there are two.
func (s *Server) Ask(typ, from, to, payload string) *element.Element {
	s.t.Helper()
	s.mu.Lock()
	s.barriers++
	id := fmt.Sprintf("ask-%d", s.barriers)
	s.mu.Unlock()
	s.Send("<iq type='" + typ + "' id='" + id + "' from='" + from + "' to='" + to + "'>" + payload + "</iq>")
	answer := s.Expect("<iq id='" + id + "' from='" + to + "' to='" + from + "'/>")
	s.Refute("<iq id='" + id + "'/>")
	return answer
}

// Barrier waits until the component has read everything that was sent before, and has sent
// all immediate answers.
func (s *Server) Barrier() {
	s.t.Helper()
	answer := s.Ask("get", "barrier.example", s.domain, "<ping xmlns='urn:xmpp:ping'/>")
	if answer.Attr("type") != "result" {
		s.t.Fatalf("the barrier's ping was answered with %s", answer)
	}
}
