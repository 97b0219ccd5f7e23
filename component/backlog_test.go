package component

import (
	"context"
	"testing"
	"time"

	"transport/legacy"
)

// slowSession is a session with lines that wait.
type slowSession struct {
	lines int
	wait  time.Duration
}

func (slowSession) Run(context.Context) error                   { return nil }
func (slowSession) Send(context.Context, legacy.Outgoing) error { return nil }
func (s slowSession) Backlog() (lines int, delay time.Duration) { return s.lines, s.wait }

// TestBacklog: status names the lines that wait for the network's rate limit.
func TestBacklog(t *testing.T) {
	for want, s := range map[string]legacy.Session{
		"": slowSession{},
		"\n38 lines wait because of the network's rate limit. The last one will be sent in about 33s.": slowSession{38, 33*time.Second + 400*time.Millisecond},
	} {
		if got := backlogText(s); got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
	if got := backlogText(nil); got != "" {
		t.Errorf("without a session: %q", got)
	}
}
