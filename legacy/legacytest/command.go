package legacytest

import "transport/legacy"

// Command is what the core asked of a session, or that a session began or ended.
type Command interface{ command() }

// SignOn: a session has signed on, with what it had saved.
type SignOn struct{ State []byte }

// SignOff: a session that had begun has ended, with what Run returned.
type SignOff struct{ Err error }

// Send is a call of legacy.Session.
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
func (Block) command()         {}
func (SetAvatar) command()     {}
func (SetProfile) command()    {}
