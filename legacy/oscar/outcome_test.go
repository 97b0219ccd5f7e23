package oscar

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"transport/legacy"
	"transport/legacy/gate"
)

// TestOutcome: only a server that breaks sign-ons off, or does not answer, narrows its gate.
func TestOutcome(t *testing.T) {
	temporary := func(cause error) error { return legacy.Wrap(legacy.Temporary, cause, "x") }
	for name, tt := range map[string]struct {
		err  error
		want gate.Outcome
	}{
		"good":           {nil, gate.Good},
		"password":       {legacy.Errorf(legacy.Auth, "x"), gate.Neutral},
		"rate":           {legacy.Errorf(legacy.RateLimited, "x"), gate.Neutral},
		"nobody listens": {temporary(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), gate.Neutral},
		"signed off":     {temporary(context.Canceled), gate.Neutral},
		"broken off":     {temporary(io.EOF), gate.Refused},
		"no answer":      {temporary(context.DeadlineExceeded), gate.Refused},
	} {
		if got := outcome(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
