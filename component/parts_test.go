package component_test

import (
	"context"
	"strings"
	"testing"

	"transport/legacy"
	"transport/legacy/legacytest"
)

// narrow is a network whose messages have at most 20 bytes, and whose sessions take at most
// 4 parts of a text.
type narrow struct {
	legacy.Network
	refs chan string // receives the refs of parts, which have no outcome then
}

type narrowSession struct {
	*legacytest.Session
	refs chan string
}

func (n narrow) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	s, err := n.Network.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return narrowSession{s.(*legacytest.Session), n.refs}, nil
}

func (s narrowSession) Fit(_ legacy.Peer, text string) int { return min(20, len(text)) }

func (s narrowSession) SendParts(ctx context.Context, parts []legacy.Outgoing) error {
	if len(parts) > 4 {
		return legacy.Errorf(legacy.RateLimited, "That is too much at once.")
	}
	for _, part := range parts {
		if s.refs != nil {
			s.refs <- part.Ref
			continue
		}
		if err := s.Send(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// A text is split where the network's encoding ends a message, between grapheme clusters.
// The network takes all parts or none, and an error says which part it is about.
func TestPartsOfEncodedText(t *testing.T) {
	family := "👩\u200d👧" // 11 bytes
	network := func(n legacy.Network) legacy.Network { return narrow{n, nil} }
	stage(t, setup{users: []string{alice}, echo: legacytest.Options{Silent: true}, network: network}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		for text, want := range map[string]string{
			"short":                         "short",
			strings.Repeat("é", 10):         strings.Repeat("é", 10),
			strings.Repeat("é", 11):         strings.Repeat("é", 10) + "|é",
			family + family:                 family + "|" + family,
			"one two three four five six":   "one two three four|five six",
			strings.Repeat("e\u0301", 7):    strings.Repeat("e\u0301", 6) + "|e\u0301",
			"a\n" + strings.Repeat("b", 24): "a\n" + strings.Repeat("b", 18) + "|" + strings.Repeat("b", 6),
		} {
			w.message(phone, carol, "m", text)
			var parts []string
			for range 1 + strings.Count(want, "|") {
				parts = append(parts, legacytest.Expect[legacytest.Send](t, h).Text)
			}
			if got := strings.Join(parts, "|"); got != want {
				t.Errorf("%q: got %q, want %q", text, got, want)
			}
		}
		w.settle()
		w.Quiet()

		w.message(phone, carol, "long", strings.Repeat("word ", 20))
		e := w.Expect("<message type='error' id='long'/>")
		if text := e.Child("", "error").ChildText("", "text"); !strings.Contains(text, "too much at once") || strings.Contains(text, "part") {
			t.Errorf("the text is %q", text)
		}
		h.FailSend(legacy.Errorf(legacy.Forbidden, "No."))
		w.message(phone, carol, "refused", strings.Repeat("word ", 8))
		e = w.Expect("<message type='error' id='refused'/>")
		if text := e.Child("", "error").ChildText("", "text"); !strings.Contains(text, "first of its 2 parts") || !strings.Contains(text, "No.") {
			t.Errorf("the text is %q", text)
		}
		w.settle()
		w.Quiet()
	})
}

// A session that ends after some parts of a text have arrived: the error says which part
// did not.
func TestPartLost(t *testing.T) {
	refs := make(chan string, 3)
	network := func(n legacy.Network) legacy.Network { return narrow{n, refs} }
	stage(t, setup{users: []string{alice}, network: network}, func(t *testing.T, w *world) {
		h := w.signOn(phone)
		w.message(phone, carol, "m1", strings.Repeat("word ", 12))
		w.settle()
		w.emit(h, legacy.MessageSent{Ref: <-refs})
		h.End(legacy.Errorf(legacy.Temporary, "The connection was lost."))
		e := w.Expect("<message type='error' id='m1'/>")
		if text := e.Child("", "error").ChildText("", "text"); !strings.Contains(text, "in 3 parts, and part 2") {
			t.Errorf("the text is %q", text)
		}
	})
}
