package legacy

import (
	"context"
	"time"
)

// Roomer is a Session whose network has rooms (FeatureRooms). A message to a room
// is an Outgoing to a Peer with Room set; MessageSent says that the room has it.
type Roomer interface {
	// JoinRoom enters a room. RoomJoined or RoomFailed follows.
	JoinRoom(ctx context.Context, room Peer, password string) error
	// LeaveRoom leaves a room. RoomLeft follows, if the user was in it.
	LeaveRoom(ctx context.Context, room Peer, reason string) error
	// SetNick changes what the user is called, in every room. OccupantRenamed or
	// RoomFailed, for each room, follows.
	SetNick(ctx context.Context, nick string) error
	// Invite asks somebody into a room. A refusal is a RoomFailed.
	Invite(ctx context.Context, room, who Peer) error
	// SetTopic changes a room's topic. TopicChanged or RoomFailed follows.
	SetTopic(ctx context.Context, room Peer, topic string) error
	// Moderate does something about an occupant. ModerationDone with the ref
	// follows.
	Moderate(ctx context.Context, ref string, room Peer, m Moderation) error
}

// Level is how much an occupant may do in a room.
type Level uint8

// The levels, from the least to the most.
const (
	LevelNone   Level = iota
	LevelVoice        // may speak where others may not
	LevelHelper       // half operator
	LevelOperator
	LevelOwner // owner or founder
)

// Occupant is somebody in a room.
type Occupant struct {
	Nick  string
	Level Level
	Away  bool
	// Address is what the network tells of where they come from, "" for nothing.
	Address string
}

// Topic is what a room is about.
type Topic struct {
	Text string
	By   string    // who set it, "" if unknown
	Time time.Time // when, zero if unknown
}

// Moderation is something to be done about an occupant: to be thrown out (Kick),
// to be kept out (Ban), or else to be given a level.
type Moderation struct {
	Nick      string
	Kick, Ban bool
	Level     Level
	Reason    string
}

// LeaveKind is why somebody is no longer in a room.
type LeaveKind uint8

// The kinds.
const (
	LeftRoom LeaveKind = iota
	LeftKicked
	LeftBanned
	LeftLost // by a fault, of the network or on the way
)

// RoomJoined: the user is in a room. Occupants include the user.
type RoomJoined struct {
	Room      Peer
	Nick      string // what the user is called there
	Occupants []Occupant
	Topic     Topic
}

// RoomFailed: a room could not be entered, or what was to be done there was not
// done.
type RoomFailed struct {
	Room Peer
	Err  error
}

// RoomLeft: the user is no longer in a room.
type RoomLeft struct {
	Room   Peer
	Kind   LeaveKind
	By     string // who threw the user out
	Reason string
}

// OccupantJoined: somebody has come.
type OccupantJoined struct {
	Room     Peer
	Occupant Occupant
}

// OccupantLeft: somebody has gone.
type OccupantLeft struct {
	Room   Peer
	Nick   string
	Kind   LeaveKind
	By     string
	Reason string
}

// OccupantRenamed: somebody, perhaps the user, is called something else.
type OccupantRenamed struct {
	Room     Peer
	Old, New string
}

// OccupantChanged: somebody's level changed, or they are away or back.
type OccupantChanged struct {
	Room     Peer
	Occupant Occupant
}

// TopicChanged: a room is about something else.
type TopicChanged struct {
	Room  Peer
	Topic Topic
}

// RoomMessage: somebody has spoken in a room.
type RoomMessage struct {
	Room Peer
	Nick string // "" for the room or the network itself
	Text string
	Time time.Time // as in MessageReceived
}

// Invited: somebody asks the user into a room.
type Invited struct {
	Room Peer
	By   Peer
}

// ModerationDone answers Moderate.
type ModerationDone struct {
	Ref string
	Err error
}

func (RoomJoined) event()      {}
func (RoomFailed) event()      {}
func (RoomLeft) event()        {}
func (OccupantJoined) event()  {}
func (OccupantLeft) event()    {}
func (OccupantRenamed) event() {}
func (OccupantChanged) event() {}
func (TopicChanged) event()    {}
func (RoomMessage) event()     {}
func (Invited) event()         {}
func (ModerationDone) event()  {}
