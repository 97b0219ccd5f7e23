package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// row counts the messages of one fault and direction.
type row struct {
	fault string
	dir   direction

	sent       int
	fates      map[outcome]int
	both       int            // refused or reported as not delivered, and delivered
	sameID     int            // delivered again with the same id
	otherID    int            // delivered again with another id, or to a network, which has none
	reasons    map[string]int // of the excused
	warnedRead int            // covered only by a warning, although the gateway may have read them
}

func newRow(fault string, dir direction) *row {
	return &row{fault: fault, dir: dir, fates: make(map[outcome]int), reasons: make(map[string]int)}
}

// rows counts all messages, by fault in the order of the first strikes, and by direction.
func (l *ledger) rows(seen witness) []*row {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spread()
	all := make(map[string]*row)
	for _, m := range l.messages {
		if m.strike < 0 {
			continue
		}
		fault := l.strikes[m.strike]
		r := all[fault+" "+string(m.dir)]
		if r == nil {
			r = newRow(fault, m.dir)
			all[fault+" "+string(m.dir)] = r
		}
		r.take(m, l, seen)
	}
	rank := make(map[string]int)
	for i, name := range slices.Backward(l.strikes) {
		rank[name] = i
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *row) int {
		if d := rank[a.fault] - rank[b.fault]; d != 0 {
			return d
		}
		return strings.Compare(string(a.dir), string(b.dir))
	})
}

// take counts one message.
func (r *row) take(m *message, l *ledger, seen witness) {
	r.sent++
	o, reason := l.fate(m, seen)
	r.fates[o]++
	if o == excused {
		r.reasons[reason]++
	}
	if o == warned && seen(m.number, m.dir) == "" {
		r.warnedRead++
	}
	if o == delivered && (m.refused && !m.unsure || m.report == undelivered) {
		r.both++
	}
	ids := make(map[string]bool)
	for i, id := range m.arrived {
		switch again := i > 0; {
		case again && id != "" && ids[id]:
			r.sameID++
		case again:
			r.otherID++
		}
		ids[id] = true
	}
}

func (r *row) add(o *row) {
	r.sent, r.both, r.sameID, r.otherID = r.sent+o.sent, r.both+o.both, r.sameID+o.sameID, r.otherID+o.otherID
	r.warnedRead += o.warnedRead
	for k, n := range o.fates {
		r.fates[k] += n
	}
	for k, n := range o.reasons {
		r.reasons[k] += n
	}
}

// perFault adds up the directions of each fault.
func perFault(rows []*row) (all []*row) {
	for _, r := range rows {
		if len(all) == 0 || all[len(all)-1].fault != r.fault {
			all = append(all, newRow(r.fault, ""))
		}
		all[len(all)-1].add(r)
	}
	return all
}

// failures returns the sum of the columns that must be 0.
func failures(rows []*row) (n int) {
	for _, r := range rows {
		n += r.fates[lost] + r.otherID
	}
	return n
}

// columns are the numbers of the table.
var columns = []struct {
	head [2]string
	of   func(*row) int
}{
	{[2]string{"", "sent"}, func(r *row) int { return r.sent }},
	{[2]string{"", "delivered"}, func(r *row) int { return r.fates[delivered] }},
	{[2]string{"", "refused"}, func(r *row) int { return r.fates[refused] }},
	{[2]string{"not", "delivered"}, func(r *row) int { return r.fates[toldUndelivered] }},
	{[2]string{"", "uncertain"}, func(r *row) int { return r.fates[toldUncertain] }},
	{[2]string{"warned,", "unread"}, func(r *row) int { return r.fates[warned] - r.warnedRead }},
	{[2]string{"warned,", "read"}, func(r *row) int { return r.warnedRead }},
	{[2]string{"", "excused"}, func(r *row) int { return r.fates[excused] }},
	{[2]string{"refused,", "delivered"}, func(r *row) int { return r.both }},
	{[2]string{"twice,", "same id"}, func(r *row) int { return r.sameID }},
	{[2]string{"twice,", "other id"}, func(r *row) int { return r.otherID }},
	{[2]string{"", "LOST"}, func(r *row) int { return r.fates[lost] }},
}

const legend = `
refused: the sender got an error with the id of the message. not delivered: a message of the gateway
quotes or counts it. uncertain: an error or a message says that it may not have arrived. warned: only
a warning after a crash or a silent link covers it; the gateway had read it, or not. excused: see
below. refused, delivered: reported as failed for certain, but it arrived.
`

// printTable prints the rows and their sum.
func printTable(w io.Writer, rows []*row) {
	sum := newRow("all", "")
	for _, r := range rows {
		sum.add(r)
	}
	var wide [2]int // of the first columns, in characters
	for _, r := range rows {
		wide[0], wide[1] = max(wide[0], utf8.RuneCountInString(r.fault)), max(wide[1], utf8.RuneCountInString(string(r.dir)))
	}
	line := func(fault, dir string, cell func(i int) string) {
		text := fmt.Sprintf("%-*s  %-*s", wide[0], fault, wide[1], dir)
		for i := range columns {
			text += fmt.Sprintf(" %9s", cell(i))
		}
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
	line("", "", func(i int) string { return columns[i].head[0] })
	line("fault", "direction", func(i int) string { return columns[i].head[1] })
	for _, r := range append(rows, sum) {
		line(r.fault, string(r.dir), func(i int) string { return strconv.Itoa(columns[i].of(r)) })
	}
	fmt.Fprint(w, legend)
	if len(sum.reasons) > 0 {
		fmt.Fprintln(w, "\nExcused: the record of all connections proves that the gateway could not know of the loss.")
	}
	for _, reason := range slices.Sorted(maps.Keys(sum.reasons)) {
		fmt.Fprintf(w, "%6d  %s\n", sum.reasons[reason], reason)
	}
}

// losses describes the messages that are lost or came twice with another id; current: only
// those of the current strike.
func (l *ledger) losses(seen witness, most int, current bool) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spread()
	for _, m := range l.messages {
		if m.strike < 0 || current && m.strike != len(l.strikes)-1 {
			continue
		}
		o, _ := l.fate(m, seen)
		r := newRow("", "")
		r.take(m, l, seen)
		if o != lost && r.otherID == 0 {
			continue
		}
		if len(lines) == most {
			return append(lines, "…")
		}
		lines = append(lines, fmt.Sprintf("q[%d] %s, %s, sent at %s during %q: %s %q", m.number, m.dir, m.user, m.sent.Format("15:04:05.000"), l.strikes[m.strike], o, m.arrived))
	}
	return lines
}
