package component

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Unix(1000, 0)
	free := newLimiter(0)
	l := newLimiter(10)
	for i := range 100 * burstSeconds {
		if !free.allow("alice", now) {
			t.Fatal("there is no limit")
		}
		if got, want := l.allow("alice", now), i < 10*burstSeconds; got != want {
			t.Fatalf("number %d: %v", i, got)
		}
	}
	if l.allow("alice", now.Add(50*time.Millisecond)) {
		t.Error("half a stanza's time is no stanza")
	}
	now = now.Add(time.Second)
	for i := range 12 {
		if got, want := l.allow("alice", now), i < 10; got != want {
			t.Errorf("a second later, number %d: %v", i, got)
		}
	}
	hurt := 0
	for i := range 1000 {
		if !l.allow(fmt.Sprint("user ", i), now) {
			hurt++
		}
	}
	if hurt > 1 { // who shares the bucket by accident
		t.Errorf("%d others are limited too", hurt)
	}
	if !l.allow("alice", now.Add(-time.Hour).Add(2*time.Hour)) {
		t.Error("she is limited for ever")
	}
}
