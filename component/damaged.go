package component

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"transport/legacy"
	"transport/registry"
)

// maxDamaged is the number of damaged messages that a report lists.
const maxDamaged = 20 // limit: damaged messages that a report lists | it has the number of the others

var (
	errUnreadable = legacy.Errorf(legacy.Auth, "The gateway's database was damaged, and your stored name and password cannot be read any more.")
	errNotStanza  = fmt.Errorf("%w: a spooled message is no valid stanza", registry.ErrCorrupt)
)

const optionsLostText = "The gateway's database was damaged, and your settings cannot be read any more. They have their defaults again: check them (command settings)."

// spooled reads the spool in one direction. Messages that cannot be decrypted are set
// aside and reported to the user, and do not keep the others back.
func (ob *outbox) spooled(ctx context.Context, dir registry.Direction) ([]registry.Message, error) {
	rows, err := ob.u.c.cfg.Registry.KeptMessages(ctx, ob.u.c.domain, ob.u.bare, dir)
	var damaged *registry.Damaged
	if !errors.As(err, &damaged) {
		return rows, err
	}
	if !ob.setAside(ctx, dir, damaged, err) || dir == registry.Outbound {
		return rows, nil
	}
	return ob.u.c.cfg.Registry.KeptMessages(ctx, ob.u.c.domain, ob.u.bare, dir) // with the report
}

// setAsideInvalid sets spooled messages aside that are no stanzas.
func (ob *outbox) setAsideInvalid(ctx context.Context, dir registry.Direction, rows []registry.Message) {
	if len(rows) > 0 {
		damaged := registry.NewDamaged(ob.u.c.cfg.Registry, errNotStanza, rows...)
		ob.setAside(ctx, dir, damaged, damaged)
	}
}

// setAside sets spooled messages aside, and spools the report about them for the user. It
// returns false if that failed: the next reading of the spool tries again.
func (ob *outbox) setAside(ctx context.Context, dir registry.Direction, damaged *registry.Damaged, why error) bool {
	ob.u.log.Error().Err(why).Int("messages", len(damaged.Messages)).Msg("spooled messages are damaged and set aside")
	id := newID()
	err := damaged.SetAside(ctx, &registry.Message{
		Network: ob.u.c.domain, User: ob.u.bare, Direction: registry.Inbound, StanzaID: id, Created: ob.u.c.clock.Now(),
		Payload: appendText(nil, ob.u.c.peers.Full(ob.u.c.domain), ob.u.bare, id, damagedText(dir, damaged.Messages)),
	})
	if err != nil {
		ob.u.log.Error().Err(err).Msg("cannot set damaged messages aside")
		return false
	}
	ob.spool.inbound = true
	return true
}

// damagedText returns the report about damaged messages.
func damagedText(dir registry.Direction, messages []registry.Message) string {
	var b strings.Builder
	what, whose := count(len(messages), "message"), "from"
	if dir == registry.Outbound {
		fmt.Fprintf(&b, "The gateway's database was damaged: %s of yours cannot be read any more, and cannot be delivered. Send again what is missing:", what)
		whose = "to"
	} else {
		fmt.Fprintf(&b, "The gateway's database was damaged: %s to you cannot be read any more. Ask the senders to repeat what is missing:", what)
	}
	for i, m := range messages {
		if i == maxDamaged {
			fmt.Fprintf(&b, "\n> and %d more", len(messages)-i)
			break
		}
		peer := m.Peer
		if peer == "" {
			peer = "the gateway"
		}
		fmt.Fprintf(&b, "\n> %s %s, %s", whose, peer, m.Created.UTC().Format("2006-01-02 15:04 MST"))
	}
	return b.String()
}

// takeDamaged takes a registration of which some columns cannot be decrypted. Without
// fields there is no sign-on until the user registers again.
func (ac *account) takeDamaged(ctx context.Context, row *registry.Account, damaged *registry.Damaged, why error) {
	ac.take(row)
	ac.u.log.Error().Err(why).Strs("columns", damaged.Columns).Msg("a registration is damaged")
	report := (*registry.Message)(nil)
	for _, column := range damaged.Columns {
		switch column {
		case "fields":
			ac.fault = errUnreadable
		case "options":
			id := newID()
			report = &registry.Message{Network: ac.u.c.domain, User: ac.u.bare, Direction: registry.Inbound, StanzaID: id, Created: ac.u.c.clock.Now(),
				Payload: appendText(nil, ac.u.c.peers.Full(ac.u.c.domain), ac.u.bare, id, optionsLostText)}
		}
	}
	if err := damaged.SetAside(ctx, report); err != nil {
		ac.u.log.Error().Err(err).Msg("cannot set a damaged registration aside")
	}
}

// startStored starts a session with the stored account.
func (lg *login) startStored() error {
	if err := lg.u.account.unreadable(); err != nil {
		return err
	}
	account := lg.u.account.stored()
	return lg.startSession(&account, false)
}
