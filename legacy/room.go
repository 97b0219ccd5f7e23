package legacy

import (
	"context"
	"time"
)

// Roomer is a Session whose network has rooms (FeatureRooms). A message to a room
// is an Outgoing to a Peer with Room set; MessageSent says that the room has it.
type Roomer interface {
	// JoinRoom enters a room, under the nick if the network has not yet given the
	// user another one. RoomJoined or RoomFailed follows.
	JoinRoom(ctx context.Context, room Peer, nick, password string) error
	// LeaveRoom leaves a room. RoomLeft follows, if the user was in it.
	LeaveRoom(ctx context.Context, room Peer, reason string) error
	// SetNick changes what the user is called in a room, and in others where the
	// network knows one nick for all. OccupantRenamed or RoomFailed, for each room,
	// follows.
	SetNick(ctx context.Context, room Peer, nick string) error
	// Invite asks somebody into a room. A refusal is a RoomFailed.
	Invite(ctx context.Context, room, who Peer) error
	// SetTopic changes a room's topic. TopicChanged or RoomFailed follows.
	SetTopic(ctx context.Context, room Peer, topic string) error
	// Moderate does something about an occupant. Done with the ref follows.
	Moderate(ctx context.Context, ref string, room Peer, m Moderation) error
}

// RoomConfigurer is a Roomer whose rooms have settings and a ban list
// (FeatureRoomConfig).
type RoomConfigurer interface {
	// RequestRoomConfig asks for a room's settings. RoomConfigReceived with the ref
	// follows.
	RequestRoomConfig(ctx context.Context, ref string, room Peer) error
	// SetRoomConfig changes a room's settings. Done with the ref follows.
	SetRoomConfig(ctx context.Context, ref string, room Peer, c RoomConfig) error
	// RequestBans asks who is kept out. BansReceived with the ref follows.
	RequestBans(ctx context.Context, ref string, room Peer) error
	// SetBan keeps those out whom a mask fits, or no longer. Done with the ref
	// follows.
	SetBan(ctx context.Context, ref string, room Peer, mask string, banned bool) error
}

// RoomLister is a Roomer whose network tells which rooms there are
// (FeatureRoomList).
type RoomLister interface {
	// ListRooms asks for the public rooms of a service, the zero Peer for a network
	// without. RoomsListed with the ref follows.
	ListRooms(ctx context.Context, ref string, service Peer) error
}

// RoomReactor is a Roomer whose network has reactions (FeatureRoomReactions), in rooms
// with RoomJoined.MessageTags.
type RoomReactor interface {
	// React sets the user's reactions to a message, by its RoomMessage.ID or
	// MessageSent.ID. The network does not confirm it.
	React(ctx context.Context, room Peer, id string, emojis []string) error
}

// RoomTyper is a Roomer whose network has typing notifications in rooms
// (FeatureRoomTyping), in those with RoomJoined.MessageTags.
type RoomTyper interface {
	// SetRoomTyping sends a typing notification. The network does not confirm it.
	SetRoomTyping(ctx context.Context, room Peer, t Typing) error
}

// MessageRetractor is a Roomer whose network can retract messages (FeatureRetraction),
// in rooms with RoomJoined.Redacts.
type MessageRetractor interface {
	// Redact retracts a message by its ID: the user's own, or a moderator anybody's.
	// Done with the ref follows, and RoomRedaction on success.
	Redact(ctx context.Context, ref string, room Peer, id, reason string) error
}

// RoomConfig are the settings of a room.
type RoomConfig struct {
	TopicLocked bool // only operators change the topic
	Moderated   bool // only those with a voice speak
	InviteOnly  bool
	Hidden      bool   // in no list
	Password    string // "" for none
	Limit       int    // of occupants, 0 for none
}

// ListedRoom is a room of a list.
type ListedRoom struct {
	Room      Peer
	Topic     string
	Occupants int
}

// Ban keeps somebody out of a room.
type Ban struct {
	Mask string
	By   string    // "" if unknown
	Time time.Time // zero if unknown
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
	// Identity is theirs alone, and stays the same when the nick changes: an account,
	// say. "" if the network tells of none.
	Identity string
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
	Room        Peer
	Nick        string // what the user is called there
	Occupants   []Occupant
	Topic       Topic
	MessageTags bool // reactions and typing notifications pass here
	Redacts     bool // messages can be retracted
}

// RoomFailed: a room could not be entered, or what was to be done there was not
// done.
type RoomFailed struct {
	Room Peer
	Nick bool // it was SetNick
	Err  error
}

// RoomInterrupted: the connection to a room was lost; the session itself tries to
// enter it again. RoomJoined, RoomFailed or RoomLeft follows.
type RoomInterrupted struct {
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
	// Identity is the speaker's Occupant.Identity, "" if unknown.
	Identity string
	Text     string
	Markup   []Span    // as in MessageReceived
	Time     time.Time // as in MessageReceived
	ID       string    // what the network calls the message, "" for nothing
	Reply    string    // ID of the message that it answers, "" for none
}

// RoomReaction: somebody has put emojis to a message, in place of those before.
type RoomReaction struct {
	Room   Peer
	Nick   string
	ID     string // of the message
	Emojis []string
}

// RoomRedaction: a message was taken back, by whoever had sent it or a moderator.
type RoomRedaction struct {
	Room   Peer
	Nick   string // "" for the network itself
	ID     string // of the message
	Reason string
}

// RoomTyping: somebody is typing in a room, or no longer.
type RoomTyping struct {
	Room  Peer
	Nick  string
	State Typing
}

// RoomConfigChanged: somebody has changed the settings of a room; Text says how.
type RoomConfigChanged struct {
	Room   Peer
	Text   string
	Config *RoomConfig // as they are now, nil if that is not known
}

// RoomConfigReceived answers RequestRoomConfig.
type RoomConfigReceived struct {
	Ref    string
	Config RoomConfig
	Err    error
}

// BansReceived answers RequestBans.
type BansReceived struct {
	Ref  string
	Bans []Ban
	Err  error
}

// RoomsListed answers ListRooms.
type RoomsListed struct {
	Ref   string
	Rooms []ListedRoom
	Err   error
}

// Invited: somebody asks the user into a room.
type Invited struct {
	Room Peer
	By   Peer
}

// Done says what became of a command with a ref that has no other answer.
type Done struct {
	Ref string
	Err error
}

func (RoomJoined) event()         {}
func (RoomFailed) event()         {}
func (RoomInterrupted) event()    {}
func (RoomLeft) event()           {}
func (OccupantJoined) event()     {}
func (OccupantLeft) event()       {}
func (OccupantRenamed) event()    {}
func (OccupantChanged) event()    {}
func (TopicChanged) event()       {}
func (RoomMessage) event()        {}
func (RoomReaction) event()       {}
func (RoomRedaction) event()      {}
func (RoomTyping) event()         {}
func (RoomConfigChanged) event()  {}
func (RoomConfigReceived) event() {}
func (BansReceived) event()       {}
func (RoomsListed) event()        {}
func (Invited) event()            {}
func (Done) event()               {}
