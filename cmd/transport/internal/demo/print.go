package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

// printer prints the demo.
type printer struct {
	w               io.Writer
	colours         bool
	steps, messages int
}

func newPrinter(w io.Writer) *printer {
	f, ok := w.(*os.File)
	return &printer{w: w, colours: ok && isatty.IsTerminal(f.Fd()) && os.Getenv("NO_COLOR") == ""}
}

// The colours of the terminal.
const (
	bold  = "1"
	faint = "2"
	green = "32"
	blue  = "34"
)

func (p *printer) paint(colour, s string) string {
	if !p.colours {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(p.w, format+"\n", args...)
}

// step begins a part of the story.
func (p *printer) step(title string) {
	p.steps++
	p.line("\n%s", p.paint(bold, title))
}

// fact prints a fact, or something that a user sees.
func (p *printer) fact(format string, args ...any) {
	p.line("  %s", fmt.Sprintf(format, args...))
}

// said prints a message as its receiver sees it.
func (p *printer) said(name, text string) {
	p.messages++
	colour := green
	if name == "Alice" {
		colour = blue
	}
	for i, line := range strings.Split(text, "\n") {
		left := fmt.Sprintf("%5s", "")
		if i == 0 {
			left = fmt.Sprintf("%5s", name)
		}
		p.line("  %s  %s  %s", p.paint(faint, time.Now().Format("15:04:05")), p.paint(colour, left), line)
	}
}

// invite prints how to log in with another client.
func (p *printer) invite(st *stage) {
	p.step("Your turn")
	host, port, _ := strings.Cut(st.prosody.Client, ":")
	p.fact("Log in with your own XMPP client:")
	for _, row := range [][2]string{
		{"Address (JID)", "alice@" + domain},
		{"Password", password},
		{"Server", host + ", port " + port + " (unencrypted, or TLS with an untrusted certificate)"},
		{"Gateway", gateway},
		{"ICQ number", AliceUIN},
		{"ICQ password", AlicePassword},
		{"Bob", BobUIN + "@" + gateway + " (" + BobUIN + " on ICQ)"},
	} {
		p.fact("  %-14s %s", row[0], row[1])
	}
	p.fact("Register with the gateway: use your client's service discovery, or write to it")
	p.fact("\"register %s %s\". Then add Bob, who replies to messages.", AliceUIN, AlicePassword)
	p.fact("Press Ctrl-C to stop everything.")
}
