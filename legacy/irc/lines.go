package irc

import (
	"bytes"
	"errors"
	"io"
)

const (
	maxLine  = 16 << 10 // bytes of a line with its tags
	minLines = 256      // bytes of the buffer of a connection on which little is said
	fewReads = 8        // so many small reads in a row, and the buffer is too big
)

// errTooLong says that a line is longer than IRC allows.
var errTooLong = errors.New("irc: a line is too long")

// lineReader cuts what comes into lines. Its buffer is as big as what comes: most
// connections are idle, and there are thousands.
type lineReader struct {
	r     io.Reader
	buf   []byte
	n     int // bytes of it that were read and not yet cut
	small int // reads in a row that a smaller buffer would have done for
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: r, buf: make([]byte, minLines)} }

// fill reads until there is a whole line, or more.
func (l *lineReader) fill() error {
	for {
		if l.n == len(l.buf) && l.n == maxLine {
			return errTooLong
		}
		switch {
		case l.n == len(l.buf):
			l.resize(2 * len(l.buf))
		case l.small > fewReads && l.n < minLines && len(l.buf) > minLines:
			l.resize(max(minLines, len(l.buf)/2))
		}
		n, err := l.r.Read(l.buf[l.n:])
		if l.small++; l.n+n > len(l.buf)/4 {
			l.small = 0
		}
		whole := bytes.IndexByte(l.buf[l.n:l.n+n], '\n') >= 0
		l.n += n
		if whole {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *lineReader) resize(size int) {
	l.small = 0
	buf := make([]byte, min(size, maxLine))
	copy(buf, l.buf[:l.n])
	l.buf = buf
}

// lines cuts off all lines that are whole.
func (l *lineReader) lines() []string {
	end := bytes.LastIndexByte(l.buf[:l.n], '\n') + 1
	lines := make([]string, 0, bytes.Count(l.buf[:end], []byte{'\n'}))
	for line := range bytes.Lines(l.buf[:end]) {
		lines = append(lines, string(line)) // each by itself: what is kept of one must not keep all
	}
	full := l.n == len(l.buf)
	l.n = copy(l.buf, l.buf[end:l.n])
	if full && len(l.buf) < maxLine { // there is more than fits
		l.resize(2 * len(l.buf))
	}
	return lines
}
