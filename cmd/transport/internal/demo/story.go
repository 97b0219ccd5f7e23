package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"transport/cmd/transport/internal/lab"
	"transport/component/element"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// story is the demo's story: Alice and her client.
type story struct {
	ctx   context.Context
	p     *printer
	st    *stage
	alice *lab.Client
	bob   string // his JID
}

// tellStory plays the whole story. An error names the step that failed.
func tellStory(ctx context.Context, p *printer, st *stage) (err error) {
	s := &story{ctx: ctx, p: p, st: st, bob: BobUIN + "@" + gateway}
	if s.alice, err = lab.Dial(ctx, st.prosody.Client, "alice@"+domain+"/demo", password); err != nil {
		return err
	}
	defer s.alice.Close()
	for _, part := range []struct {
		title string
		play  func() error
	}{
		{"Alice looks for gateways", s.discover},
		{"Alice registers her ICQ account", s.register},
		{"Alice adds Bob", s.add},
		{"They talk", s.talk},
		{"Bob goes away, and comes back", s.away},
		{"Alice unregisters", s.unregister},
	} {
		p.step(part.title)
		if err := part.play(); err != nil {
			return fmt.Errorf("%q failed: %w", part.title, err)
		}
	}
	return nil
}

// presence sends a presence of Alice; to and typ may be "".
func (s *story) presence(to, typ string) error {
	p := element.New(lab.NSClient, "presence")
	if to != "" {
		p.Set("to", to)
	}
	if typ != "" {
		p.Set("type", typ)
	}
	return s.alice.Send(s.ctx, p)
}

// expectPresence waits for a presence; typ "" means available.
func (s *story) expectPresence(from, typ, show string) (*element.Element, error) {
	what := strings.TrimSpace(fmt.Sprintf("%s presence %s of %s", typ, show, from))
	return s.alice.Expect(s.ctx, what, func(e *element.Element) bool {
		return e.Name == "presence" && lab.From(e, from) && e.Attr("type") == typ && e.ChildText(lab.NSClient, "show") == show
	})
}

// discover finds the gateway among the server's services. (XEP-0030)
func (s *story) discover() error {
	const items, info = "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/disco#info"
	// Like clients: first the roster, then presence. (RFC 6121 §2.2)
	if _, err := s.alice.IQ(s.ctx, "get", "", element.New("jabber:iq:roster", "query")); err != nil {
		return err
	}
	if err := s.presence("", ""); err != nil {
		return err
	}
	reply, err := s.alice.IQ(s.ctx, "get", domain, element.New(items, "query"))
	if err != nil {
		return err
	}
	found := false
	for i := range reply.First().Elements() {
		found = found || i.Attr("jid") == gateway
	}
	if !found {
		return errors.New("the server does not list the gateway")
	}
	// The gateway may still be connecting.
	for {
		reply, err = s.alice.IQ(s.ctx, "get", gateway, element.New(info, "query"))
		var refused *lab.IQError
		if !errors.As(err, &refused) {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-s.ctx.Done():
			return err
		}
	}
	if err != nil {
		return err
	}
	id := reply.First().Child(info, "identity")
	if id == nil || id.Attr("category") != "gateway" {
		return errors.New("the gateway has no identity of the category gateway")
	}
	s.p.fact("%s: a %s to %s.", gateway, id.Attr("category"), id.Attr("name"))
	return nil
}

// register fills in the gateway's form. (XEP-0077)
func (s *story) register() error {
	const register, data = "jabber:iq:register", "jabber:x:data"
	reply, err := s.alice.IQ(s.ctx, "get", gateway, element.New(register, "query"))
	if err != nil {
		return err
	}
	form := reply.First().Child(data, "x")
	if form == nil {
		return errors.New("the gateway has no form")
	}
	s.p.fact("The form's instructions: %s", form.ChildText(data, "instructions"))
	submit := func(password string) error {
		x := element.New(data, "x").Set("type", "submit")
		for name, value := range map[string]string{"username": AliceUIN, "password": password} {
			x.Add(element.New(data, "field").Set("var", name).Add(element.New(data, "value").AddText(value)))
		}
		_, err := s.alice.IQ(s.ctx, "set", gateway, element.New(register, "query").Add(x))
		return err
	}
	var refused *lab.IQError
	if err := submit("a wrong password"); !errors.As(err, &refused) {
		return fmt.Errorf("the gateway accepted a wrong password: %w", err)
	}
	s.p.fact("She enters %s and a wrong password: %q", AliceUIN, errorText(refused.Stanza))
	if err := submit(AlicePassword); err != nil {
		return err
	}
	s.p.fact("She enters the right password, and is registered.")
	if _, err := s.expectPresence(gateway, "subscribe", ""); err != nil {
		return err
	}
	for _, typ := range []string{"subscribed", "subscribe"} {
		if err := s.presence(gateway, typ); err != nil {
			return err
		}
	}
	if _, err := s.expectPresence(gateway, "", ""); err != nil {
		return err
	}
	s.p.fact("The gateway is in her roster, and its presence shows that she is online on ICQ.")
	return nil
}

// errorText returns the text of a stanza error.
func errorText(e *element.Element) string {
	x := e.Child(lab.NSClient, "error")
	if x == nil {
		return "an error"
	}
	return x.ChildText("urn:ietf:params:xml:ns:xmpp-stanzas", "text")
}

// add adds Bob to Alice's roster, while he is offline.
func (s *story) add() error {
	if err := s.presence(s.bob, "subscribe"); err != nil {
		return err
	}
	if _, err := s.expectPresence(s.bob, "subscribed", ""); err != nil {
		return err
	}
	if err := s.presence(s.bob, "subscribed"); err != nil {
		return err
	}
	s.p.fact("%s is in her roster and in her contact list on ICQ.", s.bob)
	s.st.bob.SignOn()
	if _, err := s.expectPresence(s.bob, "", ""); err != nil {
		return err
	}
	s.p.fact("Bob comes online.")
	return nil
}

// talk exchanges messages both ways.
func (s *story) talk() error {
	for _, text := range []string{"Hello", "Do umlauts and kana survive? Grüße, かな, 😀", "And 1 < 2 & <b>this</b>?"} {
		if err := s.tellBob(text); err != nil {
			return err
		}
		if err := s.hearBob(); err != nil {
			return err
		}
	}
	if err := s.st.bob.Send(AliceUIN, "Your messages arrived\nexactly as you wrote them."); err != nil {
		return err
	}
	return s.hearBob()
}

// tellBob sends a message of Alice, and prints it as Bob receives it.
func (s *story) tellBob(text string) error {
	message := element.New(lab.NSClient, "message").Set("to", s.bob).Set("type", "chat").
		Add(element.New(lab.NSClient, "body").AddText(text))
	if err := s.alice.Send(s.ctx, message); err != nil {
		return err
	}
	select {
	case m := <-s.st.bob.Messages():
		if m.Text != text {
			return fmt.Errorf("alice wrote %q, bob reads %q", text, m.Text)
		}
		s.p.said("Alice", m.Text)
	case <-s.ctx.Done():
		return errors.New("bob got no message")
	}
	return nil
}

// hearBob prints a message of Bob as Alice receives it.
func (s *story) hearBob() error {
	m, err := s.alice.Expect(s.ctx, "a message of Bob", func(e *element.Element) bool {
		return e.Name == "message" && lab.From(e, s.bob) && e.Child(lab.NSClient, "body") != nil
	})
	if err != nil {
		return err
	}
	if m.Attr("type") == "error" {
		return fmt.Errorf("an error in place of a message: %s", errorText(m))
	}
	s.p.said("Bob", m.ChildText(lab.NSClient, "body"))
	return nil
}

// away prints changes of Bob's presence.
func (s *story) away() error {
	bob := s.st.bob
	bob.SetStatus(oscarwire.ModeAway.Status(), "having lunch", "")
	e, err := s.expectPresence(s.bob, "", "away")
	if err != nil {
		return err
	}
	s.p.fact("Bob is away: %q", e.ChildText(lab.NSClient, "status"))
	s.alice.Forget()
	bob.SetStatus(oscarwire.StatusOnline, "", "")
	if _, err := s.expectPresence(s.bob, "", ""); err != nil {
		return err
	}
	s.p.fact("Bob is back.")
	bob.SignOff()
	if _, err := s.expectPresence(s.bob, "unavailable", ""); err != nil {
		return err
	}
	s.p.fact("Bob goes offline. Alice sends him a message, and ICQ stores it until he is back:")
	message := element.New(lab.NSClient, "message").Set("to", s.bob).Set("type", "chat").
		Add(element.New(lab.NSClient, "body").AddText("Call me when you are back."))
	if err := s.alice.Send(s.ctx, message); err != nil {
		return err
	}
	for s.st.mock.Stored(BobUIN) == 0 {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.ctx.Done():
			return errors.New("the network did not store the message")
		}
	}
	bob.SignOn()
	var m oscarmock.BotMessage
	select {
	case m = <-bob.Messages():
	case <-s.ctx.Done():
		return errors.New("bob did not get the stored message")
	}
	s.p.said("Alice", m.Text)
	return s.hearBob()
}

// unregister removes the registration. (XEP-0077 §3.2)
func (s *story) unregister() error {
	const register = "jabber:iq:register"
	_, err := s.alice.IQ(s.ctx, "set", gateway, element.New(register, "query").Add(element.New(register, "remove")))
	if err != nil {
		return err
	}
	if _, err := s.expectPresence(s.bob, "unsubscribed", ""); err != nil {
		return err
	}
	if _, err := s.expectPresence(gateway, "unsubscribed", ""); err != nil {
		return err
	}
	s.p.fact("Bob and the gateway unsubscribe from her, and the gateway deletes her password.")
	return s.st.mock.WaitSignedOff(s.ctx, AliceUIN)
}
