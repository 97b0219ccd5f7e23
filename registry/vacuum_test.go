package registry

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// fileSize returns the size of a database's file without its log, after a checkpoint.
func fileSize(t *testing.T, d *DB) int64 {
	t.Helper()
	info, err := os.Stat(d.path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func appendLines(t *testing.T, d *DB, from, n int) {
	t.Helper()
	var lines []Line
	for i := from; i < from+n; i++ {
		lines = append(lines, Line{Network: testNet, User: testUser, Room: fmt.Sprint("#", i%3), StanzaID: fmt.Sprint(i),
			Payload: make([]byte, 2000), Created: testNow.Add(time.Duration(i) * time.Millisecond)})
	}
	if err := d.AppendLines(context.Background(), lines); err != nil {
		t.Fatal(err)
	}
}

// awaitShrunk waits until the writer has returned the free pages.
func awaitShrunk(t *testing.T, d *DB, below int64) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); fileSize(t, d) >= below; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the file has %d KiB, want less than %d", fileSize(t, d)>>10, below>>10)
		}
	}
}

// A file shrinks after much of it has expired, and stays usable meanwhile.
func TestShrink(t *testing.T) {
	d := openTemp(t)
	const lines = 6_000
	for i := 0; i < lines; i += 2000 {
		appendLines(t, d, i, 2000)
	}
	full := fileSize(t, d)
	if full < lines*2000 {
		t.Fatalf("the file has only %d KiB", full>>10)
	}
	if err := d.TrimLines(context.Background(), Trim{Network: testNet, Before: testNow.Add(time.Hour), Lines: 100}); err != nil {
		t.Fatal(err)
	}
	appendLines(t, d, lines, 10) // in between
	awaitShrunk(t, d, 2*spareFree*4096)
	page, err := d.Lines(context.Background(), LineQuery{Network: testNet, User: testUser, Room: "#2", Limit: 100})
	if err != nil || page.Count != 3 {
		t.Errorf("%d lines are left: %v", page.Count, err)
	}
}

// A file of an older version, which cannot shrink, is converted when it is opened.
func TestConvert(t *testing.T) {
	opts := testOptions(t.TempDir())
	d := open(t, opts)
	appendLines(t, d, 0, 10)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := newForeign(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, pragma := range []string{"PRAGMA auto_vacuum=NONE", "VACUUM"} {
		if _, err := old.Exec(pragma); err != nil {
			t.Fatal(err)
		}
	}
	mode := 9
	if err := old.QueryRow("PRAGMA auto_vacuum").Scan(&mode); err != nil || mode != 0 {
		t.Fatalf("auto_vacuum is %d: %v", mode, err)
	}
	old.Close()
	d = open(t, opts)
	if err := d.writer.c.QueryRowContext(context.Background(), "PRAGMA auto_vacuum").Scan(&mode); err != nil || mode != 2 {
		t.Errorf("auto_vacuum is %d: %v", mode, err)
	}
	if page, err := d.Lines(context.Background(), LineQuery{Network: testNet, User: testUser, Room: "#2", Limit: 100}); err != nil || page.Count != 3 {
		t.Errorf("%d lines are left: %v", page.Count, err)
	}
}

func TestTrimRoom(t *testing.T) {
	d, ctx := openTemp(t), context.Background()
	appendLines(t, d, 0, 300)
	if err := d.TrimLines(ctx, Trim{Network: testNet, User: testUser, Room: "#1", Lines: 7}); err != nil {
		t.Fatal(err)
	}
	for room, want := range map[string]int{"#0": 100, "#1": 7, "#2": 100} {
		page, err := d.Lines(ctx, LineQuery{Network: testNet, User: testUser, Room: room, Limit: 100})
		if err != nil || page.Count != want {
			t.Errorf("%s has %d lines, want %d: %v", room, page.Count, want, err)
		}
		if room == "#1" && page.Lines[6].StanzaID != "298" {
			t.Errorf("the last line is %s", page.Lines[6].StanzaID)
		}
	}
	if err := d.TrimLines(ctx, Trim{Network: testNet, User: testUser, Room: "#1", Lines: 7}); err != nil {
		t.Error(err)
	}
	if err := d.TrimLines(ctx, Trim{Network: testNet, User: testUser, Room: "#none", Lines: 7}); err != nil {
		t.Error(err)
	}
}
