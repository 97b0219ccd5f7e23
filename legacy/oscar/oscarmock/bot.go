package oscarmock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// Bot is a user of the network without a connection.
type Bot struct {
	net     *Network
	account *account
	opts    BotOptions
	in      chan BotMessage // for the goroutine that replies
	out     chan BotMessage // for Messages
	quit    chan struct{}

	// Network.mu guards the fields below.
	online    bool
	stopped   bool
	typed     map[string]int // number of typing events to the bot, by sender
	transfers map[oscarwire.Cookie]*FileTransfer
}

// BotOptions define the behaviour of a Bot.
type BotOptions struct {
	Password string // lets others sign on as the bot; "" for nobody
	Nick     string
	// NeedsAuth requires authorization to add the bot. Accept answers requests and room
	// invitations; nil accepts all.
	NeedsAuth bool
	Accept    func(from, reason string) bool
	// Reply returns the answer to a message, sent to the room if the message was; "" for
	// none.
	Reply func(from, text string) string
	// AddBack makes the bot add every account that adds it, and thus see its presence.
	AddBack bool
}

// BotMessage is a message received by a Bot.
type BotMessage struct {
	From, Text string
	HTML       string // as received, "" for plain text
	Offline    bool   // it was stored
	Room       string // "" for a message to the bot alone
}

// botQueue is the limit of messages queued for a bot, and in Messages.
const botQueue = 1024

// Bot creates an offline bot. It takes over an account of that name, also from another
// bot, which then stops.
func (n *Network) Bot(name string, o BotOptions) *Bot {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := oscarwire.NormalizeScreenName(name)
	a := n.accounts[id]
	if a == nil {
		a = newAccount(id, Account{Name: name})
		n.accounts[id] = a
	}
	a.Password, a.NeedsAuth = o.Password, o.NeedsAuth
	if o.Nick != "" {
		a.Nick = o.Nick
	}
	b := &Bot{net: n, account: a, opts: o, in: make(chan BotMessage, botQueue), out: make(chan BotMessage, botQueue), quit: make(chan struct{})}
	if a.bot != nil {
		b.online = a.bot.online
		a.bot.stop()
	}
	a.bot = b
	if n.closed {
		b.stop()
		return b
	}
	n.wg.Go(b.run)
	return b
}

// run replies to messages.
func (b *Bot) run() {
	for {
		select {
		case m := <-b.in:
			select {
			case b.out <- m:
			default: // nobody reads Messages
			}
			if b.opts.Reply == nil {
				continue
			}
			if text := b.opts.Reply(m.From, m.Text); text != "" {
				if m.Room != "" {
					b.Say(m.Room, oscarwire.TextToHTML(text))
				} else if err := b.Send(m.From, text); err != nil {
					b.net.log.Debug().Err(err).Msg("a bot cannot answer")
				}
			}
		case <-b.quit:
			return
		}
	}
}

// stop ends the bot's goroutine. Network.mu is held.
func (b *Bot) stop() {
	if !b.stopped {
		b.stopped = true
		close(b.quit)
	}
}

// Messages returns the messages received by the bot, up to botQueue of them.
func (b *Bot) Messages() <-chan BotMessage { return b.out }

// SignOn signs the bot on. It receives its stored messages.
func (b *Bot) SignOn() {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	a := b.account
	b.online = true
	a.signedOn = b.net.opts.Now()
	a.caps = []oscarwire.GUID{oscarwire.CapXHTML, oscarwire.CapTyping}
	b.net.sendPresence(a)
	waiting := a.offline
	a.offline = nil
	for _, m := range waiting {
		b.take(m.im, true)
	}
	b.net.changed.Broadcast()
}

// SignOff signs the bot off.
func (b *Bot) SignOff() {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.online = false
	b.account.status, b.account.away, b.account.statusText, b.account.idleSince = 0, "", "", time.Time{}
	b.net.sendPresence(b.account)
	b.net.changed.Broadcast()
}

// SetStatus changes the bot's status. away is AIM's away text, "" for none.
func (b *Bot) SetStatus(status oscarwire.Status, text, away string) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.account.status, b.account.statusText, b.account.away = status, text, away
	if b.online {
		b.net.sendPresence(b.account)
	}
}

// SetIdle sets the time since when the bot is idle, zero for active.
func (b *Bot) SetIdle(since time.Time) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.account.idleSince = since
	if b.online {
		b.net.sendPresence(b.account)
	}
}

// SetCapabilities changes the bot's capabilities.
func (b *Bot) SetCapabilities(caps ...oscarwire.GUID) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.account.caps = slices.Clone(caps)
	if b.online {
		b.net.sendPresence(b.account)
	}
}

// Send sends a plain message, stored for an offline recipient.
func (b *Bot) Send(to, text string) error {
	return b.SendIM(to, oscarwire.NewIMText(text, oscarwire.Encoder{}, oscarwire.DefaultFeatures))
}

// SendIM sends a message of channel 1 in any form.
func (b *Bot) SendIM(to string, t oscarwire.IMText) error {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	in := oscarwire.NewIncomingText(newIMCookie(), b.account.info(b.net.opts.Now()), t, oscarwire.IMWantsTyping, time.Time{})
	return b.net.sendIM(b.account, to, in)
}

// SendICQ sends a message of channel 4.
func (b *Bot) SendICQ(to string, m oscarwire.ICQMessage) error {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	return b.net.sendIM(b.account, to, oscarwire.NewIncomingICQ(newIMCookie(), b.account.info(b.net.opts.Now()), m, 0))
}

// SendRaw sends any message.
func (b *Bot) SendRaw(to string, in oscarwire.IncomingIM) error {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	in.From = b.account.info(b.net.opts.Now())
	return b.net.sendIM(b.account, to, in)
}

func newIMCookie() (k oscarwire.Cookie) {
	_, _ = rand.Read(k[:]) // never returns an error
	return k
}

// errNobody reports an account that does not exist.
var errNobody = errors.New("oscarmock: no such account")

func (n *Network) sendIM(from *account, to string, in oscarwire.IncomingIM) error {
	a := n.accounts[oscarwire.NormalizeScreenName(to)]
	switch {
	case a == nil || a.denies(from.id):
		return fmt.Errorf("%w: %s", errNobody, to)
	case a.online():
		n.deliver(a, in)
	case len(a.offline) >= maxStored:
		return fmt.Errorf("oscarmock: too many stored messages for %s", to)
	default:
		a.offline = append(a.offline, stored{in, n.opts.Now()})
	}
	return nil
}

// SetTyping sends a typing event.
func (b *Bot) SetTyping(to string, event oscarwire.TypingEvent) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	if a := b.net.accounts[oscarwire.NormalizeScreenName(to)]; a != nil {
		b.net.deliverTyping(a, oscarwire.Typing{Channel: oscarwire.IMChannelText, Name: b.account.Name, Event: event})
	}
}

// RequestAuth sends an authorization request.
func (b *Bot) RequestAuth(to, reason string) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.net.askAuth(b.account, oscarwire.NormalizeScreenName(to), reason)
}

// AnswerAuth answers an authorization request.
func (b *Bot) AnswerAuth(to string, granted bool, reason string) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.net.answerAuth(b.account, oscarwire.NormalizeScreenName(to), granted, reason)
}

// Add adds a name to the bot's list.
func (b *Bot) Add(name string) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.add(oscarwire.NormalizeScreenName(name))
}

func (b *Bot) add(id string) {
	a := b.account
	if a.lists(id) || len(a.items) >= b.net.opts.MaxBuddies {
		return
	}
	if len(a.items) == 0 {
		a.items = append(a.items, oscarwire.FeedbagItem{Name: "General", GroupID: 1, Class: oscarwire.FeedbagGroup})
	}
	free := uint16(1)
	for _, i := range a.items {
		free = max(free, i.ItemID+1)
	}
	item := oscarwire.FeedbagItem{Name: id, GroupID: 1, ItemID: free, Class: oscarwire.FeedbagBuddy}
	a.items = append(a.items, item)
	a.onList = nil
	b.net.edited(a, oscarwire.FeedbagInsert, oscarwire.FeedbagItems{item})
}

// Sees reports whether the bot sees a name online, and its status.
func (b *Bot) Sees(name string) (status oscarwire.Status, online bool) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	a := b.net.accounts[oscarwire.NormalizeScreenName(name)]
	if a == nil || !b.account.lists(a.id) || !a.visible() || a.denies(b.account.id) {
		return 0, false
	}
	return a.status, true
}

// received delivers a message to the bot. Network.mu is held, as in all methods below.
func (b *Bot) received(in oscarwire.IncomingIM) { b.take(in, false) }

func (b *Bot) take(in oscarwire.IncomingIM, offline bool) {
	m := BotMessage{From: oscarwire.NormalizeScreenName(in.From.Name), Offline: offline}
	switch in.Channel {
	case oscarwire.IMChannelText:
		t, err := in.Text()
		if err != nil {
			return
		}
		if m.Text = t.Text(nil); oscarwire.LooksLikeHTML(m.Text) {
			m.HTML, m.Text = m.Text, oscarwire.HTMLToText(m.Text)
		}
	case oscarwire.IMChannelICQ:
		c, err := in.ICQMessage()
		if err != nil || c.Type != oscarwire.MessagePlain {
			return
		}
		m.Text = (*oscarwire.CodePage)(nil).Decode(c.Text)
	case oscarwire.IMChannelRendezvous:
		b.rendezvous(in)
		return
	default:
		return
	}
	b.enqueue(m)
}

// enqueue queues a message for the bot's goroutine.
func (b *Bot) enqueue(m BotMessage) {
	select {
	case b.in <- m:
	default:
		b.net.log.Warn().Str("bot", b.account.Name).Msg("the queue of a bot is full")
	}
}

func (b *Bot) typingFrom(t oscarwire.Typing) {
	if t.Event != oscarwire.TypingBegun {
		return
	}
	if b.typed == nil {
		b.typed = make(map[string]int)
	}
	b.typed[oscarwire.NormalizeScreenName(t.Name)]++
	b.net.changed.Broadcast()
}

// WaitTyping waits until a name has sent the bot that many typing events.
func (b *Bot) WaitTyping(ctx context.Context, from string, times int) error {
	id := oscarwire.NormalizeScreenName(from)
	return b.net.wait(ctx, from+" to type", func() bool { return b.typed[id] >= times })
}

func (b *Bot) added(id string) {
	if b.opts.AddBack {
		b.add(id)
	}
}

func (b *Bot) authRequested(id, reason string) {
	granted := b.opts.Accept == nil || b.opts.Accept(id, reason)
	b.net.answerAuth(b.account, id, granted, "")
	if granted {
		b.added(id)
	}
}
