package demo

import (
	"net"
	"strconv"
	"strings"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// The accounts of the mock network, unless --accounts names others.
const (
	AliceUIN      = "1001"
	AlicePassword = "alice-icq"
	BobUIN        = "1002"
)

// NewBob returns Bob, who replies to messages, and adds every user who adds him.
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
					return "I cannot send the file."
				}
				return sendFile(bob, from, oscarmock.FileOffer{Proxy: true, Listener: l})
			}
			return "You said: " + text
		},
	})
	return bob
}

// proxyAddr is the address of the file proxy that Bob runs: its port is fixed.
var proxyAddr = net.JoinHostPort("127.0.0.2", strconv.Itoa(int(oscarwire.ProxyPort)))

// sendFile offers Bob's file, and returns his reply, "" for none.
func sendFile(bob *oscarmock.Bot, to string, o oscarmock.FileOffer) string {
	o.Files = []oscarmock.File{bobsFile}
	if _, err := bob.OfferFile(to, o); err != nil {
		return "I cannot send the file."
	}
	return ""
}

// bobsFile is the file that Bob offers.
var bobsFile = oscarmock.File{Name: "hello.txt", Data: []byte("Hello from Bob.\n")}
