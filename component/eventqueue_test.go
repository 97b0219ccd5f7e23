package component

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// drain takes all events and returns their numbers.
func drain(q *eventQueue[int]) (got []int) {
	for ev, ok := q.pop(); ok; ev, ok = q.pop() {
		got = append(got, ev)
	}
	return got
}

// TestEventQueue: the queue keeps the order at any length, and its bounds block.
func TestEventQueue(t *testing.T) {
	for name, tt := range map[string]struct {
		long   bool
		others int64 // events of other users
		holds  int
	}{
		"usual":               {false, 0, eventTurn},
		"long":                {true, 0, maxEvents},
		"others use the room": {true, maxAllEvents - eventTurn - 5, eventTurn + 5},
		"others use all":      {true, maxAllEvents, eventTurn},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all atomic.Int64
				all.Store(tt.others)
				q := newEventQueue[int](&all)
				q.lengthen(tt.long)
				added := 0
				go func() {
					for added <= tt.holds && q.add(added, nil) {
						added++
					}
				}()
				synctest.Wait()
				if added != tt.holds {
					t.Fatalf("%d events fit, want %d", added, tt.holds)
				}
				if ev, _ := q.pop(); ev != 0 {
					t.Errorf("the first one is %v", ev)
				}
				synctest.Wait() // the blocked one is added
				want := make([]int, tt.holds)
				for i := range want {
					want[i] = i + 1
				}
				if got := drain(&q); !slices.Equal(got, want) {
					t.Errorf("got %d: %v", len(got), got)
				}
				if !q.empty() || all.Load() != tt.others || cap(q.list) > eventTurn {
					t.Errorf("empty %v, %d events in all, a buffer of %d", q.empty(), all.Load(), cap(q.list))
				}
			})
		})
	}
}

// TestEventQueueMoves: a queue that never becomes empty does not grow.
func TestEventQueueMoves(t *testing.T) {
	q := newEventQueue[int](new(atomic.Int64))
	for i := range eventTurn / 2 {
		q.add(i, nil)
	}
	for i := range 10_000 {
		q.add(i+eventTurn/2, nil)
		if ev, _ := q.pop(); ev != i {
			t.Fatalf("got %v, want %d", ev, i)
		}
	}
	if cap(q.list) > 4*eventTurn {
		t.Errorf("a buffer of %d", cap(q.list))
	}
}

// TestEventQueueBlocked: a blocked session goes on when the queue becomes longer, and gives up
// when the queue is closed or its own context ends.
func TestEventQueueBlocked(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(q *eventQueue[int], cancel func())
		want bool
	}{
		"longer":   {func(q *eventQueue[int], _ func()) { q.lengthen(true) }, true},
		"closed":   {func(q *eventQueue[int], _ func()) { q.close() }, false},
		"canceled": {func(_ *eventQueue[int], cancel func()) { cancel() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all atomic.Int64
				q, giveUp := newEventQueue[int](&all), make(chan struct{})
				for i := range eventTurn {
					q.add(i, nil)
				}
				over := make(chan bool, 1)
				go func() { over <- q.add(eventTurn, giveUp) }()
				synctest.Wait()
				if len(over) != 0 {
					t.Fatal("a full queue did not block")
				}
				tt.do(&q, func() { close(giveUp) })
				if got := <-over; got != tt.want {
					t.Errorf("add returns %v, want %v", got, tt.want)
				}
				if q.close(); all.Load() != 0 || q.add(0, nil) {
					t.Error("the closed queue has events, or accepts one")
				}
			})
		})
	}
}
