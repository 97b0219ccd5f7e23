package irc

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"transport/legacy/irc/ircwire"
)

// FuzzServer feeds a connected client with any input: nothing panics, every event is
// legal, and each query has one answer.
func FuzzServer(f *testing.F) {
	for _, s := range []string{
		":alice!u@h JOIN #a\n:s 353 alice = #a :alice @bob\n:s 366 alice #a :End\n:bob!b@h PRIVMSG #a :hi\n",
		":s 005 alice PREFIX=(qaohv)~&@%+ CASEMAPPING=ascii :x\n:bob MODE #room +ovb-l x y z\n",
		":bob!b@h PRIVMSG alice :\x01VERSION\x01\n:bob NOTICE * :x\n:s 475 alice #a :no\n:s 401\n:s 433 * x :y\n",
		":bob KICK #room alice\n:alice NICK :bob\nPING\n:bob QUIT\n:s 332\n:s 333 a #room b c\nAWAY\nTOPIC\nPART\nNICK\nERROR\n",
		"@label=1 :s BATCH +x labeled-response\n@batch=x :s 404 alice #room :no\n:s BATCH -x\n@+draft/react=x;+draft/reply=1 :bob!b@h TAGMSG #room\n",
		":bob!b@h REDACT #room 1 :x\n:alice!u@h REDACT #room id :x\n:s FAIL REDACT X #room id :no\n@+draft/unreact=x;+draft/reply=1 :bob!b@h TAGMSG #room\n",
		":s MARKREAD #room timestamp=2026-01-02T03:04:05.678Z\n:s MARKREAD bob *\n:s FAIL MARKREAD INTERNAL_ERROR #room :x\n@time=2026-01-02T03:04:05.678Z :bob!b@h PRIVMSG #room :x\n",
		":s 352 alice #room b h s bob H :0 Bob\n:s 315 alice bob :End\n:s 341 alice bob #room\n:bob!b@h NICK rob\n:bob!b@h JOIN #room\n",
		":s 324 alice #room +kl\n:s 367 alice #room\n:s 368 alice #room\n:s 311 alice bob\n:s 318 alice bob\n:s 322 alice #x\n:s 323\n:s 734 alice 1 bob\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, refs := busy(t, allCaps...)
		for text := range bytes.Lines(b) {
			m, err := ircwire.Parse(l.c.decode(string(text)))
			if err == nil && l.c.onMessage(m) != nil {
				break
			}
		}
		l.after(time.Minute)
		l.ends(refs, "")
	})
}

// FuzzRegistering feeds a client during its registration.
func FuzzRegistering(f *testing.F) {
	for _, s := range []string{
		":s CAP * LS * :sasl=PLAIN\n:s CAP * LS :batch\n:s CAP * ACK :sasl\nAUTHENTICATE +\n:s 903\n:s 001 alice :x\n",
		":s CAP * LS :sasl=SCRAM-SHA-256\n:s CAP * ACK :sasl\nAUTHENTICATE +\nAUTHENTICATE cj14LHM9eCxpPTk=\n:s 904\n:s 908 alice PLAIN\n:s 904\n",
		":s CAP * LS :a b\n:s CAP * NAK :batch chghost\n:s 433\n:s 432\n:s 437\nPING\nNOTICE\n:s 907\n:s 001\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := setup{fields: map[string]string{"password": "pw", "nicks": "ally"}}.lab(t)
		for text := range bytes.Lines(b) {
			m, err := ircwire.Parse(l.c.decode(string(text)))
			if err != nil {
				continue
			}
			if done, err := l.c.reg.onRegistering(m); done || err != nil {
				break
			}
		}
		l.sent()
	})
}

// FuzzModes: any PREFIX and CHANMODES, and any mode changes.
func FuzzModes(f *testing.F) {
	f.Add("PREFIX=(qaohv)~&@%+ CHANMODES=beI,k,lf,imnpst", "+qao-v bob bob bob carol", "+kl key 5")
	f.Add("PREFIX=()", "+o-o+o", "+")
	f.Add("PREFIX=(ob)@+ CHANMODES=o,o,o,o", "+ob bob", "-k")
	f.Fuzz(func(t *testing.T, tokens, change, settings string) {
		l, refs := busy(t)
		for _, line := range []string{":s 005 alice " + tokens + " :x", ":s MODE #room " + change, ":s 324 alice #room " + settings, ":s MODE #room " + settings} {
			line, _, _ = strings.Cut(line, "\n")
			_ = l.c.onLines([]string{line})
		}
		for _, who := range l.c.channels.byName["#room"].members {
			if len(who.modes) > 256 {
				t.Errorf("%q becomes %q", change, who.modes)
			}
		}
		for _, one := range l.c.channels.changes(change, strings.Fields(settings)) {
			if one.mode == '+' || one.mode == '-' {
				t.Errorf("%q changes %q", change, one.mode)
			}
		}
		l.ends(refs, "")
	})
}
