package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"transport/legacy/oscar/oscarmock"
)

// observer is an IRC user in the channels of some users. It connects again whenever it has
// lost its connection. Any goroutine may call its methods.
type observer struct {
	ledger   *ledger
	addr     string
	nick     string
	channels []string

	mu   sync.Mutex // guards conn
	conn net.Conn   // nil until it is in the channels
}

// run keeps the observer connected until ctx ends.
func (o *observer) run(ctx context.Context) {
	for ctx.Err() == nil {
		o.visit(ctx)
		wait(ctx, 200*time.Millisecond)
	}
}

func (o *observer) visit(ctx context.Context) {
	conn, err := net.DialTimeout("tcp", o.addr, 5*time.Second)
	if err != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer func() {
		o.mu.Lock()
		o.conn = nil
		o.mu.Unlock()
		conn.Close()
	}()
	fmt.Fprintf(conn, "NICK %s\r\nUSER %[1]s 0 * :%[1]s\r\n", o.nick)
	missing := len(o.channels)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		words := strings.SplitN(line, " ", 4)
		switch {
		case strings.HasPrefix(line, "PING"):
			o.write(conn, "PONG"+line[4:])
		case len(words) < 2:
		case words[1] == "001":
			for _, name := range o.channels {
				o.write(conn, "JOIN "+name)
			}
		case words[1] == "366":
			if missing--; missing == 0 {
				o.mu.Lock()
				o.conn = conn
				o.mu.Unlock()
			}
		case words[1] == "433": // the server has not noticed the end of the last connection
			return
		case words[1] == "PRIVMSG":
			now := time.Now()
			for _, n := range marksIn(line) {
				if dir, _ := o.ledger.receiver(n); dir == toNick || dir == toChannel {
					o.ledger.deliver(n, "", false, now)
				}
			}
		}
	}
}

func (o *observer) write(conn net.Conn, line string) bool {
	_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, err := fmt.Fprintf(conn, "%s\r\n", line)
	return err == nil
}

func (o *observer) isUp() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conn != nil
}

// say sends a numbered message to a nick or a channel of a user.
func (o *observer) say(dir direction, user, to string) {
	o.mu.Lock()
	conn := o.conn
	o.mu.Unlock()
	if conn == nil {
		return
	}
	n := o.ledger.send(dir, user, ircDomain, time.Now())
	if !o.write(conn, "PRIVMSG "+to+" :"+mark(n)) {
		o.ledger.unsend(n)
	}
}

// newFriend creates the contact of a user on an ICQ network.
func newFriend(l *ledger, n *oscarmock.Network, number int, dir direction) *oscarmock.Bot {
	b := n.Bot(friendUIN(number), oscarmock.BotOptions{Reply: func(_, text string) string {
		for _, n := range marksIn(text) {
			if d, _ := l.receiver(n); d == dir {
				l.deliver(n, "", false, time.Now())
			}
		}
		return ""
	}})
	b.SignOn()
	return b
}
