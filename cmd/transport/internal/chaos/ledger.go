package main

import (
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// direction is the path of a message.
type direction string

// The directions. Those that end at XMPP have receivers who recognise a repetition by its
// id.
const (
	toICQ       direction = "XMPP → ICQ"
	toSlowICQ   direction = "XMPP → ICQ, rate-limited"
	toNick      direction = "XMPP → IRC"
	toChannel   direction = "XMPP → channel"
	fromICQ     direction = "ICQ → XMPP"
	fromNick    direction = "IRC → XMPP"
	fromChannel direction = "channel → XMPP"
	fromFile    direction = "ICQ file → XMPP"
)

func (d direction) toXMPP() bool {
	return d == fromICQ || d == fromFile || d == fromNick || d == fromChannel
}

// message is a numbered message. Its number is in its text, as a mark.
type message struct {
	number int
	dir    direction
	user   string // the XMPP user who sends or receives it, a bare JID
	domain string // of the gateway
	strike int    // number of the strike during which it was sent
	sent   time.Time

	first    time.Time // of its deliveries
	arrived  []string  // the ids of its deliveries; "" where the network has none
	refused  bool      // by an error stanza with its id
	unsure   bool      // that error says that it may have arrived
	report   report
	reported time.Time
	counted  bool // a message of the gateway gives the number of such messages
}

// report is what a message of the gateway says about a message.
type report uint8

const (
	noReport    report = iota
	undelivered        // it was not delivered
	uncertain          // it may not have arrived
)

// warning is a message of the gateway that it, or its link, was interrupted.
type warning struct {
	at       time.Time
	incoming bool      // it says that messages to the user may be lost, too
	since    time.Time // it names this time; zero for the last seconds before a crash
}

// number is a message of the gateway that a number of a user's messages were refused.
type number struct {
	user, domain string
	count        int
	from, to     time.Time // when they were sent
}

// ledger is the record of all messages and of everything that the receivers and senders
// observe. Any goroutine may call its methods. They get the time from the caller and do no
// I/O.
type ledger struct {
	mu       sync.Mutex
	messages []*message           // by number
	byID     map[string]*message  // by user and stanza id
	strikes  []string             // names of the faults
	crashes  []time.Time          // of the gateway
	warnings map[string][]warning // that the gateway was interrupted, by user and domain
	numbers  []number
	strict   map[string]bool // faults that excuse no loss of a message from a user
	unknown  int             // marks that nobody has sent
	changed  time.Time       // when the last event was recorded
}

func newLedger() *ledger {
	return &ledger{byID: make(map[string]*message), warnings: make(map[string][]warning), strict: make(map[string]bool)}
}

// strike begins a strike of a fault. Messages that are sent from now on belong to it.
// strict: the gateway can know that it has not read messages of users, and must say so.
func (l *ledger) strike(name string, strict bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strikes = append(l.strikes, name)
	l.strict[name] = strict
}

// send records a message that is about to be sent, and returns its number.
func (l *ledger) send(dir direction, user, domain string, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &message{number: len(l.messages), dir: dir, user: user, domain: domain, strike: len(l.strikes) - 1, sent: now}
	l.messages = append(l.messages, m)
	l.byID[user+" "+stanzaID(m.number)] = m
	return m.number
}

// unsend removes a message that could not be handed to anybody.
func (l *ledger) unsend(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, l.messages[number].user+" "+stanzaID(number))
	l.messages[number].strike = -1
}

// deliver records that a receiver has got the message with the id, which is "" on the
// networks. history marks a copy from the history of a room: it is a delivery only if
// the receiver does not have that id already.
func (l *ledger) deliver(number int, id string, history bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.message(number)
	if m == nil || history && slices.Contains(m.arrived, id) {
		return
	}
	if len(m.arrived) == 0 {
		m.first = now
	}
	m.arrived = append(m.arrived, id)
	l.changed = now
}

// refuse records an error stanza with that id to a user; unsure: it says that the message
// may have arrived.
func (l *ledger) refuse(user, id string, unsure bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.byID[user+" "+id]; m != nil {
		m.refused, m.unsure = true, unsure
		l.changed = now
	}
}

// tell records that a message of the gateway to a user reports the fate of one of their
// messages.
func (l *ledger) tell(user string, number int, r report, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.message(number); m != nil && m.user == user {
		m.report, m.reported = max(m.report, r), now
		l.changed = now
	}
}

// crash records that the gateway was killed.
func (l *ledger) crash(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.crashes = append(l.crashes, now)
}

// warn records that the gateway has warned a user that it was interrupted.
func (l *ledger) warn(user, domain string, w warning) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := user + " " + domain
	l.warnings[key] = append(l.warnings[key], w)
	l.changed = w.at
}

// tellNumber records that the gateway has told a user how many messages it has refused.
func (l *ledger) tellNumber(n number, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.numbers = append(l.numbers, n)
	l.changed = now
}

// spread gives the numbers to messages that have no other outcome. l.mu is held.
func (l *ledger) spread() {
	for _, m := range l.messages {
		m.counted = false
	}
	for _, n := range l.numbers {
		for _, m := range l.messages {
			if n.count > 0 && m.user == n.user && m.domain == n.domain && !m.dir.toXMPP() && len(m.arrived) == 0 && !m.refused && m.report == noReport &&
				!m.counted && m.sent.After(n.from) && m.sent.Before(n.to) {
				m.counted = true
				n.count--
			}
		}
	}
}

// message returns a message by its number. l.mu is held.
func (l *ledger) message(number int) *message {
	if number < 0 || number >= len(l.messages) {
		l.unknown++
		return nil
	}
	return l.messages[number]
}

// receiver returns the direction of a message and its XMPP user.
func (l *ledger) receiver(number int) (direction, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.message(number); m != nil {
		return m.dir, m.user
	}
	return "", ""
}

// A warning that the gateway was interrupted covers the messages of these last seconds
// before the crash, and of the moment until the other side has noticed it.
const (
	warnedBefore = 5 * time.Second
	warnedAfter  = time.Second
)

// isWarned reports whether a warning covers a message. l.mu is held.
func (l *ledger) isWarned(m *message) bool {
	if slices.ContainsFunc(l.warnings[m.user+" "+m.domain], func(w warning) bool {
		return !m.dir.toXMPP() && !w.since.IsZero() && m.sent.After(w.since) && m.sent.Before(w.at)
	}) {
		return true
	}
	for _, crash := range l.crashes {
		if m.sent.Before(crash.Add(-warnedBefore)) || m.sent.After(crash.Add(warnedAfter)) {
			continue
		}
		if slices.ContainsFunc(l.warnings[m.user+" "+m.domain], func(w warning) bool {
			return w.since.IsZero() && crash.Before(w.at) && (w.incoming || !m.dir.toXMPP())
		}) {
			return true
		}
	}
	return false
}

// witness returns why the gateway is not to blame for the loss of a message, from the record
// of what passed between the processes; "" without a proof.
type witness func(number int, dir direction) string

// outcome is the fate of a message that did not arrive, or of one that did.
type outcome string

const (
	delivered       outcome = "delivered"
	refused         outcome = "refused"
	toldUndelivered outcome = "reported as not delivered"
	toldUncertain   outcome = "reported as uncertain"
	warned          outcome = "covered by the warning"
	excused         outcome = "excused"
	lost            outcome = "LOST"
)

// fate returns the outcome of a message, with the reason if it is excused. l.mu is held.
func (l *ledger) fate(m *message, seen witness) (outcome, string) {
	switch {
	case len(m.arrived) > 0:
		return delivered, ""
	case m.refused && m.unsure:
		return toldUncertain, ""
	case m.refused:
		return refused, ""
	case m.report == undelivered, m.counted:
		return toldUndelivered, ""
	case m.report == uncertain:
		return toldUncertain, ""
	case l.isWarned(m):
		return warned, ""
	}
	if reason := seen(m.number, m.dir); reason != "" && (m.dir.toXMPP() || m.strike < 0 || !l.strict[l.strikes[m.strike]]) {
		return excused, reason
	}
	return lost, ""
}

// open returns the number of messages of the current strike without an outcome, and the time
// of the last event.
func (l *ledger) open(seen witness) (pending int, last time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spread()
	for _, m := range l.messages {
		if m.strike != len(l.strikes)-1 {
			continue
		}
		if o, _ := l.fate(m, seen); o == lost {
			pending++
		}
	}
	return pending, l.changed
}

// arrivals returns the numbers of the messages that have arrived.
func (l *ledger) arrivals() map[int]direction {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[int]direction)
	for _, m := range l.messages {
		if len(m.arrived) > 0 {
			all[m.number] = m.dir
		}
	}
	return all
}

// markPattern also matches a mark in a link.
var markPattern = regexp.MustCompile(`q(?:\[|%5B)(\d+)(?:\]|%5D)`)

// mark is the text of a message.
func mark(number int) string { return "a line q[" + strconv.Itoa(number) + "]" }

// stanzaID is the id of a message of an XMPP user.
func stanzaID(number int) string { return "m" + strconv.Itoa(number) }

// marksIn returns the numbers in a text.
func marksIn(text string) (numbers []int) {
	for _, found := range markPattern.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(found[1]); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}
