package main

import (
	"bytes"
	"regexp"
	"sync"
)

// tape is the record of one direction of a connection: which marks and which confirmations
// have passed, and how far. Any goroutine may call its methods.
type tape struct {
	mu     sync.Mutex
	tokens *regexp.Regexp   // of confirmations; its only group is the token
	length int64            // bytes that have passed
	read   int64            // bytes of them that the receiver has read; -1 for all
	ended  int64            // the end of the first end tag of an XMPP stream; 0 without one
	tail   []byte           // the end of the last bytes, to recognise what is split
	marks  map[int]int64    // the end of the first sighting of each mark, by number
	passed map[string]int64 // the end of the last sighting of each token
}

// maxToken is the size of the longest mark or token with what surrounds it, in bytes.
const maxToken = 256

func newTape(tokens *regexp.Regexp) *tape {
	return &tape{tokens: tokens, read: -1, marks: make(map[int]int64), passed: make(map[string]int64)}
}

// add records bytes that have passed.
func (t *tape) add(data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	window := append(t.tail, data...)
	t.length += int64(len(data))
	at := t.length - int64(len(window)) // the position of the window
	for _, found := range markPattern.FindAllSubmatchIndex(window, -1) {
		number := marksIn(string(window[found[0]:found[1]]))[0]
		if _, known := t.marks[number]; !known {
			t.marks[number] = at + int64(found[1])
		}
	}
	for _, found := range t.tokens.FindAllSubmatchIndex(window, -1) {
		t.passed[string(window[found[2]:found[3]])] = at + int64(found[1])
	}
	if i := bytes.Index(window, []byte("</stream:stream>")); i >= 0 && t.ended == 0 {
		t.ended = at + int64(i) + int64(len("</stream:stream>"))
	}
	t.tail = bytes.Clone(window[max(0, len(window)-maxToken):])
}

// cutOff records that the receiver has left the last unread bytes unread for ever.
func (t *tape) cutOff(unread int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = max(0, t.length-unread)
}

// has returns the end of a mark that the receiver may have read. Nobody reads what comes
// after the end of a stream.
func (t *tape) has(number int) (end int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, ok = t.marks[number]
	return end, ok && (t.read < 0 || end <= t.read) && (t.ended == 0 || end <= t.ended)
}

// tokensAfter returns the tokens that passed after a position.
func (t *tape) tokensAfter(at int64) (tokens []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token, end := range t.passed {
		if end > at {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

func (t *tape) hasToken(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, ok := t.passed[token]
	return ok && (t.read < 0 || end <= t.read)
}

// wire is the record of one connection between the gateway and a server.
type wire struct{ toGateway, toServer *tape }

// reached reports whether the gateway may have read a message.
func (w wire) reached(number int) bool {
	_, ok := w.toGateway.has(number)
	return ok
}

// confirmed reports whether the server has confirmed a message to the gateway: it has sent
// it back, or has answered a request that the gateway wrote after it.
func (w wire) confirmed(number int) bool {
	end, ok := w.toServer.has(number)
	if !ok {
		return false
	}
	if w.reached(number) {
		return true
	}
	for _, token := range w.toServer.tokensAfter(end) {
		if w.toGateway.hasToken(token) {
			return true
		}
	}
	return false
}
