package element

import (
	"errors"
	"fmt"
)

// Limits bound what a Reader takes. A field that is zero or less stands for
// the default.
type Limits struct {
	// Stanza is the size of a stanza in bytes on the wire; 1 MiB by default.
	Stanza int
	// Depth is how deep elements nest, the stanza itself being 1; 64 by
	// default.
	Depth int
	// Attrs is the number of attributes of an element, declarations of
	// namespaces included, and the number of prefixes that are declared around
	// any element; 64 by default.
	Attrs int
	// Name is the size in bytes of a name or namespace; 1024 by default.
	Name int
	// Elements is the number of elements in a stanza; 10 000 by default. Their
	// attributes together may be four times as many.
	Elements int
}

const (
	maxStanza = 1 << 30 // limit: bytes of a stanza that a reader can be set to | the limit is lowered to it
	// attrsPerElement bounds the attributes of a stanza, see Limits.Elements.
	attrsPerElement = 4 // limit: attributes of a stanza for each element that it may have | the stanza is refused: policy-violation
	// skipFactor is how many times the size of a stanza a Reader skips before
	// it gives the stream up.
	skipFactor = 16 // limit: sizes of a stanza that a reader skips | the stream ends, and is opened again
)

func (l Limits) withDefaults() Limits {
	def := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	def(&l.Stanza, 1<<20)    // limit: bytes of a stanza | it is refused: policy-violation
	def(&l.Depth, 64)        // limit: nested elements of a stanza | it is refused: policy-violation
	def(&l.Attrs, 64)        // limit: attributes of an element, and declared prefixes | the stanza is refused: policy-violation
	def(&l.Name, 1024)       // limit: bytes of a name or namespace | the stanza is refused: policy-violation
	def(&l.Elements, 10_000) // limit: elements of a stanza | it is refused: policy-violation
	l.Stanza = min(l.Stanza, maxStanza)
	return l
}

// A SyntaxError says that the stream is not well-formed. The stream is lost
// with it (RFC 6120 §4.9.3.13).
type SyntaxError struct {
	Offset int64  // of the byte where it showed, from the first one read
	Msg    string // what is wrong, without a word of what was read
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("element: byte %d of the stream: %s", e.Offset, e.Msg)
}

// A LimitError says that a stanza was over a limit. It has been skipped, and
// the Reader goes on with the next one.
type LimitError struct {
	// What is the limit: "size", "depth", "attributes", "name length",
	// "prefixes" or "elements".
	What string
	// Stanza is the stanza without its content, so that it can be answered. It
	// is nil if already its name was over the limit, and lacks attributes if
	// its own start tag was.
	Stanza *Element
}

func (e *LimitError) Error() string {
	return "element: stanza over the limit of " + e.What
}

// ErrEndless is returned for a stanza that is so far over the limit of size
// that the Reader does not wait for its end. The stream is lost with it.
var ErrEndless = errors.New("element: stanza far over the limit of size")
