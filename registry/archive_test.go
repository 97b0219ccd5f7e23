package registry

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func ids(page LinePage) []string {
	var all []string
	for _, l := range page.Lines {
		all = append(all, l.StanzaID)
	}
	return all
}

// XEP-0313 §4, XEP-0059 §2
func TestArchive(t *testing.T) {
	d := openTemp(t)
	ctx := t.Context()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var lines []Line
	for i := range 10 {
		lines = append(lines, Line{Network: testNet, User: testUser, Room: "#a", StanzaID: fmt.Sprint("s", i), Payload: []byte(fmt.Sprint("text ", i)), Created: start.Add(time.Duration(i) * time.Minute)})
	}
	other := lines[0]
	other.User = "bob@example.org"
	for range 2 { // the second call changes nothing
		if err := d.AppendLines(ctx, append(slices.Clone(lines), other)); err != nil {
			t.Fatal(err)
		}
	}
	base := LineQuery{Network: testNet, User: testUser, Room: "#a"}
	for _, tt := range []struct {
		name     string
		change   func(*LineQuery)
		want     []string
		complete bool
		index    int
	}{
		{"first page", func(q *LineQuery) { q.Limit = 3 }, []string{"s0", "s1", "s2"}, false, 0},
		{"next page", func(q *LineQuery) { q.Limit, q.After = 3, "s2" }, []string{"s3", "s4", "s5"}, false, 3},
		{"last of all", func(q *LineQuery) { q.Limit, q.After = 3, "s7" }, []string{"s8", "s9"}, true, 8},
		{"last page", func(q *LineQuery) { q.Limit, q.Last = 2, true }, []string{"s8", "s9"}, false, 8},
		{"before", func(q *LineQuery) { q.Limit, q.Last, q.Before = 5, true, "s2" }, []string{"s0", "s1"}, true, 0},
		{"times", func(q *LineQuery) { q.Limit, q.Start, q.End = 5, start.Add(2*time.Minute), start.Add(3*time.Minute) }, []string{"s2", "s3"}, true, 0},
		{"ids", func(q *LineQuery) { q.Limit, q.IDs = 5, []string{"s7", "s1"} }, []string{"s1", "s7"}, true, 1},
		{"none", func(q *LineQuery) { q.Limit, q.Start = 5, start.Add(time.Hour) }, nil, true, 0},
		{"another room", func(q *LineQuery) { q.Limit, q.Room = 5, "#b" }, nil, true, 0},
		{"another user", func(q *LineQuery) { q.Limit, q.User = 5, other.User }, []string{"s0"}, true, 0},
	} {
		q := base
		tt.change(&q)
		page, err := d.Lines(ctx, q)
		if err != nil || !slices.Equal(ids(page), tt.want) || page.Complete != tt.complete || page.Index != tt.index {
			t.Errorf("%s: %v, complete %v, index %d, %v; want %v, %v, %d", tt.name, ids(page), page.Complete, page.Index, err, tt.want, tt.complete, tt.index)
		}
		for _, l := range page.Lines {
			if want := "text " + l.StanzaID[1:]; string(l.Payload) != want {
				t.Errorf("%s: payload %q, want %q", tt.name, l.Payload, want)
			}
		}
	}
	for _, q := range []LineQuery{{After: "no"}, {Before: "no"}, {IDs: []string{"s1", "no"}}} {
		q.Network, q.User, q.Room, q.Limit = testNet, testUser, "#a", 5
		if _, err := d.Lines(ctx, q); !errors.Is(err, ErrNotFound) {
			t.Errorf("%+v: %v, want not found", q, err)
		}
	}
	if err := d.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	base.Limit = 100
	if page, err := d.Lines(ctx, base); err != nil || len(page.Lines) != 10 || page.Count != 10 {
		t.Fatalf("after a rotation: %d lines, %v", len(page.Lines), err)
	}
	if err := d.TrimLines(ctx, Trim{Network: testNet, Before: start.Add(2 * time.Minute), Lines: 5}); err != nil {
		t.Fatal(err)
	}
	if page, err := d.Lines(ctx, base); err != nil || !slices.Equal(ids(page), []string{"s5", "s6", "s7", "s8", "s9"}) {
		t.Errorf("trimmed to %v, %v", ids(page), err)
	}
	for _, of := range [][3]string{{testUser, "#a", "s7"}, {testUser, "#a", "no"}, {testUser, "#b", "s8"}, {"nobody", "#a", "s9"}} {
		if err := d.DeleteLine(ctx, testNet, of[0], of[1], of[2]); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := d.Lines(ctx, base); err != nil || !slices.Equal(ids(page), []string{"s5", "s6", "s8", "s9"}) {
		t.Errorf("of which one was deleted: %v, %v", ids(page), err)
	}
}
