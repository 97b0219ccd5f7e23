// Package muc is the room host: it shows the rooms of a network to the user's clients as
// XEP-0045 rooms, with history, archive (XEP-0313) and moderation. It knows neither one
// network nor the other parts of a user.
//
// Each user joins a room over a network connection of their own, so that a Room is one
// user's. Rooms holds those of one user; the user's actor owns it, and is the only one to
// call it, so there are no locks inside. What the rooms need of their user is a Host; what
// the rooms of all users share is Shared. The Archive has a goroutine of its own.
//
// # A stanza and an event
//
//	presence ─▶ OnPresence (join.go) ─▶ legacy.Roomer      RoomJoined ─▶ OnEvent ─▶ showRoom (join.go)
//	message  ─▶ OnMessage ─▶ Host.Send                     RoomMessage ─▶ OnEvent ─▶ onRoomMessage (message.go)
//	            the network confirms it ─▶ Reflect         RoomLeft ─▶ OnEvent ─▶ closeRoom (leave.go)
//	iq       ─▶ OnIQ (admin.go) ─▶ Host.Query
//
// The life of a room is in state.go.
//
// # What the other parts of a user call
//
//	the loop    Due, Next, Busy, LinkChanged, SessionEnded, Unregistered
//	dispatch    OnPresence, OnMessage, OnIQ, OnEvent, RelayInvite
//	login       Rejoin, AddPersistent, SessionLost, Fail, Close, NeedsSession, AwaitsClients,
//	            LeaveEmpty, ForgetGuestNick
//	clients     SetClientOffline, RemoveClient, HasClients, OwnPresence, OnlyPersistent
//	memory      DropCaches
//	outbox      Reflect, DeliverPrivate, EndPrivateChat, NoteRendition, PrefixAddressee,
//	            HasMessageTags, ForgetReactions
//	account     HasJoined, Archives, HistoryLength, ApplyPersistence
//	commands    Invite, Nick, SetNick, List, ListCached, RequestList, ListOwn
package muc
