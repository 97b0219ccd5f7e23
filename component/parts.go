package component

import (
	"time"
	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

type login struct {
	u *user

	visits visits

	session     *session // the running one, nil if none
	trial       *trial   // a registration that is being tried
	block       error    // why no session is started until something changes
	attempt     int      // sign-ons that failed in a row
	lastError   error    // that ended a session
	lastErrorAt time.Time
	retryAt     time.Time // next sign-on
	called      bool      // the user wants to be signed on, unseen as their clients may be
	graceEnd    time.Time // until then a session stays without any resource
}

type visits struct {
	u *user

	unnamed  bool      // the guest has not said what to be called
	rename   string    // what the guest is to be called, "" if the network knows
	visits   []visit   // that wait for the session
	visitEnd time.Time // until then a session stays for what was asked of the network
}

type clients struct {
	u *user

	resources  map[string]resource
	shown      legacy.Presence // what the session was told last
	ownPicture string          // SHA-1 of the user's picture, as the session was told
	ownPhoto   string          // the hash in the user's presence for which the vCard was asked last
	client     string          // full JID of whom the stanza is from that is being handled
	applicant  applicant       // the client that has registered
	active     time.Time       // when a client last sent something other than presence
}

type roster struct {
	u *user

	blocks blocklist
	nicks  nicknames
	writer rosterWriter

	contacts map[string]*contact    // by peer ID; the gateway itself is ""
	adding   map[string]func(error) // who wait for contacts to be added, by peer
	showAt   time.Time              // when contacts whose presence flaps are shown
}

type outbox struct {
	u *user

	sent       map[string]*sentMessage // by Outgoing.Ref
	echos      map[string]time.Time    // ids of messages that the server hands back to us
	threads    map[string]string       // of conversations, by peer
	stored     map[string]time.Time    // stamps of the last messages that the network had stored, by peer
	notices    map[string]*heldNotices // for a user without a client, by the peer ID of the service
	reacted    map[string][]string     // what the user has put to messages, by reactionKey
	typing     map[string]time.Time    // peers who are typing, with when that is no longer believed
	chat       []chatLine              // of one-to-one chats, the latest last
	keptIn     bool                    // there may be kept messages for the user
	keptOut    bool                    // there may be kept messages for the network
	forgetting []int64                 // kept messages that were sent to the user
	forgetWhen <-chan bool             // says that they have arrived, or not
	keptTill   time.Time               // when messages kept for the network are given up
}

type rooms struct {
	u *user

	rooms     map[string]*room    // by peer ID
	entered   uint64              // rooms so far
	leaving   map[string]bool     // rooms that are left, of which the network has not yet said so
	private   map[string]string   // rooms in which the user talks to somebody alone, by peer ID
	lists     map[string]roomList // of the rooms that there are, by service
	guestLeft bool                // the last room was left
}

type calls struct {
	u *user

	queries  map[string]query  // of ours, by id
	lookups  map[string]lookup // questions to the network, by ref
	requests []*stanza.Request // IQs that are not answered yet
	refs     uint64            // Refs given out
}

type adhoc struct {
	u *user

	// Maps that are made by put.
	executions map[string]*execution // of ad-hoc commands, by session id
	late       map[string]bool       // clients that have not answered in time what they were asked by words
	renaming   *nickChange           // that a command waits for, nil for none
}

type account struct {
	u *user

	account        *registry.Account
	guest          bool      // the account lasts as long as the user is in a room
	leavingGateway bool      // the registration is being removed
	settling       *settling // what waits for changes that are on their way to the network
}

type blocklist struct {
	ro *roster

	blocked  map[string]bool          // peers, as the network's list was last
	blocking map[string][]blockWaiter // who waits for a peer to be blocked or not
}

type nicknames struct {
	ro *roster

	nicks map[string]*nickQuery // those of ours, by ref
}

type rosterWriter struct {
	ro *roster

	rosterFails bool      // the server does not let us write the roster, whatever it says
	toAsk       []string  // peers that are yet to be put on the user's list
	toRemove    []string  // JIDs that are yet to be taken off it
	askAt       time.Time // when the next of toAsk is sent
	readAt      time.Time // when the roster was read last
	askAwaits   bool      // that waits for a nick
	removeAt    time.Time // when the next of toRemove is sent, zero without a link
}
