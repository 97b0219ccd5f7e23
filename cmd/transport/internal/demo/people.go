package demo

import (
	"net"
	"strconv"
	"strings"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// The people of the mock network, unless --accounts names others.
const (
	AliceUIN      = "1001"
	AlicePassword = "alice-icq"
	BobUIN        = "1002"
)

// NewBob is Bob, who answers, and has those on his list who have him on theirs.
func NewBob(n *oscarmock.Network) *oscarmock.Bot {
	var bob *oscarmock.Bot // Reply is called once he is online
	bob = n.Bot(BobUIN, oscarmock.BotOptions{
		Nick:    "Bob",
		AddBack: true,
		Reply: func(from, text string) string {
			switch strings.ToLower(strings.Trim(text, " .!?")) {
			case "hello", "hi", "hey":
				return "Hello! Nice to hear from you."
			case "ping":
				return "pong"
			case "bye":
				return "See you."
			case "send file":
				return sendFile(bob, from, oscarmock.FileOffer{})
			case "send file by proxy":
				l, err := net.Listen("tcp", proxyAddr)
				if err != nil {
					return "I cannot."
				}
				return sendFile(bob, from, oscarmock.FileOffer{Proxy: true, Listener: l})
			}
			return "You said: " + text
		},
	})
	return bob
}

// proxyAddr is where Bob plays a proxy for his files: their port is fixed.
var proxyAddr = net.JoinHostPort("127.0.0.2", strconv.Itoa(int(oscarwire.ProxyPort)))

// sendFile has Bob offer his file, and is what he says to it.
func sendFile(bob *oscarmock.Bot, to string, o oscarmock.FileOffer) string {
	o.Files = []oscarmock.File{bobsFile}
	if _, err := bob.OfferFile(to, o); err != nil {
		return "I cannot."
	}
	return ""
}

// bobsFile is what Bob sends when he is told to.
var bobsFile = oscarmock.File{Name: "hello.txt", Data: []byte("Hello from Bob.\n")}
