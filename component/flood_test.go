package component_test

import (
	"fmt"
	"testing"
	"time"

	"transport/component"
	"transport/legacy/legacytest"
)

// Every message of a flood is sent to the network or refused with an error of its own.
func TestFlood(t *testing.T) {
	stage(t, setup{users: []string{alice}, config: func(c *component.Config) { c.Rate = 50 }}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		const n = 10_000
		for i := range n {
			w.message(phone, carol, fmt.Sprint("f", i), fmt.Sprint("text ", i))
		}
		w.pass(time.Minute)
		outcome := make(map[string]int)
		for _, e := range w.Take() {
			if e.Name == "message" && e.Attr("type") == "error" {
				outcome[e.Attr("id")]++
			}
		}
		refused := len(outcome)
		for {
			_, ok := legacytest.Take[legacytest.Send](h)
			if !ok {
				break
			}
			refused++
		}
		if refused != n {
			t.Errorf("%d of %d messages have an outcome, %d errors", refused, n, len(outcome))
		}
		for id, times := range outcome {
			if times != 1 {
				t.Errorf("%s has %d errors", id, times)
			}
		}
	})
}
