package muc

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"transport/component/componenttest"
	"transport/component/stanza"
	"transport/legacy"
)

// TestRoomModel plays random sequences of what clients and the network do in a room, and
// compares what the clients receive with a model of XEP-0045 (model_client_test.go).
func TestRoomModel(t *testing.T) {
	s := newStage(t, 0, 0)
	seeds := 400
	if testing.Short() {
		seeds = 40
	}
	componenttest.Explore(t, seeds, 60, func(r *rand.Rand) roomStep {
		return roomStep{r.IntN(len(roomSteps)), r.IntN(3), r.IntN(len(modelNicks)), r.IntN(6)}
	}, func(steps []roomStep) error { return playRoom(s, steps) })
}

// roomStep is a step of a roomModel.
type roomStep struct{ kind, client, nick, level int }

func (st roomStep) String() string {
	return fmt.Sprintf("%s client=%s nick=%s level=%d", roomSteps[st.kind].name, modelClients[st.client], modelNicks[st.nick], st.level)
}

var (
	modelClients = []string{phone, laptop, alice + "/tablet"}
	modelNicks   = []string{"alice", "bob", "zoe", "carol", "al"}
)

// roomSteps are the steps. Each is possible in every state, if only as a step without effect.
var roomSteps = []struct {
	name string
	do   func(m *roomModel, st roomStep)
}{
	{"the client joins", func(m *roomModel, st roomStep) { m.join(m.client(st), modelNicks[st.nick]) }},
	{"the client joins as alice", func(m *roomModel, st roomStep) { m.join(m.client(st), "alice") }},
	{"the client leaves", func(m *roomModel, st roomStep) { m.leave(m.client(st)) }},
	{"the client changes its nick", func(m *roomModel, st roomStep) { m.changeNick(m.client(st), modelNicks[st.nick]) }},
	{"the client says something", func(m *roomModel, st roomStep) { m.sayAs(m.client(st)) }},
	{"the client sets the subject", func(m *roomModel, st roomStep) { m.setSubject(m.client(st)) }},
	{"the client kicks", func(m *roomModel, st roomStep) { m.kick(m.client(st), modelNicks[st.nick], false) }},
	{"the client bans", func(m *roomModel, st roomStep) { m.kick(m.client(st), modelNicks[st.nick], true) }},
	{"the client is away", func(m *roomModel, st roomStep) { m.away(m.client(st), "away") }},
	{"the client is back", func(m *roomModel, st roomStep) { m.away(m.client(st), "") }},
	{"the client goes offline", func(m *roomModel, st roomStep) { m.goOffline(m.client(st)) }},
	{"the XMPP link is lost and back", func(m *roomModel, st roomStep) { m.loseLink() }},
	{"the network answers", func(m *roomModel, st roomStep) { m.answer(true) }},
	{"the network answers", func(m *roomModel, st roomStep) { m.answer(true) }},
	{"the network answers", func(m *roomModel, st roomStep) { m.answer(true) }},
	{"the network refuses", func(m *roomModel, st roomStep) { m.answer(false) }},
	{"an occupant joins", func(m *roomModel, st roomStep) {
		if nick := m.absent(st); m.in && nick != "" {
			m.occupants[nick] = legacy.Occupant{Nick: nick, Level: legacy.Level(st.level % 5)}
			m.emit(legacy.OccupantJoined{Room: clubPeer, Occupant: m.occupants[nick]})
		}
	}},
	{"an occupant leaves", func(m *roomModel, st roomStep) {
		if nick := m.present(st); nick != "" {
			delete(m.occupants, nick)
			m.emit(legacy.OccupantLeft{Room: clubPeer, Nick: nick, Kind: legacy.LeaveKind(st.level % 4), By: "bob"})
		}
	}},
	{"an occupant changes its nick", func(m *roomModel, st roomStep) {
		if old, nick := m.present(st), m.absent(roomStep{nick: st.level}); old != "" && nick != "" {
			m.rename(old, nick)
		}
	}},
	{"an occupant changes", func(m *roomModel, st roomStep) {
		if nick := m.present(st); nick != "" {
			m.occupants[nick] = legacy.Occupant{Nick: nick, Level: legacy.Level(st.level % 5), Away: st.client == 1}
			m.emit(legacy.OccupantChanged{Room: clubPeer, Occupant: m.occupants[nick]})
		}
	}},
	{"an occupant says something", func(m *roomModel, st roomStep) {
		if nick := m.present(st); nick != "" {
			m.messages++
			text := fmt.Sprint("line ", m.messages)
			m.expectEach(text)
			m.emit(legacy.RoomMessage{Room: clubPeer, Nick: nick, Text: text})
		}
	}},
	{"an occupant sets the subject", func(m *roomModel, st roomStep) {
		if nick := m.present(st); nick != "" {
			m.subject("about "+fmt.Sprint(st.level), nick)
		}
	}},
	{"the network renames the user", func(m *roomModel, st roomStep) {
		if nick := m.absent(st); m.in && nick != "" {
			m.rename(m.nick, nick)
		}
	}},
	{"the network changes the user", func(m *roomModel, st roomStep) {
		if m.in {
			m.occupants[m.nick] = legacy.Occupant{Nick: m.nick, Level: legacy.Level(st.level % 5)}
			m.emit(legacy.OccupantChanged{Room: clubPeer, Occupant: m.occupants[m.nick]})
		}
	}},
	{"the user is removed", func(m *roomModel, st roomStep) {
		if m.in && !m.awaits("join") {
			m.in = false
			m.emit(legacy.RoomLeft{Room: clubPeer, Kind: legacy.LeaveKind(st.level % 4), By: "bob"})
		}
	}},
	{"the network repeats the occupants", func(m *roomModel, st roomStep) {
		if m.in {
			m.change(st)
			m.joined()
		}
	}},
	{"the room is interrupted", func(m *roomModel, st roomStep) {
		if m.in {
			m.refuseNick()
			m.interrupted = true
			m.emit(legacy.RoomInterrupted{Room: clubPeer, Err: legacy.Errorf(legacy.Temporary, "It is lost.")})
		}
	}},
	{"the room is back", func(m *roomModel, st roomStep) {
		if m.in && m.interrupted {
			m.change(st)
			m.joined()
		}
	}},
	{"the session ends", func(m *roomModel, st roomStep) { m.endSession(legacy.Errorf(legacy.Temporary, "It is lost.")) }},
	{"the session ends for good", func(m *roomModel, st roomStep) { m.endSession(legacy.Errorf(legacy.Auth, "It is refused.")) }},
	{"the session is back", func(m *roomModel, st roomStep) {
		if m.offline {
			m.offline = false
			m.Rejoin()
		}
	}},
	{"a second passes", func(m *roomModel, st roomStep) { m.pass(time.Second) }},
	{"a minute passes", func(m *roomModel, st roomStep) { m.pass(61 * time.Second) }},
	{"the user signs off", func(m *roomModel, st roomStep) {
		if m.in = false; !m.offline {
			m.endRequests()
			m.SessionEnded()
			m.offline = true
		}
		m.Close("332", stanza.ErrNotOnline)
	}},
}

// roomModel is a room on the network, and what its clients know.
type roomModel struct {
	*stage
	clients map[string]*modelClient

	// The network:
	in          bool // the user is in the room
	interrupted bool // the session has lost the room, for which the network has the user in it
	nick        string
	occupants   map[string]legacy.Occupant
	requests    []string          // not answered yet
	saying      []*stanza.Inbound // messages that are not confirmed yet
	subjects    []string          // ids of subject changes that have no answer, oldest first
	asksNick    string            // id of the last nick change that has no answer
	messages    int
	failure     error
}

func (m *roomModel) fail(format string, args ...any) {
	if m.failure == nil {
		m.failure = fmt.Errorf(format, args...)
	}
}

// playRoom plays a sequence, in a new room.
func playRoom(s *stage, steps []roomStep) (err error) {
	s.Rooms = NewRooms(s.ctx, s.shared, s.host, s.marks, alice, s.log)
	s.written, s.asked, s.sent, s.offline, s.refused, s.account.Options = nil, nil, nil, false, nil, nil
	clear(s.answers)
	if s.shared.Linger = 0; len(steps) > 0 && steps[0].level%2 == 0 {
		s.shared.Linger = 2 * time.Second
	}
	m := &roomModel{stage: s, clients: make(map[string]*modelClient), occupants: make(map[string]legacy.Occupant)}
	for _, full := range modelClients {
		m.clients[full] = &modelClient{m: m, full: full, view: make(map[string]string)}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for _, st := range steps {
		roomSteps[st.kind].do(m, st)
		m.settle()
		if m.failure != nil {
			return m.failure
		}
	}
	return nil
}

// settle reads what was written and asked, and compares the clients with the network.
func (m *roomModel) settle() {
	for _, e := range m.written {
		if c := m.clients[e.Attr("to")]; c != nil {
			c.receive(e)
		} else {
			m.fail("nobody's: %s", e)
		}
	}
	m.written = nil
	for _, what := range m.asked {
		// Adapters join a room once that is left and joined again.
		if strings.HasPrefix(what, "join") && m.awaits("leave") {
			m.requests = slices.DeleteFunc(m.requests, func(r string) bool { return strings.HasPrefix(r, "join") || strings.HasPrefix(r, "leave") })
		}
		m.requests = append(m.requests, what)
	}
	m.asked = nil
	for _, full := range modelClients {
		m.clients[full].check()
	}
}

// awaits reports whether the network has not answered a request of a kind.
func (m *roomModel) awaits(kind string) bool {
	return slices.ContainsFunc(m.requests, func(r string) bool { return strings.HasPrefix(r, kind) })
}

func (m *roomModel) client(st roomStep) *modelClient { return m.clients[modelClients[st.client]] }

// present returns the nick of an occupant who is not the user, "" if there is none.
func (m *roomModel) present(st roomStep) string {
	var all []string
	for nick := range m.occupants {
		if nick != m.nick {
			all = append(all, nick)
		}
	}
	if !m.in || m.interrupted || len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return all[st.nick%len(all)]
}

// absent returns a nick that nobody has, "" if there is none.
func (m *roomModel) absent(st roomStep) string {
	for i := range modelNicks {
		nick := modelNicks[(st.nick+i)%len(modelNicks)]
		if _, taken := m.occupants[nick]; !taken && !m.interrupted {
			return nick
		}
	}
	return ""
}

// change changes the occupants while the session does not see it.
func (m *roomModel) change(st roomStep) {
	if nick := modelNicks[st.nick]; nick != m.nick {
		if _, there := m.occupants[nick]; there {
			delete(m.occupants, nick)
		} else {
			m.occupants[nick] = legacy.Occupant{Nick: nick, Level: legacy.Level(st.level % 5)}
		}
	}
}

// joined reports the room to the session.
func (m *roomModel) joined() {
	m.interrupted, m.asksNick = false, ""
	ev := legacy.RoomJoined{Room: clubPeer, Nick: m.nick, Topic: legacy.Topic{Text: "all sorts", By: "bob"}}
	for _, o := range m.occupants {
		ev.Occupants = append(ev.Occupants, o)
	}
	for _, c := range m.clients {
		if c.state == clientIn {
			c.subjects++
		}
	}
	m.subjects = nil // the clients have errors, or the check of their answers fails
	m.emit(ev)
}

func (m *roomModel) rename(old, nick string) {
	if m.interrupted {
		return
	}
	o := m.occupants[old]
	delete(m.occupants, old)
	o.Nick = nick
	m.occupants[nick] = o
	if old == m.nick {
		m.nick = nick
		m.asksNick = "" // the gateway cannot tell whether that answers a request
	}
	m.emit(legacy.OccupantRenamed{Room: clubPeer, Old: old, New: nick})
}

// refuseNick expects an error for the last nick change.
func (m *roomModel) refuseNick() {
	m.clientError(m.asksNick)
	m.asksNick = ""
}

func (m *roomModel) subject(text, by string) {
	for _, c := range m.clients {
		if c.state == clientIn {
			c.subjects++
		}
	}
	m.subjects = nil
	m.emit(legacy.TopicChanged{Room: clubPeer, Topic: legacy.Topic{Text: text, By: by}})
}

// expectEach expects that each client in the room receives a text once.
func (m *roomModel) expectEach(text string) {
	for _, c := range m.clients {
		if c.state == clientIn && m.isShown() {
			c.texts = append(c.texts, text)
		}
	}
}

// isShown reports whether the session has the user in the room.
func (m *roomModel) isShown() bool { return m.in && !m.interrupted && !m.offline }

// answer answers the oldest request to the network, or confirms the oldest message.
func (m *roomModel) answer(yes bool) {
	if m.offline {
		return
	}
	if len(m.requests) == 0 {
		m.confirm()
		return
	}
	what := strings.SplitN(m.requests[0], " ", 4)
	m.requests = m.requests[1:]
	switch what[0] {
	case "join":
		m.answerJoin(yes, what[3])
	case "leave":
		if m.in {
			m.in, m.interrupted = false, false
			m.emit(legacy.RoomLeft{Room: clubPeer})
		}
	case "nick":
		m.answerNick(yes, what[2])
	case "topic":
		switch {
		case !m.isShown(), m.awaits("leave"):
		case yes:
			m.subject(strings.Join(what[2:], " "), m.nick)
		default:
			m.emit(legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(legacy.Forbidden, "The subject is locked.")})
		}
	case "moderate":
		m.answerModeration(yes, what[2])
	}
}

func (m *roomModel) answerJoin(yes bool, as string) {
	as = strings.TrimPrefix(as, "as ")
	switch {
	case m.in: // once more
		m.joined()
	case yes:
		m.in, m.nick = true, as
		m.occupants = map[string]legacy.Occupant{as: {Nick: as}, "mod": {Nick: "mod", Level: legacy.LevelOperator}}
		m.joined()
	default:
		m.emit(legacy.RoomFailed{Room: clubPeer, Err: legacy.Errorf(legacy.MembersOnly, "Only members may join.")})
	}
}

func (m *roomModel) answerNick(yes bool, nick string) {
	if !m.isShown() {
		return
	}
	if _, taken := m.occupants[nick]; yes && !taken {
		m.rename(m.nick, nick)
		return
	}
	m.refuseNick()
	m.emit(legacy.RoomFailed{Room: clubPeer, Nick: true, Err: legacy.Errorf(legacy.Conflict, "The nick is in use.")})
}

func (m *roomModel) answerModeration(yes bool, who string) {
	if !yes || m.occupants[who].Nick == "" || who == m.nick || !m.isShown() {
		m.done(legacy.Errorf(legacy.Forbidden, "You are no operator."))
		return
	}
	delete(m.occupants, who)
	m.emit(legacy.OccupantLeft{Room: clubPeer, Nick: who, Kind: legacy.LeftKicked, By: m.nick})
	m.done(nil)
}

// done answers the oldest query.
func (m *roomModel) done(err error) {
	for ref, answer := range m.answers {
		delete(m.answers, ref)
		answer(legacy.Done{Ref: ref, Err: err})
		return
	}
}

// confirm confirms the oldest message, which each client in the room then receives.
func (m *roomModel) confirm() {
	if len(m.saying) == 0 {
		return
	}
	st := m.saying[0]
	m.saying = m.saying[1:]
	m.expectEach(st.ChildText(stanza.NS, "body"))
	m.Reflect(st, "")
}

// endSession ends the session, whose requests nobody answers.
func (m *roomModel) endSession(err error) {
	if m.offline {
		return
	}
	m.endRequests()
	m.SessionEnded()
	m.offline = true
	m.SessionLost(false, err)
	if legacy.KindOf(err) == legacy.Auth {
		m.in = false
	}
}

func (m *roomModel) endRequests() {
	m.asksNick = ""
	m.in, m.interrupted = false, false
	m.requests, m.saying = nil, nil
	clear(m.answers)
}

func (m *roomModel) pass(d time.Duration) {
	m.now = m.now.Add(d)
	next := m.Next()
	for turn := 0; !next.IsZero() && !next.After(m.now); next = m.Next() {
		if m.Due(m.now); turn > 100 {
			m.fail("a timer stays due")
			return
		}
		turn++
	}
}

// loseLink loses the link to the XMPP server: the clients are in no room any more.
func (m *roomModel) loseLink() {
	m.LinkChanged()
	m.asksNick, m.subjects = "", nil
	for _, c := range m.clients {
		c.out()
	}
	m.LeaveEmpty()
}
