package ircwire

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Format is the formatting of a piece of text. The zero value is plain.
type Format struct {
	Bold, Italic, Underline, Strike, Monospace bool
	// Fore and Back are colours: Coloured | 0xRRGGBB, or 0 for none.
	Fore, Back uint32
}

// Coloured distinguishes black from no colour in a Format.
const Coloured = 1 << 24

// Run is a piece of text with one format.
type Run struct {
	Text   string
	Format Format
}

// palette are mIRC's colours 0 to 98.
var palette = [99]uint32{
	0xffffff, 0x000000, 0x00007f, 0x009300, 0xff0000, 0x7f0000, 0x9c009c, 0xfc7f00,
	0xffff00, 0x00fc00, 0x009393, 0x00ffff, 0x0000fc, 0xff00ff, 0x7f7f7f, 0xd2d2d2,
	0x470000, 0x472100, 0x474700, 0x324700, 0x004700, 0x00472c, 0x004747, 0x002747, 0x000047, 0x2e0047, 0x470047, 0x47002a,
	0x740000, 0x743a00, 0x747400, 0x517400, 0x007400, 0x007449, 0x007474, 0x004074, 0x000074, 0x4b0074, 0x740074, 0x740045,
	0xb50000, 0xb56300, 0xb5b500, 0x7db500, 0x00b500, 0x00b571, 0x00b5b5, 0x0063b5, 0x0000b5, 0x7500b5, 0xb500b5, 0xb5006b,
	0xff0000, 0xff8c00, 0xffff00, 0xb2ff00, 0x00ff00, 0x00ffa0, 0x00ffff, 0x008cff, 0x0000ff, 0xa500ff, 0xff00ff, 0xff0098,
	0xff5959, 0xffb459, 0xffff71, 0xcfff60, 0x6fff6f, 0x65ffc9, 0x6dffff, 0x59b4ff, 0x5959ff, 0xc459ff, 0xff66ff, 0xff59bc,
	0xff9c9c, 0xffd39c, 0xffff9c, 0xe2ff9c, 0x9cff9c, 0x9cffdb, 0x9cffff, 0x9cd3ff, 0x9c9cff, 0xdc9cff, 0xff9cff, 0xff94d3,
	0x000000, 0x131313, 0x282828, 0x363636, 0x4d4d4d, 0x656565, 0x818181, 0x9f9f9f, 0xbcbcbc, 0xe2e2e2, 0xffffff,
}

// maxRuns limits the runs of one line.
const maxRuns = 200 // limit: formatted runs of a line | the rest has the format of the last

// Formatted splits a text at formatting characters. The texts of the runs concatenated
// equal Plain(s). It returns nil if the text has no formatting.
func Formatted(s string) []Run {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' }) {
		return nil
	}
	var runs []Run
	var now Format
	var b strings.Builder
	plain := true
	end := func() {
		if b.Len() == 0 {
			return
		}
		if len(runs) > 0 && (runs[len(runs)-1].Format == now || len(runs) >= maxRuns) {
			runs[len(runs)-1].Text += b.String()
		} else {
			runs = append(runs, Run{b.String(), now})
			plain = plain && now == Format{}
		}
		b.Reset()
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if r >= ' ' || r == '\t' {
			if !unicode.IsControl(r) || r == '\t' {
				b.WriteString(s[i-n : i])
			}
			continue
		}
		end()
		i += now.change(byte(r), s[i:])
	}
	end()
	if plain {
		return nil
	}
	return runs
}

// change applies a formatting character and returns the length of its arguments in the
// text that follows.
func (f *Format) change(code byte, follows string) int {
	switch code {
	case bold:
		f.Bold = !f.Bold
	case italic:
		f.Italic = !f.Italic
	case underline:
		f.Underline = !f.Underline
	case strikethrough:
		f.Strike = !f.Strike
	case monospace:
		f.Monospace = !f.Monospace
	case reverse:
		f.Fore, f.Back = f.Back, f.Fore
	case reset:
		*f = Format{}
	case colour:
		size := colourLen(follows)
		f.setColour(follows[:size])
		return size
	case hexColour:
		size := hexLen(follows)
		f.setHex(follows[:size])
		return size
	}
	return 0
}

// maxPrefix is the longest sequence, in bytes, that changes plain text to any format.
const maxPrefix = 5 + len("\x0300,00") // limit: bytes that the formatting needs at the beginning of a line | never exceeded: room is left for it

// SplitFormatted is Split for a text with formatting characters: each part begins with
// the format in effect at the cut.
func SplitFormatted(text string, limit int) []string {
	var parts []string
	for line := range strings.Lines(text) {
		var now Format
		for _, part := range Split(line, limit-maxPrefix) {
			var b strings.Builder
			new(Format).turnInto(now, &b)
			parts = append(parts, b.String()+part)
			for i := 0; i < len(part); i++ {
				if part[i] < ' ' {
					i += now.change(part[i], part[i+1:])
				}
			}
		}
	}
	return parts
}

// setColour applies the arguments of 03: "", "4" or "4,12".
func (f *Format) setColour(code string) {
	if code == "" {
		f.Fore, f.Back = 0, 0
		return
	}
	look := func(number string) uint32 {
		if n, err := strconv.Atoi(number); err == nil && n < len(palette) {
			return palette[n] | Coloured
		}
		return 0
	}
	fore, back, both := strings.Cut(code, ",")
	f.Fore = look(fore)
	if both {
		f.Back = look(back)
	}
}

// setHex applies the arguments of 04: "", "ff0000" or "ff0000,00ff00".
func (f *Format) setHex(code string) {
	if code == "" {
		f.Fore, f.Back = 0, 0
		return
	}
	look := func(hex string) uint32 {
		n, err := strconv.ParseUint(hex, 16, 24)
		if err != nil {
			return 0
		}
		return uint32(n) | Coloured
	}
	fore, back, both := strings.Cut(code, ",")
	f.Fore = look(fore)
	if both {
		f.Back = look(back)
	}
}

// Encode formats runs with formatting characters. Each line restarts from plain,
// because it becomes a message of its own.
func Encode(runs []Run) string {
	var b strings.Builder
	now := Format{}
	for _, run := range runs {
		for i, line := range strings.SplitAfter(run.Text, "\n") {
			if i > 0 {
				now = Format{}
			}
			if line == "" || line == "\n" {
				b.WriteString(line)
				continue
			}
			now.turnInto(run.Format, &b)
			b.WriteString(line)
		}
		if strings.HasSuffix(run.Text, "\n") {
			now = Format{}
		}
	}
	return b.String()
}

// turnInto writes the formatting characters that change one format to another.
func (f *Format) turnInto(want Format, b *strings.Builder) {
	if (f.Fore != 0 || f.Back != 0) && want.Fore == 0 && want.Back == 0 {
		b.WriteByte(reset) // a 03 alone would read following digits as a colour
		*f = Format{}
	}
	toggle := func(have *bool, want bool, code byte) {
		if *have != want {
			b.WriteByte(code)
			*have = want
		}
	}
	toggle(&f.Bold, want.Bold, bold)
	toggle(&f.Italic, want.Italic, italic)
	toggle(&f.Underline, want.Underline, underline)
	toggle(&f.Strike, want.Strike, strikethrough)
	toggle(&f.Monospace, want.Monospace, monospace)
	if f.Fore == want.Fore && f.Back == want.Back {
		return
	}
	fore, back := 99, 99 // the defaults
	if want.Fore != 0 {
		fore = nearest(want.Fore)
	}
	if want.Back != 0 {
		back = nearest(want.Back)
	}
	b.WriteByte(colour)
	b.WriteString(twoDigits(fore) + "," + twoDigits(back)) // always both, so that a comma in the text is not read as part of the code
	f.Fore, f.Back = want.Fore, want.Back
}

func twoDigits(n int) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }

// nearest returns the nearest of the first 16 colours, which every client supports.
func nearest(c uint32) int {
	best, least := 0, 1<<30
	for i, p := range palette[:16] {
		d := 0
		for shift := 0; shift <= 16; shift += 8 {
			diff := int(c>>shift&0xff) - int(p>>shift&0xff)
			d += diff * diff
		}
		if d < least {
			best, least = i, d
		}
	}
	return best
}
