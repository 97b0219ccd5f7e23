package component

import (
	"slices"
	"strings"
	"time"

	"transport/component/adhoc"
	"transport/component/body"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

type (
	command   = adhoc.Command[*user]
	execution = adhoc.Execution[*user]
)

// commandTable returns the commands of the gateway, in the order of their listing.
func (c *Component) commandTable() *adhoc.Table[*user] {
	return adhoc.NewTable(c.info, slices.Concat(c.roomCommands(), c.userCommands(), c.networkCommands(), endCommands(), adminCommands(), debugCommands())...)
}

// commands are the running commands of the user, by forms or by words. As the host of the
// engine, they stand for the gateway.
type commands struct {
	u *user

	engine adhoc.Engine[*user]
}

func (cm *commands) init() { cm.engine = adhoc.New(cm.u, cm, cm.u.c.commands) }

func (cm *commands) due(now time.Time) { cm.engine.Due(now) }

func (cm *commands) next() time.Time { return cm.engine.Next() }

func (cm *commands) busy() bool { return cm.engine.Busy() }

func (cm *commands) reset(why resetReason) {
	if why == unregistered { // an old form could store a registration again
		cm.engine.Reset()
	}
}

// onCommand handles the IQ of an ad-hoc command. (XEP-0050 §2.4)
func (cm *commands) onCommand(r *stanza.Request) {
	peer, err := cm.u.c.peers.At(r.To)
	if err != nil {
		r.Fail(stanza.Translate(err))
		return
	}
	cm.engine.OnCommand(r, peer)
}

// onItems answers disco#items: with rooms, or about a node of commands.
func (cm *commands) onItems(r *stanza.Request) {
	peer, err := cm.u.c.peers.At(r.To)
	if err != nil {
		r.Fail(stanza.Translate(err))
		return
	}
	lists := cm.u.c.info.Features.Has(legacy.FeatureRoomList)
	q := element.New(xep.NSDiscoItems, "query")
	switch {
	case r.Payload.Attr("node") != "":
		cm.engine.OnItems(r, peer)
		return
	case peer.Service || peer.ID == "" && !cm.u.c.info.Services && lists:
		cm.u.rooms.onRoomList(r, peer)
		return
	case peer.ID == "":
		cm.u.rooms.ListOwn(q)
		if q.Count() == 0 && lists {
			r.Fail(stanza.ErrItemNotFound.With("Each server has a list of its own. Ask at the server's address, as in irc.example.net@" + cm.u.c.domain + "."))
			return
		}
	}
	r.Reply(q)
}

// onText handles a message to the gateway.
func (cm *commands) onText(st *stanza.Inbound, text string) { cm.engine.OnText(st, text) }

// Now implements adhoc.Host, like the methods below.
func (cm *commands) Now() time.Time { return cm.u.c.clock.Now() }

// In reports whether the user belongs to an audience of commands.
func (cm *commands) In(who adhoc.Audience) bool {
	switch who {
	case adhoc.Strangers:
		return !cm.u.account.isRegistered()
	case adhoc.Registered:
		return cm.u.account.isRegistered()
	case adhoc.Members:
		return cm.u.account.isRegistered() || cm.u.c.info.Guests
	case adhoc.Admins:
		return cm.u.c.isAdmin(cm.u.bare)
	}
	return true
}

// Refusal is the answer to a command that is for registered users only, or for strangers.
func (cm *commands) Refusal() string {
	if cm.u.account.isRegistered() {
		return "You are registered already, as " + cm.u.account.name() + "."
	}
	return textStranger + " " + cm.u.c.howToRegister()
}

// Await has a command by words answered by the deadline of an IQ.
func (cm *commands) Await(r *stanza.Request) {
	r.Deadline = cm.u.c.clock.Now().Add(requestTime)
	cm.u.calls.await(r)
}

// Say sends a chat message from the gateway.
func (cm *commands) Say(to, text string) { cm.u.c.say(to, text) }

// Raw sends a message to the network as a raw command, if the network accepts those and
// its service has no address of its own. While a registered user is not signed on, only what
// looks like one is spooled, or refused with the reason.
func (cm *commands) Raw(st *stanza.Inbound) bool {
	raw := slices.ContainsFunc(cm.u.c.info.Commands, func(of legacy.Command) bool { return of.Raw })
	if cm.u.c.info.Services || !raw {
		return false
	}
	word, _, _ := strings.Cut(strings.TrimSpace(body.Plain(st.Element)), " ")
	if !cm.isSignedOn() && !(cm.u.account.isRegistered() && adhoc.IsProtocol(word)) {
		return false
	}
	cm.u.outbox.sendTo(st, legacy.Peer{Service: true}, body.Clean(body.Plain(st.Element)))
	return true
}

// Help explains how to register, or how to add contacts, and how to join rooms.
func (cm *commands) Help() string {
	text := "This is the gateway to " + cm.u.c.cfg.Name + ". "
	if cm.u.account.isRegistered() {
		text += "Add a contact as " + cm.u.c.peers.ExampleJID() + ", or search for the " + cm.u.c.info.PeerName + " with your client."
	} else {
		text += cm.u.c.howToRegister()
	}
	if cm.u.c.info.RoomName != "" && cm.In(adhoc.Members) {
		text += "\nJoin a room as <" + cm.u.c.info.RoomName + ">@" + cm.u.c.domain + "."
	}
	return text
}
