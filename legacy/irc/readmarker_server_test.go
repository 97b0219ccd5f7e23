package irc_test

import (
	"strings"
	"sync"

	"transport/legacy/irc/ircwire"
)

// markingServer returns the answers of a server with read markers, which never move back.
func markingServer() func(*line, ircwire.Message) bool {
	var mu sync.Mutex
	read := make(map[string]string)
	return func(c *line, m ircwire.Message) bool {
		switch {
		case m.Command == "CAP" && m.Param(0) == "LS":
			c.send(":srv CAP * LS :server-time message-tags draft/read-marker multi-prefix sasl")
			return true
		case m.Command != "MARKREAD":
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		target := strings.ToLower(m.Param(0))
		read[target] = max(read[target], m.Param(1)) // of one length, so that the order of texts is that of times
		c.send(":srv MARKREAD %s %s", m.Param(0), read[target])
		return true
	}
}
