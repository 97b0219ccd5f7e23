package legacytest

import (
	"time"

	"transport/legacy"
)

// Command is a call of the core to a session, or the start or the end of a session.
type Command interface{ command() }

// SignOn: a session has signed on, with the state that it had saved.
type SignOn struct{ State []byte }

// SignOff: a session that had started has ended with Err.
type SignOff struct{ Err error }

// Send is a call of legacy.Session.Send.
type Send struct{ legacy.Outgoing }

// SetPresence is a call of legacy.Presencer.
type SetPresence struct{ legacy.Presence }

// AddContact is a call of legacy.RosterEditor.
type AddContact struct {
	Contact legacy.Contact
	Reason  string
}

// RemoveContact is a call of legacy.RosterEditor.
type RemoveContact struct{ Peer legacy.Peer }

// Authorize is a call of legacy.RosterEditor.
type Authorize struct {
	Peer   legacy.Peer
	Allow  bool
	Reason string
}

// SetTyping is a call of legacy.Typer.
type SetTyping struct {
	Peer  legacy.Peer
	State legacy.Typing
}

// MarkRead is a call of legacy.ReadMarker.
type MarkRead struct {
	Peer legacy.Peer
	Mark time.Time
}

// Block is a call of legacy.Blocker.
type Block struct {
	Peer    legacy.Peer
	Blocked bool
}

// SetAvatar is a call of legacy.AvatarSetter.
type SetAvatar struct{ Image []byte }

// SetProfile is a call of legacy.ProfileSetter.
type SetProfile struct{ legacy.Profile }

func (SignOn) command()        {}
func (SignOff) command()       {}
func (Send) command()          {}
func (SetPresence) command()   {}
func (AddContact) command()    {}
func (RemoveContact) command() {}
func (Authorize) command()     {}
func (SetTyping) command()     {}
func (MarkRead) command()      {}
func (Block) command()         {}
func (SetAvatar) command()     {}
func (SetProfile) command()    {}
