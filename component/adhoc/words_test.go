package adhoc

import (
	"strings"
	"testing"
	"time"

	"transport/component/stanza"
	"transport/component/xep"
)

const (
	toAnswer  = "\nWrite your answer, or cancel to stop."
	cancelled = "Cancelled; nothing was changed."
	warning   = "\nYour client keeps the message with your password: delete it there."
	sortOfTea = "Sort of tea? One of: green, black." + toAnswer
	milk      = "Milk?" + toAnswer
	onItsWay  = "Your tea is on its way."
	help      = "This is a gateway.\nI understand:\nhelp: this text\nhello: Hello\nbroken: Broken\ntea SORT [CUPS]: order some tea\n" +
		"join: Sign up\nsettings [NAME VALUE]: Settings\nsearch: Search\nwait: Wait\nend: End it\npeople: People\nwordy: A word only"
	unknown = "I do not know that command.\n" + help
	shown   = "Some settings:\nstay = yes: Stay\nnick = ann: Nick\nkey = (not shown): Key"
)

// Commands by words: arguments, questions for what is missing, and mistakes.
func TestWords(t *testing.T) {
	for _, tt := range []struct {
		name  string
		turns []string // what the user writes, and the answer
		did   []string
	}{
		{"help", []string{"help", help, "?", help, "HELP", help, " help me ", help}, nil},
		{"unknown", []string{"xyzzy", unknown, "poke", unknown, "server", unknown, "absent", unknown, "", unknown, "\u200b\x00\t\n", unknown}, nil},
		{"no forms", []string{"hello", "Good day.", "HELLO  there", "Good day.", "wordy", "Words.", "quiet", "Done.", "broken", stanza.ErrDatabase.Text,
			"strange", "That is not for you.", "probe", "Pong."}, nil},
		{"hidden", []string{"shut-down", unknown, "Shut-Down now", unknown}, nil},
		{"all arguments", []string{"tea green 2", milk, "yes", onItsWay}, []string{"green 2 true"}},
		{"spaces", []string{"  tea \t black   2  and\u00a0more ", milk, "Off", onItsWay}, []string{"black 2  and\u00a0more false"}},
		{"asked for all", []string{"tea", "Choose.\n" + sortOfTea, "Green Tea", milk, "1", onItsWay}, []string{"green  true"}},
		{"one argument", []string{"TEA black", milk, "no", onItsWay}, []string{"black  false"}},
		{"wrong argument", []string{"tea coffee", "Choose one of: green, black."}, nil},
		{"wrong answers", []string{"tea", "Choose.\n" + sortOfTea, "coffee", "Choose one of: green, black.\n" + sortOfTea, "green", milk,
			"perhaps", "Write yes or no.\n" + milk, "help", milk, "true", onItsWay}, []string{"green  true"}},
		{"refused, before anything was asked", []string{"tea green many", "That is no number."}, nil},
		{"refused for good", []string{"tea green 100", "The pot is empty.", "green", unknown}, nil},
		{"cancelled", []string{"tea", "Choose.\n" + sortOfTea, "Cancel", cancelled, "green", unknown}, nil},
		{"another command instead", []string{"tea", "Choose.\n" + sortOfTea, "hello", "Good day.", "green", unknown}, nil},
		{"the same again", []string{"tea", "Choose.\n" + sortOfTea, "tea black", milk, "no", onItsWay}, []string{"black  false"}},
		{"a sentence that begins like a command", []string{"join", "Choose a name.\nName?" + toAnswer, "hello world", "Password?" + toAnswer, secret, "You have joined." + warning},
			[]string{"joined hello world"}},
		{"a password like a command", []string{"join ann", "Choose a name.\nPassword?" + toAnswer, "hello", "The password is wrong.\nPassword?" + toAnswer,
			"help", "The password is wrong.\nPassword?" + toAnswer, secret, "You have joined." + warning}, []string{"joined ann"}},
		{"control characters", []string{"join a\x00nn\x1b[1m " + secret + "\x7f", "You have joined." + warning}, []string{"joined ann[1m"}},
		{"a password in one go", []string{"join ann " + secret, "You have joined." + warning}, []string{"joined ann"}},
		{"a wrong password in one go", []string{"join ann wrong", "The password is wrong." + warning, secret, unknown}, nil},
		{"settings", []string{"settings", shown + "\nTo change one, write: settings NAME VALUE", "settings stay no", "Stored.", "settings NICK  bo b ", "Stored.",
			"settings key " + secret, "Stored." + warning, "settings nick", "Stored."}, []string{"stay=false", "nick=bo b", "key=" + secret, "nick="}},
		{"no such setting", []string{"settings colour red", "There is no setting with that name.\n" + shown, "settings stay perhaps", "Write yes or no."}, nil},
		{"yes", []string{"end", "It ends.\nWrite yes to go on, or anything else to cancel.", "YES", "It is over."}, []string{"ended"}},
		{"yes at once", []string{"end yes", "It is over."}, []string{"ended"}},
		{"no", []string{"end", "It ends.\nWrite yes to go on, or anything else to cancel.", "no", cancelled, "yes", unknown}, nil},
		{"a command is no yes", []string{"end now", "It ends.\nWrite yes to go on, or anything else to cancel.", "hello", cancelled}, nil},
		{"a table", []string{"people", "Here they are." + strings.Repeat("\nAnn, 30", maxLines) + "\n… and 5 more."}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.T = t
			w.conversation(phone, tt.turns...)
			w.did(tt.did...)
			for _, r := range w.awaited {
				if !r.Answered() {
					t.Errorf("a request is not answered: %s", r.Element)
				}
			}
			if n := len(w.executions); n != 0 {
				t.Errorf("%d executions are left", n)
			}
		})
	}
}

// A word of a command for administrators is the end of its node, and only theirs.
func TestWordsOfAdministrators(t *testing.T) {
	w := newWorld(t)
	w.in[Admins] = true
	w.conversation(phone, "shut-down", "Shut.", "help", help+"\nshut-down: Shut down\nprobe: Probe")
}

// Each client has a dialogue of its own, beside its forms.
func TestDialogues(t *testing.T) {
	w := newWorld(t)
	step := w.started(phone, "sign-up")
	w.conversation(phone, "tea", "Choose.\n"+sortOfTea)
	w.conversation(laptop, "join", "Choose a name.\nName?"+toAnswer)
	w.conversation(phone, "green", milk)
	w.conversation(laptop, "ann", "Password?"+toAnswer)
	w.note(step("complete", submit("name", "bob", "password", secret)), "completed", "info", "You have joined.")
	w.conversation(phone, "no", onItsWay)
	w.conversation(laptop, secret, "You have joined."+warning)
	w.did("joined bob", "green  false", "joined ann")
}

// A late answer is neither a command nor sent to the network: it may be a password. That
// holds once for each client, and for a while.
func TestLate(t *testing.T) {
	w := newWorld(t)
	w.takes = true
	for _, tick := range []bool{true, false} { // whether the timer runs out before the text arrives
		w.conversation(phone, "join ann", "Choose a name.\nPassword?"+toAnswer)
		w.now = w.now.Add(answerTime)
		if tick {
			w.Due(w.now)
			if w.Next() != w.now.Add(answerTime) {
				t.Errorf("it is remembered until %v", w.Next())
			}
		}
		w.conversation(phone, secret, "You took too long to answer; nothing was changed. Start again.", "hello", "Good day.")
	}
	w.conversation(phone, "join ann", "Choose a name.\nPassword?"+toAnswer)
	w.now = w.now.Add(answerTime)
	w.Due(w.now)
	w.conversation(laptop, "hello", "Good day.")
	w.now = w.now.Add(answerTime + time.Second)
	w.conversation(phone, "hello", "Good day.")
	w.did()
	if len(w.raw) != 0 || w.Busy() {
		t.Errorf("sent to the network: %q; busy %t", w.raw, w.Busy())
	}
}

// Each question has ten minutes of its own.
func TestQuestionsInTime(t *testing.T) {
	w := newWorld(t)
	w.conversation(phone, "tea", "Choose.\n"+sortOfTea)
	for range 3 {
		w.now = w.now.Add(answerTime - 1)
		w.conversation(phone, "help", sortOfTea)
	}
	w.now = w.now.Add(answerTime - 1)
	w.conversation(phone, "green", milk)
	w.now = w.now.Add(answerTime - 1)
	w.conversation(phone, "no", onItsWay)
	w.did("green  false")
}

// A network may take texts that are no commands, or look like its own protocol.
func TestRaw(t *testing.T) {
	w := newWorld(t)
	w.takes = true
	w.conversation(phone, "whois bob", "", "WHO bob", "", "HELLO", "", "help", help, "?", help, "hello", "Good day.", "I", "")
	if got := strings.Join(w.raw, ", "); got != "whois bob, WHO bob, HELLO, I" {
		t.Errorf("the network gets %q", got)
	}
	w.conversation(phone, "join", "Choose a name.\nName?"+toAnswer, "ANN LEE", "Password?"+toAnswer, "cancel", cancelled)
	if len(w.raw) != 4 {
		t.Errorf("the network gets an answer: %q", w.raw)
	}
}

// A command that the network answers later says its result then, and only once. One that
// is not answered in time says so.
func TestWordsLater(t *testing.T) {
	w := newWorld(t)
	w.conversation(phone, "wait", "")
	if len(w.awaited) != 1 {
		t.Fatalf("%d requests are awaited", len(w.awaited))
	}
	w.conversation(phone, "hello", "Good day.")
	w.said = nil
	x := w.person.running[0]
	x.Finish("info", "", xep.NewForm("result", "", "", "").Add(xep.NewField("n", "text-single", "Number", "1", "2"), xep.NewField("FORM_TYPE", "hidden", "", "urn:x")))
	x.Finish("info", "Again.", nil)
	if len(w.said) != 1 || w.said[0] != phone+" Number: 1, 2" {
		t.Errorf("hears %q", w.said)
	}

	w.conversation(phone, "wait", "")
	w.said = nil
	w.awaited[len(w.awaited)-1].Fail(stanza.ErrTimeout)
	w.person.running[1].Finish("info", "At last.", nil)
	if len(w.said) != 1 || w.said[0] != phone+" "+stanza.ErrTimeout.Text {
		t.Errorf("hears %q", w.said)
	}
	w.conversation(phone, "wait", "")
	w.said = nil
	w.awaited[len(w.awaited)-1].Fail(stanza.ErrNotAllowed) // which has no text
	if len(w.said) != 1 || w.said[0] != phone+" That cannot be done: not allowed." {
		t.Errorf("hears %q", w.said)
	}
}

// While the network answers, the user can write other commands, and is not late.
func TestWordsMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.conversation(phone, "search", "Name?"+toAnswer, "ann", "", "cancel", unknown, "hello", "Good day.", "search bob", "", "cancel", unknown)
	for _, r := range w.awaited {
		r.Fail(stanza.ErrTimeout)
	}
	w.now = w.now.Add(answerTime)
	w.Due(w.now)
	if w.Busy() {
		t.Error("commands that have failed are kept")
	}
	w.conversation(phone, "hello", "Good day.")

	// Errors about the answer ask for it again, if anything was asked before.
	w.conversation(phone, "search", "Name?"+toAnswer, "ann", "")
	w.said = nil
	w.person.running[2].AskAgain("Nobody has that name.", "name")
	if len(w.said) != 1 || w.said[0] != phone+" Nobody has that name.\nName?"+toAnswer {
		t.Errorf("hears %q", w.said)
	}
	w.conversation(phone, "bob", "")
	w.said = nil
	w.person.running[3].Fail(stanza.ErrInternal)
	if len(w.said) != 1 || w.said[0] != phone+" "+stanza.ErrInternal.Text {
		t.Errorf("hears %q", w.said)
	}
}

// FuzzText writes three texts to the gateway: each is answered once at most, and a text
// that answers the question for a password is never repeated.
func FuzzText(f *testing.F) {
	for _, seed := range [][3]string{
		{"help", "?", ""}, {"tea", "green", "yes"}, {"tea green many", "cancel", "x"}, {"join ann", secret, "x"}, {"join", "help", "join"},
		{"settings stay no", "settings", "SETTINGS KEY x"}, {"end", "yes", "end yes"}, {"end", "tea\ngreen\u2028", "\x00\u200b"}, {"wait", "wait", "wait"},
		{"tea  ", "tea\u00a0black 2", "join \u202e x"}, {strings.Repeat("tea ", 1000), "coffee", "\xff\xfe"}, {"people", "strange", "shut-down"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, first, second, third string) {
		w := newWorld(t)
		for _, text := range []string{first, second, third} {
			private := false
			if x := w.dialogueOf(phone); x != nil {
				asked := fieldOf(x.fields(), x.words.asking)
				private = asked != nil && isPrivate(asked)
			}
			running := len(w.person.running)
			got := w.writes(phone, text)
			if n := len(w.said) + len(w.person.running) - running; n != 1 {
				t.Errorf("%q is answered %d times: %q", text, n, w.said)
			}
			if private && len(text) > 20 && strings.Contains(got, text) {
				t.Errorf("a password is repeated: %q", got)
			}
		}
		if n := len(w.executions); n > 1 {
			t.Errorf("one client has %d dialogues", n)
		}
		w.now = w.now.Add(2 * answerTime)
		w.Due(w.now)
		w.Due(w.now.Add(answerTime))
		if w.Busy() {
			t.Error("it never ends")
		}
	})
}
