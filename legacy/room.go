package legacy

import (
	"context"
	"time"
)

// Roomer is a Session whose network has rooms (FeatureRooms). A message to a room is an
// Outgoing to a Peer with Room set; MessageSent confirms that the room has it.
type Roomer interface {
	// JoinRoom joins a room. nick applies only if the user has no nick on the network yet.
	// RoomJoined or RoomFailed follows.
	JoinRoom(ctx context.Context, room Peer, nick, password string) error
	// LeaveRoom leaves a room. RoomLeft follows if the user was an occupant.
	LeaveRoom(ctx context.Context, room Peer, reason string) error
	// SetNick changes the user's nick in a room, and in all rooms if the network has one
	// nick for all of them. OccupantRenamed or RoomFailed follows for each room.
	SetNick(ctx context.Context, room Peer, nick string) error
	// Invite sends who a mediated invitation to a room. RoomFailed reports a refusal.
	Invite(ctx context.Context, room, who Peer) error
	// SetTopic changes a room's subject. TopicChanged or RoomFailed follows.
	SetTopic(ctx context.Context, room Peer, topic string) error
	// Moderate kicks or bans an occupant, or changes its level. Done with the ref follows.
	Moderate(ctx context.Context, ref string, room Peer, m Moderation) error
}

// RoomConfigurer is a Roomer whose rooms have a configuration and a ban list
// (FeatureRoomConfig).
type RoomConfigurer interface {
	// RequestRoomConfig fetches a room's configuration. RoomConfigReceived with the ref
	// follows.
	RequestRoomConfig(ctx context.Context, ref string, room Peer) error
	// SetRoomConfig changes a room's configuration. Done with the ref follows.
	SetRoomConfig(ctx context.Context, ref string, room Peer, c RoomConfig) error
	// RequestBans fetches a room's ban list. BansReceived with the ref follows.
	RequestBans(ctx context.Context, ref string, room Peer) error
	// SetBan adds a mask to a room's ban list or removes it. Done with the ref follows.
	SetBan(ctx context.Context, ref string, room Peer, mask string, banned bool) error
}

// RoomLister is a Roomer whose network has a public list of rooms (FeatureRoomList).
type RoomLister interface {
	// ListRooms fetches the room list of a service; service is the zero Peer on a network
	// without services. RoomsListed with the ref follows.
	ListRooms(ctx context.Context, ref string, service Peer) error
}

// RoomReactor is a Roomer whose network has reactions (FeatureRoomReactions), in rooms
// with RoomJoined.MessageTags.
type RoomReactor interface {
	// React replaces the user's reactions to a message, given by its RoomMessage.ID or
	// MessageSent.ID. The network does not confirm them.
	React(ctx context.Context, room Peer, id string, emojis []string) error
}

// RoomTyper is a Roomer whose network has typing notifications in rooms
// (FeatureRoomTyping), in rooms with RoomJoined.MessageTags.
type RoomTyper interface {
	// SetRoomTyping sends a typing notification to a room. The network does not confirm it.
	SetRoomTyping(ctx context.Context, room Peer, t Typing) error
}

// MessageRetractor is a Roomer whose network supports message retraction
// (FeatureRetraction), in rooms with RoomJoined.Redacts.
type MessageRetractor interface {
	// Redact retracts a message by its ID. Users retract their own messages, moderators
	// those of any occupant. RoomRedaction follows on success, and Done with the ref in any
	// case.
	Redact(ctx context.Context, ref string, room Peer, id, reason string) error
}

// RoomConfig is the configuration of a room.
type RoomConfig struct {
	TopicLocked bool // only operators may change the subject
	Moderated   bool // only occupants with voice may speak
	InviteOnly  bool
	Hidden      bool   // not in the public room list
	Password    string // "" for none
	Limit       int    // maximum number of occupants, 0 for none
}

// ListedRoom is an entry of a public room list.
type ListedRoom struct {
	Room      Peer
	Topic     string
	Occupants int
}

// Ban is an entry of a room's ban list.
type Ban struct {
	Mask string
	By   string    // "" if unknown
	Time time.Time // zero if unknown
}

// Level is an occupant's privilege level in a room.
type Level uint8

// The levels, in ascending order.
const (
	LevelNone   Level = iota
	LevelVoice        // may speak in a moderated room
	LevelHelper       // half-operator
	LevelOperator
	LevelOwner // owner or founder
)

// Occupant is an occupant of a room.
type Occupant struct {
	Nick  string
	Level Level
	Away  bool
	// Identity is unique to the occupant and survives a nick change: an account name, for
	// example. It is "" if the network provides none.
	Identity string
}

// Topic is a room's subject.
type Topic struct {
	Text string
	By   string    // nick of its author, "" if unknown
	Time time.Time // of the change, zero if unknown
}

// Moderation is an action on an occupant: Kick, Ban, or otherwise a change of the level
// to Level.
type Moderation struct {
	Nick      string
	Kick, Ban bool
	Level     Level
	Reason    string
}

// LeaveKind is the reason for the end of an occupant's stay.
type LeaveKind uint8

// The kinds.
const (
	LeftRoom LeaveKind = iota
	LeftKicked
	LeftBanned
	LeftLost // the connection was lost, by the network or on the way
)

// RoomJoined: the user joined a room. Occupants includes the user.
type RoomJoined struct {
	Room        Peer
	Nick        string // the user's nick in the room
	Occupants   []Occupant
	Topic       Topic
	MessageTags bool // the room supports reactions and typing notifications
	Redacts     bool // the room supports message retraction
	// Kept: the network has put the user into the room, or keeps the user in it after the
	// session, as an IRC bouncer does. The core leaves it only if the user does.
	Kept bool
}

// RoomFailed: joining a room, or a command in a room, failed.
type RoomFailed struct {
	Room Peer
	Nick bool // the command was SetNick
	Err  error
	// MovedTo is the room to which the network has redirected the user instead, the zero Peer
	// for none. RoomJoined for it may follow.
	MovedTo Peer
}

// RoomInterrupted: the connection to a room was lost, and the session tries to rejoin.
// RoomJoined, RoomFailed or RoomLeft follows.
type RoomInterrupted struct {
	Room Peer
	Err  error
}

// RoomLeft: the user is no longer an occupant of a room.
type RoomLeft struct {
	Room   Peer
	Kind   LeaveKind
	By     string // nick of the moderator who kicked or banned the user
	Reason string
}

// OccupantJoined: an occupant joined a room.
type OccupantJoined struct {
	Room     Peer
	Occupant Occupant
}

// OccupantLeft: an occupant left a room.
type OccupantLeft struct {
	Room   Peer
	Nick   string
	Kind   LeaveKind
	By     string
	Reason string
}

// OccupantRenamed: an occupant, possibly the user, changed its nick.
type OccupantRenamed struct {
	Room     Peer
	Old, New string
}

// OccupantChanged: an occupant's level or away state changed.
type OccupantChanged struct {
	Room     Peer
	Occupant Occupant
}

// TopicChanged: a room's subject changed.
type TopicChanged struct {
	Room  Peer
	Topic Topic
}

// RoomMessage: an occupant sent a message to a room.
type RoomMessage struct {
	Room Peer
	Nick string // "" for the room or the network itself
	// Identity is the sender's Occupant.Identity, "" if unknown.
	Identity string
	Text     string
	Markup   []Span    // as in MessageReceived
	Time     time.Time // as in MessageReceived
	ID       string    // the network's message ID, "" for none
	Reply    string    // ID of the message that this one answers, "" for none
	ReadMark time.Time // as in MessageReceived; zero for the user's own message
}

// RoomReaction: an occupant replaced its reactions to a message.
type RoomReaction struct {
	Room   Peer
	Nick   string
	ID     string // of the message
	Emojis []string
}

// RoomRedaction: the sender or a moderator retracted a message.
type RoomRedaction struct {
	Room   Peer
	Nick   string // "" for the network itself
	ID     string // of the message
	Reason string
}

// RoomTyping: an occupant's chat state in a room changed.
type RoomTyping struct {
	Room  Peer
	Nick  string
	State Typing
}

// RoomConfigChanged: a room's configuration changed. Text describes the change.
type RoomConfigChanged struct {
	Room   Peer
	Text   string
	Config *RoomConfig // the new configuration, nil if unknown
	// Moderated is the new RoomConfig.Moderated, if that has changed and Config is unknown.
	Moderated *bool
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

// Invited: a peer invites the user to a room.
type Invited struct {
	Room Peer
	By   Peer
}

// Done reports the outcome of a command with a ref that has no other answer.
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
