package element

import (
	"errors"
	"io"
)

// chunk is how much a Reader asks for at a time, and the size of its buffer as
// long as no stanza needs more.
const chunk = 32 << 10

// A Reader reads the stanzas of a stream whose header has been consumed.
//
// It makes one pass over the bytes: the tokenizer (token.go) checks them as
// they come and notes where names, values and texts are; once a stanza is
// complete, build (build.go) copies it to one string and cuts the elements out
// of it. A token that is cut off at the end of the buffer is looked at again
// when its end has arrived, and only new bytes are searched for that end, so
// that the work is linear however the input is divided.
type Reader struct {
	src io.Reader
	lim Limits

	buf        []byte
	start, end int   // buf[start:end] is the current stanza and what follows
	base       int64 // the offset of buf[start] in the stream

	token token
	names scope
	skip  skipper

	readErr error // of src, to be returned when buf is used up
	err     error // fatal
}

// NewReader returns a Reader of the stanzas in a stream, from behind its header
// (and, for components, the handshake). defaultSpace is the default namespace
// that the header declared. The prefix stream is taken to be bound, see
// [Reader.Bind] for others.
func NewReader(src io.Reader, defaultSpace string, l Limits) *Reader {
	r := &Reader{src: src, lim: l.withDefaults()}
	r.names.space = defaultSpace
	return r.Bind("xml", XMLNamespace).Bind("stream", StreamNamespace)
}

// Bind tells r that the stream's header declared a prefix, and returns r. It is
// to be called before the first Next.
func (r *Reader) Bind(prefix, space string) *Reader {
	r.names.bound = append(r.names.bound, binding{prefix, space})
	r.names.initial = len(r.names.bound)
	return r
}

// Next returns the next stanza, which belongs to the caller. White space
// between stanzas, which keeps connections alive, is passed over (RFC 6120
// §4.6.1).
//
// At the end tag of the stream the error is io.EOF; at an end of the input
// before that, io.ErrUnexpectedEOF. A *LimitError concerns one stanza, and
// after an error of src that has passed, such as a deadline, Next goes on where
// it was. After any other error the stream is lost, and Next repeats it.
func (r *Reader) Next() (*Element, error) {
	if r.err != nil {
		return nil, r.err
	}
	for {
		if r.skip.over != nil {
			err := r.skipMore()
			if err != errMore {
				return nil, err
			}
		} else {
			e, err := r.stanza(false)
			if err != errMore {
				return e, err
			}
			if r.skip.over != nil {
				continue
			}
		}
		err := r.fill()
		if err == io.EOF {
			return r.ended()
		}
		if err != nil {
			return nil, err
		}
	}
}

// errMore says that bytes are missing, or that a limit set r.skip off.
var errMore = errors.New("more")

// stanza tries to complete the current stanza from what is in the buffer. If
// final is true, no more will come.
func (r *Reader) stanza(final bool) (*Element, error) {
	if r.token.pos == 0 {
		for r.start < r.end && class[r.buf[r.start]]&cSpace != 0 {
			r.consume(1)
		}
	}
	// Never look further than one byte too far, so that what comes out does
	// not depend on how the input is divided.
	data := r.buf[r.start:min(r.end, r.start+r.lim.Stanza+1)]
	st := r.token.run(data, final, &r.lim)
	if st == stMore && len(data) > r.lim.Stanza {
		r.token.keep = true
		if st = r.token.run(data, true, &r.lim); st == stMore {
			st = r.token.over(limSize)
		}
	}
	switch st {
	case stMore:
		return nil, errMore
	case stOver:
		return nil, r.overLimit(r.token.msg)
	case stStreamEnd:
		return nil, r.streamEnd()
	case stBad:
		return nil, r.fail(r.token.at, r.token.msg)
	}
	e, err := r.build(r.token.pos)
	if err != nil {
		return nil, err
	}
	r.consume(r.token.pos)
	r.token.reset()
	return e, nil
}

// fail makes an error at a position in the stanza that loses the stream.
func (r *Reader) fail(at int, msg string) error {
	r.err = &SyntaxError{Offset: r.base + int64(at), Msg: msg}
	return r.err
}

func (r *Reader) consume(n int) {
	r.start += n
	r.base += int64(n)
}

// fill reads more. It never takes more memory than a stanza may have and a
// chunk.
func (r *Reader) fill() error {
	if r.readErr != nil {
		return r.takeErr()
	}
	if r.start == r.end {
		r.start, r.end = 0, 0
	}
	if r.end == len(r.buf) {
		used := r.buf[r.start:r.end]
		size := min(max(2*len(r.buf), chunk), r.lim.Stanza+chunk)
		if size > len(r.buf) && 2*len(used) >= len(r.buf) {
			r.buf = make([]byte, size)
		}
		// Moving at most half a buffer, or into one of twice the size, keeps
		// the cost of a byte constant.
		r.end = copy(r.buf, used)
		r.start = 0
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.readErr = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return r.takeErr()
		}
	}
	return io.ErrNoProgress
}

// takeErr returns the error that reading ended with, which may pass.
func (r *Reader) takeErr() error {
	err := r.readErr
	r.readErr = nil
	return err
}

// ended returns what is to be returned at the end of the input.
func (r *Reader) ended() (*Element, error) {
	if r.skip.over == nil {
		// What is left may be wrong already.
		if e, err := r.stanza(true); err != errMore {
			return e, err
		}
	}
	if r.skip.over != nil {
		if err := r.skipMore(); err != errMore {
			return nil, err
		}
	}
	r.err = io.ErrUnexpectedEOF
	return nil, r.err
}
