package irc

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"transport/legacy"
	"transport/legacy/irc/ircwire"
)

// lines has one line of each handled command, in the form of servers, with the maximum
// of parameters.
var lines = []string{
	"CAP * LS * :sasl=PLAIN batch", "CAP * LS :multi-prefix", "CAP * ACK :sasl", "CAP * NAK :sasl batch", "CAP * NEW :setname", "CAP * DEL :batch",
	"AUTHENTICATE +", "900 alice alice!u@h alice :You are logged in", "901 alice alice!u@h :Logged out", "902 alice :Locked", "903 alice :Success",
	"904 alice :Failed", "905 alice :Too long", "906 alice :Aborted", "907 alice :Already", "908 alice PLAIN,EXTERNAL :are available",
	"001 alice :Welcome", "005 alice PREFIX=(ov)@+ CHANMODES=b,k,l,i CASEMAPPING=ascii MONITOR=5 :are supported", "375 alice :MOTD", "372 alice :- x", "376 alice :End",
	"422 alice :No MOTD", "396 alice a.host :is your host", "221 alice +i", "PING :x", "PONG irc.test :x", "ERROR :Closing", "PRIVMSG alice :hi", "PRIVMSG #room :\x01ACTION x\x01",
	"PRIVMSG alice :\x01VERSION x\x01", "NOTICE alice :hi", "TAGMSG #room", "BATCH +x netsplit a b", "BATCH -x", "FAIL X Y #room :no", "WARN X Y :careful", "NOTE X Y :see",
	"JOIN #room account :Real", "PART #room :bye", "KICK #room bob :bye", "QUIT :bye", "NICK bobby", "MODE #room +ovbkl bob bob a!b@c key 5", "TOPIC #room :topic",
	"INVITE alice #room", "AWAY :out", "ACCOUNT acc", "CHGHOST u h", "SETNAME :Real", "ACK",
	"303 alice :bob", "730 alice :bob!b@h", "731 alice :bob", "734 alice 5 bob :Full", "321 alice Channel :Users Name", "322 alice #a 5 :topic", "323 alice :End",
	"324 alice #room +ntkl key 5", "329 alice #room 1700000000", "331 alice #room :No topic", "332 alice #room :topic", "333 alice #room bob!b@h 1700000000",
	"353 alice = #room :@alice +bob!b@h", "366 alice #room :End", "367 alice #room a!b@c bob 1700000000", "368 alice #room :End",
	"301 alice bob :away", "311 alice bob b h * :Bob", "312 alice bob irc.test :Server", "313 alice bob :Operator", "317 alice bob 5 1700000000 :idle", "318 alice bob :End",
	"319 alice bob :#room", "330 alice bob acc :is logged in as", "335 alice bob :is a bot", "338 alice bob 1.2.3.4 :actually", "378 alice bob :from", "671 alice bob :secure",
	"263 alice LIST :Try again", "416 alice LIST :Too many", "351 alice v1 irc.test :x",
	"REDACT #room id :x", "FAIL REDACT REDACT_FORBIDDEN #room id :no", "352 alice #room b h irc.test bob H :0 Bob", "315 alice bob :End", "263 alice WHO :Try again", "341 alice bob #room",
}

func init() {
	for n := 400; n < 600; n++ {
		lines = append(lines, fmt.Sprintf("%d alice bob #room :Not so", n), fmt.Sprintf("%d alice #room :Not so", n), fmt.Sprintf("%d alice #new :Not so", n))
	}
}

// busy returns a lab with one pending query of each kind, and their refs.
func busy(t testing.TB, caps ...string) (*lab, []string) {
	l := newLab(t, caps...)
	room := l.enter("#room", "@bob", "carol")
	ctx := t.Context()
	var refs []string
	ref := func() string {
		refs = append(refs, fmt.Sprint("r", len(refs)))
		return refs[len(refs)-1]
	}
	l.do(l.s.Watch(ctx, bob, true))
	for range 2 {
		l.do(l.s.JoinRoom(ctx, legacy.Peer{ID: "#new", Room: true}, "alice", ""))
		l.say(ref(), room, "hi\nthere")
		l.say(ref(), bob, "hi")
		l.do(l.s.Moderate(ctx, ref(), room, legacy.Moderation{Nick: "bob", Kick: true}))
		l.do(l.s.Moderate(ctx, ref(), room, legacy.Moderation{Nick: "carol", Level: legacy.LevelVoice}))
		l.do(l.s.RequestRoomConfig(ctx, ref(), room))
		l.do(l.s.SetRoomConfig(ctx, ref(), room, legacy.RoomConfig{Moderated: true}))
		l.do(l.s.RequestBans(ctx, ref(), room))
		l.do(l.s.SetBan(ctx, ref(), room, "x", true))
		l.do(l.s.RequestProfile(ctx, ref(), bob))
		l.do(l.s.Do(ctx, ref(), bob, "whois", nil))
		l.do(l.s.ListRooms(ctx, ref(), legacy.Peer{}))
		l.do(l.s.Redact(ctx, ref(), room, "id", "x"))
		l.do(l.s.Search(ctx, ref(), map[string]string{"nick": "bob"}))
		l.do(l.s.Search(ctx, ref(), map[string]string{"channel": "x"}))
		l.do(l.s.Invite(ctx, room, bob))
	}
	return l, refs
}

// ends ends a busy lab, and checks that each query was answered once.
func (l *lab) ends(refs []string, context string) {
	l.t.Helper()
	l.c.giveUp(nil)
	l.sent()
	answers := make(map[string]int)
	for _, ev := range l.events {
		answers[refOf(ev)]++
	}
	for _, ref := range refs {
		if answers[ref] != 1 {
			l.t.Errorf("%s: %s is answered %d times", context, ref, answers[ref])
		}
	}
}

func refOf(ev legacy.Event) string {
	switch ev := ev.(type) {
	case legacy.MessageSent:
		return ev.Ref
	case legacy.MessageFailed:
		return ev.Ref
	case legacy.Done:
		return ev.Ref
	case legacy.RoomConfigReceived:
		return ev.Ref
	case legacy.BansReceived:
		return ev.Ref
	case legacy.ProfileReceived:
		return ev.Ref
	case legacy.CommandDone:
		return ev.Ref
	case legacy.RoomsListed:
		return ev.Ref
	case legacy.SearchFinished:
		return ev.Ref
	}
	return ""
}

var allCaps = []string{"labeled-response", "echo-message", "message-tags", "batch", "extended-join", "chathistory", "server-time", "draft/message-redaction", readMarkerCap}

// TestTruncated: every line, with ever fewer parameters, with and without a source.
func TestTruncated(t *testing.T) {
	for _, line := range lines {
		full, err := ircwire.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(full.Params) + 1 {
			sources := []string{"irc.test", "", "bob!b@h", "alice!u@h", "!", "bob", "@h"}
			if isError(full.Command) { // errors are handled alike
				sources = sources[:1]
			}
			for _, source := range sources {
				for _, caps := range [][]string{nil, allCaps} {
					m := full
					m.Params, m.Source = full.Params[:n], source
					l, refs := busy(t, caps...)
					_ = l.c.onMessage(m) // it may end the connection
					l.after(rawTime)
					l.ends(refs, fmt.Sprintf("%+v", m))

					l = setup{fields: map[string]string{"password": "secret", "nicks": "ally"}}.lab(t)
					if done, err := l.c.reg.onRegistering(m); err == nil && !done {
						_, _ = l.c.reg.onRegistering(m)
					}
					l.sent()
				}
			}
			if t.Failed() {
				t.Fatalf("%.60s, %d parameters", line, n)
			}
		}
	}
}

// TestEveryByte: members whose names and texts contain every byte.
func TestEveryByte(t *testing.T) {
	for b := range 256 {
		if b == '\n' {
			continue
		}
		for _, bad := range []string{string([]byte{byte(b)}), "x" + string([]byte{byte(b)}), "x" + string([]byte{byte(b)}) + "y", string([]byte{byte(b), byte(b)})} {
			l, refs := busy(t, allCaps...)
			for _, format := range []string{
				":%s!b@h JOIN #room", ":%s!%s@%s JOIN #room %s :%s", ":bob!b@h JOIN %s", ":bob!b@h PRIVMSG #room :%s", ":bob!b@h PRIVMSG alice :%s", ":bob!b@h NOTICE #room :%s",
				":%s!b@h PRIVMSG #room :hi", ":%s!b@h PRIVMSG alice :hi", ":%s PRIVMSG #room :hi", ":bob!b@h PRIVMSG #room :\x01ACTION %s\x01", ":bob!b@h PRIVMSG alice :\x01%s\x01",
				":bob!b@h PRIVMSG alice :\x01PING %s\x01", ":bob!b@h NOTICE alice :\x01%s %s\x01", ":bob!b@h PRIVMSG alice :\x01DCC %s\x01",
				"@msgid=%s;account=%s;time=%s;+draft/reply=%s :bob!b@h PRIVMSG #room :hi", `@msgid=\%s;account=\%s :bob!b@h PRIVMSG #room :hi`,
				"@+draft/react=%s;+draft/reply=%s :bob!b@h TAGMSG #room", "@+typing=active :%s!b@h TAGMSG #room", "@label=%s :irc.test ACK", "@batch=%s PRIVMSG #room :x",
				":bob!b@h TOPIC #room :%s", ":%s!b@h TOPIC #room :x", ":carol!c@h AWAY :%s", ":carol!c@h ACCOUNT %s", ":carol!c@h CHGHOST %s %s", ":alice!u@h CHGHOST %s %s",
				":bob!b@h MODE #room +%s x", ":bob!b@h MODE #room +k %s", ":bob!b@h MODE #room +l %s", ":%s MODE #room +m", ":bob!b@h MODE #room +b %s",
				":bob!b@h INVITE alice %s", ":bob!b@h INVITE %s #room", ":%s!b@h INVITE alice #room", ":bob!b@h INVITE alice #%s",
				":irc.test 332 alice #room :%s", ":irc.test 333 alice #room %s %s", ":irc.test 353 alice = #new :%s", ":irc.test 353 alice = #new :x!%s@%s", ":irc.test 366 alice #new :%s",
				":irc.test 367 alice #room %s %s %s", ":irc.test 324 alice #room +kl %s %s", ":irc.test 311 alice bob %s %s * :%s", ":irc.test 319 alice bob :%s", ":irc.test 322 alice #%s 1 :%s",
				":irc.test 404 alice #room :%s", ":irc.test 471 alice #new :%s", ":irc.test 499 alice %s :%s", ":irc.test 730 alice :%s!x@y", "FAIL X %s :%s", "NOTE X :%s",
				":carol!c@h NICK %s", ":bob!b@h KICK #room carol :%s", ":%s!x@h KICK #room carol :x", ":bob!b@h PART #room :%s", ":dave!d@h JOIN #room", ":dave!d@h QUIT :%s",
				":irc.test 005 alice PREFIX=(o%s)@%s :x", ":irc.test 005 alice CHANMODES=%s,%s,%s,%s NETWORK=%s :x", ":irc.test 005 alice CASEMAPPING=%s MONITOR=%s :x",
				":irc.test 734 alice 5 %s :Full", ":irc.test BATCH +%s %s", ":irc.test BATCH -%s",
				":alice!u@%s NICK %s", ":irc.test 366 alice #new :End", ":alice!%s@%s JOIN #%s", ":irc.test 396 alice %s :is your host",
			} {
				if err := l.c.onLines([]string{strings.ReplaceAll(format, "%s", bad)}); err != nil {
					t.Errorf("%q in %q ends the connection: %v", bad, format, err)
				}
			}
			l.ends(refs, fmt.Sprintf("%q", bad))
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}

// TestSoup: valid lines in an invalid order.
func TestSoup(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(1, uint64(seed)))
		l, refs := busy(t, allCaps[:r.IntN(len(allCaps)+1)]...)
		for range 200 {
			m, _ := ircwire.Parse(lines[r.IntN(len(lines))])
			m.Source = []string{"irc.test", "bob!b@h", "alice!u@h", "carol!c@h", ""}[r.IntN(5)]
			m.Tags = []map[string]string{nil, {"label": fmt.Sprint(r.IntN(30))}, {"batch": "x"}, {"msgid": "1"}}[r.IntN(4)]
			m.Params = append([]string{}, m.Params...)
			for range r.IntN(3) {
				if len(m.Params) > 0 {
					m.Params[r.IntN(len(m.Params))] = []string{"alice", "bob", "#room", "#new", "*", "", "+", "-", "x y"}[r.IntN(9)]
				}
			}
			if m.Command == "ERROR" {
				continue
			}
			if r.IntN(50) == 0 {
				l.after(time.Minute)
				l.c.err, l.c.pingSent = nil, time.Time{}
			}
			_ = l.c.onMessage(m)
		}
		l.ends(refs, fmt.Sprint("seed ", seed))
		if t.Failed() {
			t.FailNow()
		}
	}
}

// TestMemory: cached data of members does not keep the server's tags in memory.
func TestMemory(t *testing.T) {
	l := newLab(t)
	l.enter("#room")
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 4000 {
		l.hear(fmt.Sprintf("@a=%s;account=acc%d :nick%d!u@h%d JOIN #room", strings.Repeat("x", 8000), i, i, i))
		l.events = nil
	}
	if grown := int64(heap()) - int64(before); grown > 8<<20 {
		t.Errorf("4,000 people take %d KiB", grown>>10)
	}
	runtime.KeepAlive(l)
}

// TestEndless: endless answers use bounded memory.
func TestEndless(t *testing.T) {
	l := setup{}.lab(t)
	for i := range 10_000 {
		l.registering(fmt.Sprintf(":irc.test CAP * LS * :cap%d batch sasl=%d chghost chghost", i, i), fmt.Sprintf(":irc.test NOTICE * :*** %d", i), fmt.Sprintf(":irc.test CAP * LS * :%s", strings.Repeat("setname ", 100)))
	}
	if len(l.c.reg.offered) > len(wanted) || len(l.c.reg.greeting) > maxGreeting || len(l.c.caps) > len(wanted) {
		t.Errorf("%d capabilities, %d notices", len(l.c.reg.offered), len(l.c.reg.greeting))
	}
	l = newLab(t, "batch")
	room := legacy.Peer{ID: "#room", Room: true}
	l.do(l.s.JoinRoom(t.Context(), room, "alice", ""))
	for i := range 10_000 {
		l.hear(fmt.Sprintf(":irc.test BATCH +b%d netsplit", i))
	}
	n := 0
	for range 5_000 {
		line := ":irc.test 353 alice = #room :"
		for range 30 {
			line += fmt.Sprintf("nick%d ", n)
			n++
		}
		l.hear(line)
	}
	members := len(l.c.channels.byName["#room"].members)
	if len(l.c.pending.batches) > maxBatches || members > maxMembers+100 || members < maxMembers {
		t.Errorf("%d batches, %d members", len(l.c.pending.batches), members)
	}
	l.hear(":irc.test 366 alice #room :End")
	take[legacy.RoomJoined](l)
	l.hear(":more!m@h JOIN #room")
	l.want()
	if what := l.c.info(); len(what) > 1000 {
		t.Errorf("info %q", what)
	}
}
