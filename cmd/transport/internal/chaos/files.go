package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"transport/legacy/oscar/oscarmock"
)

// fileName is the name of a file with a number, which is in its content, too.
func fileName(number int) string { return mark(number) + ".txt" }

// fileLimit is how long a file may take to arrive, and its link to work.
const fileLimit = 40 * time.Second

// sendFile offers a file to a user. If the transfer fails, the sender knows that it did not
// arrive. It returns when the transfer is over.
func (c *campaign) sendFile(ctx context.Context, i int) {
	n := c.ledger.send(fromFile, c.people[i].jid, icqDomain, time.Now())
	sent, err := c.friends[i].OfferFile(uin(i), oscarmock.FileOffer{Files: []oscarmock.File{{Name: fileName(n), Data: []byte(mark(n))}}})
	if err != nil {
		c.ledger.unsend(n)
		return
	}
	late := time.NewTimer(fileLimit)
	defer late.Stop()
	select {
	case err = <-sent.Over():
	case <-late.C:
		err = context.DeadlineExceeded
	case <-ctx.Done():
		return
	}
	if err != nil {
		c.ledger.refuse(c.people[i].jid, stanzaID(n), false, time.Now())
	}
}

// fetch reads a link of the gateway, and records the file as delivered if it is the right one.
// The gateway may be restarting.
func (p *person) fetch(ctx context.Context, link, id string) {
	for deadline := time.Now().Add(fileLimit); time.Now().Before(deadline) && ctx.Err() == nil; wait(ctx, 300*time.Millisecond) {
		text, err := get(ctx, link)
		if err != nil {
			continue
		}
		for _, n := range marksIn(text) {
			if dir, user := p.ledger.receiver(n); dir == fromFile && user == p.jid {
				p.ledger.deliver(n, id, false, time.Now())
			}
		}
		return
	}
}

// get returns what a link leads to.
func get(ctx context.Context, link string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", link, answer.Status)
	}
	return string(data), err
}
