package muc

import (
	"transport/component/stanza"
	"transport/legacy"
)

// Translate translates a network's error about a room. (XEP-0045 §17.2)
func Translate(err error) stanza.Error {
	why := stanza.Translate(err)
	if legacy.KindOf(err) == legacy.Forbidden {
		why.Type, why.Condition = stanza.Auth, stanza.Forbidden
	}
	return why
}

// TranslateSignOn translates the error of a sign-on for a join. It is never not-authorized,
// for which clients ask the user for the password of the room.
func TranslateSignOn(err error) stanza.Error {
	why := Translate(err)
	if why.Condition == stanza.NotAuthorized {
		why.Condition = stanza.Forbidden
	}
	return why
}

var (
	errNotInRoom       = stanza.Error{Type: stanza.Cancel, Condition: stanza.NotAcceptable, Text: "You are not in this room."}
	errNoVoiceRequests = stanza.Error{Type: stanza.Cancel, Condition: stanza.NotAllowed, Text: "Voice requests are not supported here. Ask a moderator."}
)
