package muc

// State is where a room is in its life.
//
//	Waiting ─▶ Joining ─▶ Joined ◀─▶ Interrupted
//	   ▲          │          │            │
//	   │          └──────────┴────────────┴──▶ Leaving
//	   └── the session ends before the join is confirmed
//
// In the next session Rejoin joins the rooms again, those that were joined before, too.
// A room without clients may stay Joined for a while before it is left (Room.leaveAt).
type State uint8

// The states of a room.
const (
	Waiting     State = iota // for a session: the join is not sent yet
	Joining                  // the join was sent to the network
	Joined                   // the network has confirmed the join
	Interrupted              // the connection was lost: the adapter, or Rejoin, joins the room again
	Leaving                  // the user has left, or was removed: the room is not one of Rooms any more
)

var stateNames = [...]string{"waiting", "joining", "joined", "interrupted", "leaving"}

// String implements fmt.Stringer.
func (s State) String() string { return stateNames[s] }

// isSent reports whether the network has the join of a room.
func (s State) isSent() bool { return s == Joining || s == Joined || s == Interrupted }

// afterSession returns the state of a room after the session has ended.
func (s State) afterSession() State {
	if s == Joined || s == Interrupted {
		return Interrupted
	}
	return Waiting
}
