package irc

import (
	"bytes"
	"errors"
	"io"
)

const (
	maxLine  = 16 << 10 // limit: bytes of a line from the server, including tags | the connection ends, and is opened again
	minLines = 256      // bytes of an idle connection's buffer
	fewReads = 8        // small reads in a row after which the buffer shrinks
)

// errTooLong reports a line longer than IRC allows.
var errTooLong = errors.New("irc: a line is too long")

// lineReader splits a byte stream into lines. Its buffer grows and shrinks with the
// traffic: most of many thousand connections are idle.
type lineReader struct {
	r     io.Reader
	buf   []byte
	n     int // bytes read and not yet split
	small int // reads in a row that fit a smaller buffer
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: r, buf: make([]byte, minLines)} }

// fill reads until the buffer contains at least one whole line.
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

// lines removes all whole lines from the buffer and returns them.
func (l *lineReader) lines() []string {
	end := bytes.LastIndexByte(l.buf[:l.n], '\n') + 1
	lines := make([]string, 0, bytes.Count(l.buf[:end], []byte{'\n'}))
	for line := range bytes.Lines(l.buf[:end]) {
		lines = append(lines, string(line)) // a copy per line: keeping one must not keep the others in memory
	}
	full := l.n == len(l.buf)
	l.n = copy(l.buf, l.buf[end:l.n])
	if full && len(l.buf) < maxLine { // the buffer was full
		l.resize(2 * len(l.buf))
	}
	return lines
}
