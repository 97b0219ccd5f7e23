package oscarmock_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

// A test of a client: it signs on and sends Bob a message, and must work without the
// server's acknowledgement.
func Example() {
	n := oscarmock.New(oscarmock.Options{Rates: oscarmock.RatesOOS})
	defer n.Close()
	n.AddAccount(oscarmock.Account{Name: "1001", Password: "secret"})
	bob := n.Bot("1002", oscarmock.BotOptions{})
	bob.SignOn()
	n.Inject(oscarmock.Fault{Step: oscarmock.StepAck, Action: oscarmock.Drop})
	if err := n.Listen("127.0.0.1:0"); err != nil {
		fmt.Println(err)
		return
	}

	go startClient(n.Addr(), "1001", "secret", "1002", "hello") // the client under test

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.WaitSignedOn(ctx, "1001"); err != nil {
		fmt.Println(err)
		return
	}
	m := <-bob.Messages()
	fmt.Println(m.From, "wrote", m.Text)
	if err := n.WaitStruck(ctx); err != nil {
		fmt.Println("nothing was to be acknowledged:", err)
	}
	// Output: 1001 wrote hello
}

// startClient is a minimal client: it signs on, sends a message, and waits for the end.
func startClient(addr, name, password, to, text string) {
	connect := func(addr string, on oscarwire.Appender) (*oscarwire.FrameReader, *oscarwire.FrameWriter) {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, nil
		}
		r, w := oscarwire.NewFrameReader(nc, 0), oscarwire.NewFrameWriter(nc, 0)
		_ = w.WriteFrame(oscarwire.ChannelSignOn, on) // reading returns the error
		return r, w
	}
	r, _ := connect(addr, oscarwire.RoastedSignOn{ScreenName: name, Password: []byte(password)})
	for {
		f, err := r.ReadFrame()
		if err != nil {
			return
		}
		reply, err := oscarwire.ParseLoginReply(f.Payload)
		if f.Channel != oscarwire.ChannelSignOff || err != nil {
			continue
		}
		r, w := connect(reply.Addr, oscarwire.CookieSignOn(reply.Cookie, oscarwire.MultiConnAllow))
		_ = w.WriteSNAC(oscarwire.Header{ID: oscarwire.ServiceClientReady, RequestID: 1}, nil)
		_ = w.WriteSNAC(oscarwire.Header{ID: oscarwire.ICBMSend, RequestID: 2}, oscarwire.NewOutgoingText(oscarwire.Cookie{1}, to,
			oscarwire.NewIMText(text, oscarwire.Encoder{}, nil), oscarwire.IMRequestAck))
		for err == nil { // until the network closes
			_, err = r.ReadFrame()
		}
		return
	}
}
