package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// measured is a direction whose latency is measured: all its processes are under the
// campaign's control, and nothing but the gateway is between them.
const measured = toICQ

// latencies returns how long the delivered messages of a fault took in the measured
// direction, sorted. Messages of the users in except do not count.
func (l *ledger) latencies(fault string, except map[string]bool) (all []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.messages {
		if m.strike >= 0 && l.strikes[m.strike] == fault && m.dir == measured && !except[m.user] && len(m.arrived) > 0 {
			all = append(all, m.first.Sub(m.sent))
		}
	}
	slices.Sort(all)
	return all
}

// percentile returns the p-th percentile of a sorted list, 0 if it is empty.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// printLatencies prints the latency that other users saw during the faults, next to that
// without a fault.
func (l *ledger) printLatencies(w io.Writer, faults []string, except map[string]bool) {
	fmt.Fprintf(w, "\nLatency of the other users' messages, %s:\n", measured)
	for _, fault := range faults {
		all := l.latencies(fault, except)
		fmt.Fprintf(w, "%8d messages  p50 %8s  p99 %8s  %s\n", len(all),
			percentile(all, 50).Round(100*time.Microsecond), percentile(all, 99).Round(100*time.Microsecond), fault)
	}
}
