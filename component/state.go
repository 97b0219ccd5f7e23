package component

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"transport/component/body"
	"transport/component/stanza"
	"transport/legacy"
)

// state is the state of a user's session. Commands, messages and errors all describe it
// by stateText.
type state uint8

const (
	stateStranger    state = iota // no account
	stateAway                     // no client is online
	stateSignedOff                // by the user, until the next login
	stateRefused                  // by the network, until the credentials or the presence change
	stateUnreachable              // the network is; the next sign-on is at login.retryAt
	stateSigningOn
	stateSignedOn
)

const (
	textStranger  = "You are not registered with this gateway."
	textSignedOff = "You have signed off. Write login to the gateway to sign on again."
	textSigningOn = "You are being signed on."
)

// state returns the user's state.
func (lg *login) state() state {
	switch {
	case !lg.u.account.exists():
		return stateStranger
	case lg.legacySession() != nil:
		return stateSignedOn
	case lg.u.account.option(optLoggedOut):
		return stateSignedOff
	case lg.signOnErr != nil:
		return stateRefused
	case lg.session != nil:
		return stateSigningOn
	case !lg.retryAt.IsZero():
		return stateUnreachable
	}
	return stateAway
}

// stateText describes the user's state, and how to leave one in which the user is not
// signed on.
func (lg *login) stateText() string {
	switch lg.state() {
	case stateStranger:
		return textStranger + " " + lg.u.c.howToRegister()
	case stateSignedOn:
		return "You are signed on to " + lg.u.c.cfg.Name + "."
	case stateSignedOff:
		return textSignedOff
	case stateRefused:
		return "You are not signed on: " + refusalText(lg.signOnErr)
	case stateUnreachable:
		return "You are not signed on: the network cannot be reached. The next try is at " + body.TimeText(lg.retryAt) + "."
	case stateSigningOn:
		text := textSigningOn
		if turn := lg.session.queuedUntil; !turn.IsZero() {
			text += " The network limits how often this gateway may sign on; your sign-on is scheduled for " + body.TimeText(turn) + "."
		}
		return text
	}
	return "You are not signed on. Come online and the gateway signs you on."
}

// notOnline returns the error of an operation that needs a session.
func (lg *login) notOnline() stanza.Error { return stanza.ErrNotOnline.With(lg.stateText()) }

// refusalText describes why the network rejects the sign-on, and how to mend it.
func refusalText(err error) string {
	text := userText(err)
	switch legacy.KindOf(err) {
	case legacy.Auth:
		text += " Correct the name or the password in your registration with this gateway; it will then sign on again."
	case legacy.Replaced:
		text += " To sign on here again, go offline and come back."
	}
	return text
}

// backlogText describes the lines that a session has not sent yet, "" for none.
func backlogText(s legacy.Session) string {
	if b, ok := s.(legacy.Backlogger); ok {
		if n, wait := b.Backlog(); n > 0 {
			return fmt.Sprintf("\n%s wait because of the network's rate limit. The last one will be sent in about %s.",
				count(n, "line"), wait.Round(time.Second))
		}
	}
	return ""
}

// statusText describes the state and the session: the answer to the status command.
func (lg *login) statusText() string {
	var b strings.Builder
	b.WriteString(lg.stateText())
	if !lg.u.account.exists() {
		return b.String()
	}
	if lg.state() == stateSignedOn {
		b.WriteString("\nSince " + body.TimeText(lg.session.since) + "." + backlogText(lg.legacySession()))
	}
	if lg.lastError != nil && lg.signOnErr == nil {
		fmt.Fprintf(&b, "\nThe last error, at %s: %s", body.TimeText(lg.lastErrorAt), userText(lg.lastError))
	}
	if lg.u.account.isGuest() {
		b.WriteString("\nYou are a guest, as " + lg.u.account.name() + ".")
	} else {
		fmt.Fprintf(&b, "\nAccount: %s.", lg.u.account.name())
	}
	if n := lg.u.roster.peers(); n > 0 {
		fmt.Fprintf(&b, " %s, %d online.", count(n, "contact"), lg.u.roster.online())
	}
	if n := lg.u.outbox.unconfirmed(); n > 0 {
		fmt.Fprintf(&b, "\nThe network has not yet confirmed %s.", count(n, "message"))
	}
	return b.String()
}

// showNames are the names of presence states for users.
var showNames = map[legacy.Show]string{legacy.ShowOffline: "offline", legacy.ShowInvisible: "offline", legacy.ShowDND: "busy",
	legacy.ShowXA: "not available", legacy.ShowAway: "away", legacy.ShowOnline: "online", legacy.ShowChat: "free for chat"}

// onlineText names the presence of a search result.
func onlineText(online bool) string {
	if online {
		return showNames[legacy.ShowOnline]
	}
	return showNames[legacy.ShowOffline]
}

// count formats a number of things: "1 contact", "2 contacts".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
