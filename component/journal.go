package component

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"transport/component/stanza"
	"transport/component/stream"
	"transport/component/xep"
	"transport/registry"
)

// The journal (registry.Journal) has the messages whose outcome is not known: those of users
// until the network has confirmed them, they are spooled, or the user is told, and those to
// users until the XMPP server has acknowledged them or they are spooled. It has the users
// that are signed on, too. After a crash, settle gives each of these an outcome.

// journal is a component's share of the journal of the registry.
type journal struct {
	file   *registry.Journal // nil if it is disabled
	db     *registry.DB
	host   *stanza.Host
	from   string // the gateway's full JID
	clock  Clock
	log    *zerolog.Logger
	logged atomic.Int64 // when its last error was logged, in Unix nanoseconds
}

const journalPause = time.Minute // between two log entries about the journal

// isJournaled reports whether a stanza is a message that a person wrote.
func isJournaled(st *stanza.Inbound) bool {
	if st.Name != "message" || st.Type == "error" || st.Type == "headline" {
		return false
	}
	return st.Child(stanza.NS, "body") != nil || st.Child(xep.NSReactions, "reactions") != nil || st.Child(xep.NSRetract, "retract") != nil
}

// record adds a message from a user to the journal. The stream reader calls it, or the actor
// for a message from the spool.
func (jo *journal) record(st *stanza.Inbound) {
	if jo.file == nil || !isJournaled(st) {
		return
	}
	buf, ok := payloadBuffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	*buf = st.Append((*buf)[:0], stanza.NS)
	st.Entry = jo.add(registry.FromUser, st.User, *buf)
	payloadBuffers.Put(buf)
}

// payloadBuffers are the buffers of record, *[]byte.
var payloadBuffers sync.Pool

// settled removes a message from a user from the journal: it has an outcome.
func (jo *journal) settled(st *stanza.Inbound) {
	if st.Entry != 0 {
		jo.file.Done(st.Entry)
		st.Entry = 0
	}
}

// track adds a message to a user, which stays in the journal until the XMPP server has
// acknowledged it. It is stream.Config.Record.
func (jo *journal) track(m stream.Message) uint64 {
	if m.Entry != 0 {
		return m.Entry
	}
	return jo.add(registry.ToUser, m.User, m.Stanza)
}

// add adds an entry and returns its ID, 0 if the journal fails.
func (jo *journal) add(kind registry.JournalKind, user string, payload []byte) uint64 {
	now := jo.clock.Now()
	id, err := jo.file.Add(registry.JournalEntry{Kind: kind, Network: jo.host.Domain, User: user, Payload: payload, Created: now})
	if err != nil {
		if last := jo.logged.Load(); now.UnixNano()-last > int64(journalPause) && jo.logged.CompareAndSwap(last, now.UnixNano()) {
			jo.log.Error().Err(err).Msg("cannot write the journal: messages would be lost in a crash")
		}
	}
	return id
}

// settlement is a message to a user that gives journal entries their outcome.
type settlement struct {
	user    string
	payload []byte // the stanza
	created time.Time
	entries []uint64
}

// maxSettlers is for how many users settlements are written to the registry at once: the
// registry commits them together.
const maxSettlers = 64 // limit: users whose interrupted messages are written to the registry at once | further ones wait

// settle gives an outcome to everything that the process before has not finished. It returns
// the messages that the spool has no place for; they stay in the journal until they are
// acknowledged.
func (jo *journal) settle(ctx context.Context) (overflow []stream.Message) {
	entries, err := jo.file.Unfinished(jo.host.Domain)
	if err != nil {
		jo.log.Error().Err(err).Msg("the journal is damaged: some messages from before the crash are lost")
	}
	if len(entries) == 0 {
		return nil
	}
	jo.log.Warn().Int("entries", len(entries)).Msg("the gateway had not ended properly: users are told which messages are uncertain")
	of := make(map[string][]settlement) // by user; those of a user are written in order
	for _, one := range jo.settlements(entries) {
		of[one.user] = append(of[one.user], one)
	}
	var writing sync.WaitGroup
	var mu sync.Mutex // guards overflow
	places := make(chan struct{}, maxSettlers)
	for _, all := range of {
		places <- struct{}{}
		writing.Go(func() {
			for _, one := range all {
				if rest := jo.write(ctx, one); rest != nil {
					mu.Lock()
					overflow = append(overflow, *rest)
					mu.Unlock()
				}
			}
			<-places
		})
	}
	writing.Wait()
	return overflow
}

// settlements returns the messages that settle entries: those to users as they are, one
// report for the messages of a user to one receiver, and a warning to each user that was
// signed on.
func (jo *journal) settlements(entries []registry.JournalEntry) (all []settlement) {
	type sent struct {
		bounced []bounced
		ids     []uint64
	}
	uncertain, order := make(map[string]*sent), []string(nil)
	for _, e := range entries {
		switch e.Kind {
		case registry.ToUser:
			all = append(all, settlement{e.User, e.Payload, e.Created, []uint64{e.ID}})
		case registry.SignedOn:
			all = append(all, settlement{e.User, appendText(nil, jo.from, e.User, xep.NewID(),
				"The gateway was interrupted while you were signed on, and has restarted. Messages that you sent, or that were sent to you, in the last seconds before the interruption may be lost. Send yours again if you get no answer."),
				jo.clock.Now(), []uint64{e.ID}})
		case registry.FromUser:
			of := uncertain[e.User]
			if of == nil {
				of = &sent{}
				uncertain[e.User], order = of, append(order, e.User)
			}
			if parsed, err := stanza.Parse(e.Payload); err != nil {
				jo.log.Error().Err(err).Str("user", e.User).Msg("cannot parse a message of the journal")
				jo.file.Done(e.ID)
			} else if st, err := stanza.Read(parsed, jo.host); err == nil {
				of.bounced, of.ids = append(of.bounced, newBounced(st, stanza.ErrInterrupted)), append(of.ids, e.ID)
			}
		}
	}
	for _, user := range order {
		for of := uncertain[user]; len(of.bounced) > 0; {
			n := reportSize(of.bounced)
			all = append(all, settlement{user, appendReport(nil, jo.from, user, xep.NewID(), of.bounced[:n]), jo.clock.Now(), of.ids[:n]})
			of.bounced, of.ids = of.bounced[n:], of.ids[n:]
		}
	}
	return all
}

// write spools a settlement, and removes its entries from the journal. It returns the message
// if the spool of its user is full.
func (jo *journal) write(ctx context.Context, one settlement) *stream.Message {
	parsed, err := stanza.Parse(one.payload)
	if err != nil {
		jo.log.Error().Err(err).Str("user", one.user).Msg("cannot parse a message from before the crash")
		jo.file.Done(one.entries...)
		return nil
	}
	_, err = jo.db.KeepMessage(ctx, registry.Message{Network: jo.host.Domain, User: one.user, Direction: registry.Inbound,
		StanzaID: parsed.Attr("id"), Payload: one.payload, Created: one.created})
	if errors.Is(err, registry.ErrFull) {
		jo.file.Done(one.entries[1:]...)
		return &stream.Message{User: one.user, ID: parsed.Attr("id"), Stanza: one.payload, Entry: one.entries[0]}
	}
	if err != nil {
		jo.log.Error().Err(err).Str("user", one.user).Msg("cannot spool a message from before the crash")
		return nil // the next start tries again
	}
	jo.file.Done(one.entries...)
	return nil
}
