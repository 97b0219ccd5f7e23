package bench

import (
	"testing"
	"time"
)

func TestCounter(t *testing.T) {
	c := NewCounter()
	text := func(stream, number int) string { return string(c.Mark(nil, stream, number)) + "\n" }
	rest := c.Take(1, []byte(text(0, 0)+text(0, 1)+text(7, 0)[:len(text(7, 0))-5]))
	c.Take(1, append(rest, text(7, 0)[len(text(7, 0))-5:]...))
	c.Take(2, []byte(text(0, 0))) // another receiver
	if c.arrived != 4 || c.repeated != 0 || c.disorder != 0 {
		t.Fatalf("arrived %d, repeated %d, out of order %d", c.arrived, c.repeated, c.disorder)
	}
	c.Take(1, []byte(text(0, 1)))
	c.Take(1, []byte(text(0, 3)))
	if c.arrived != 5 || c.repeated != 1 || c.disorder != 1 {
		t.Fatalf("arrived %d, repeated %d, out of order %d", c.arrived, c.repeated, c.disorder)
	}
	if !c.Wait(5, time.Hour) {
		t.Error("all have arrived")
	}
	if c.Wait(6, time.Millisecond) {
		t.Error("one that never arrived is said to have")
	}
	if c.Percentile(0.5) <= 0 {
		t.Error("no way was timed")
	}
}

func TestStanzaEnd(t *testing.T) {
	for data, want := range map[string]int{
		"":                             0,
		"<":                            0,
		"<presence from='a'":           0,
		"<presence from='a'/><iq":      20,
		"<iq type='get'><ping/></iq>x": 27,
		"<iq type='get'><ping/></i":    0,
		"<presence><x/></presence><presence><x/></presence>": 25,
		"<presence><x>": 0,
	} {
		if got := stanzaEnd([]byte(data)); got != want {
			t.Errorf("%q: %d, want %d", data, got, want)
		}
	}
}

func TestReceiver(t *testing.T) {
	for stanza, want := range map[string]int{
		"<message from='x' to='u12@localhost/x'>": 12,
		`<message to="u0@localhost">`:             0,
		"<message>":                               0,
	} {
		if got := receiver([]byte(stanza)); got != want {
			t.Errorf("%s: %d, want %d", stanza, got, want)
		}
	}
}
