package irc

import (
	"context"
	"errors"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/gate"
)

// tellDelayed returns a function for gate.Gate.Enter. It tells the core, or the user of a
// server that users name, that the connection has to wait.
func (l *link) tellDelayed() func(until time.Time) {
	told := false
	return func(until time.Time) {
		text := "The " + l.name() + " server limits the number of connections from this gateway. You will be connected " + gate.In(time.Until(until)) + "."
		switch {
		case !l.s.net.named:
			l.s.env.Emit(legacy.SignOnDelayed{Until: until, Text: text})
		case !told:
			l.s.env.Emit(legacy.Notice{From: l.s.net.service(l.server), Text: text})
		}
		told = true
	}
}

// outcome returns what the end of the registration says about the server.
func (re *registration) outcome(err error) gate.Outcome {
	switch {
	case err == nil:
		return gate.Good
	case re.throttled:
		return gate.Throttled
	case errors.Is(err, context.Canceled), legacy.KindOf(err) != legacy.Temporary:
		return gate.Neutral
	}
	return gate.Refused
}

// withoutNames removes the names that the user has chosen from a text of the server: they must
// not slow other users down.
func (re *registration) withoutNames(text string) string {
	text = strings.ToLower(text)
	for _, name := range append(re.c.profile.nicks, re.c.nick, re.c.profile.user, re.c.profile.account) {
		if name != "" {
			text = strings.ReplaceAll(text, strings.ToLower(name), "")
		}
	}
	return text
}
