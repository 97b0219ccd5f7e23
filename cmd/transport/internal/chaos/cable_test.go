package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTape(t *testing.T) {
	tokens := regexp.MustCompile(ircTokens)
	w := wire{toGateway: newTape(tokens), toServer: newTape(tokens)}
	w.toServer.add([]byte("PRIVMSG #c :a line q[1]\r\nPING :~1\r\nPRIVMSG #c :a line q"))
	w.toServer.add([]byte("[2]\r\nPRIVMSG #c :a line q[3]\r\nPING :~2\r\n"))
	w.toGateway.add([]byte(":s PONG s :~1\r\n:s PRIVMSG #c :a line q[3]\r\n"))
	for number, want := range map[int][2]bool{1: {true, false}, 2: {false, false}, 3: {true, true}, 4: {false, false}} {
		if confirmed, reached := w.confirmed(number), w.reached(number); confirmed != want[0] || reached != want[1] {
			t.Errorf("%d: confirmed %t, reached %t", number, confirmed, reached)
		}
	}
	w.toGateway.cutOff(int64(len("[3]\r\n")))
	if w.reached(3) || w.confirmed(3) || !w.confirmed(1) {
		t.Error("the unread bytes count as read")
	}
}

// TestTapeXMPP checks the confirmation of the XMPP server: the gateway's own ping returns.
func TestTapeXMPP(t *testing.T) {
	tokens := regexp.MustCompile(xmppTokens)
	w := wire{toGateway: newTape(tokens), toServer: newTape(tokens)}
	w.toServer.add([]byte(`<message><body>q[1]</body></message><iq type='get' id='abc' from='x' to='x'><ping xmlns='urn:xmpp:ping'/></iq>`))
	if w.confirmed(1) {
		t.Error("confirmed by nothing")
	}
	w.toGateway.add([]byte(`<iq to='x' from='x' id="abc" type='get'><ping xmlns='urn:xmpp:ping'/></iq>`))
	if !w.confirmed(1) {
		t.Error("not confirmed by the ping")
	}
}

func TestParseQueues(t *testing.T) {
	all, err := parseQueues(`  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:1F90 0100007F:C350 01 00000010:00000100 00:00000000 00000000     0        0 2 1 0
`)
	if got := all[ends{"127.0.0.1:8080", "127.0.0.1:50000"}]; err != nil || got != 256 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := parseQueues("head\n 0: xyz 0100007F:C350 01 0:0"); err == nil {
		t.Error("accepts a wrong address")
	}
}

// testCable returns a cable to a server. Both are closed with the test.
func testCable(t *testing.T) (*cable, net.Listener) {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	c, err := newCable(server.Addr().String(), ircTokens)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c, server
}

// TestCable relays, stalls and cuts a connection, and knows what the client has not read.
func TestCable(t *testing.T) {
	c, server := testCable(t)
	gateway, err := net.Dial("tcp", c.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()
	far, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	r := bufio.NewReader(gateway)
	expect := func(want string) {
		t.Helper()
		_ = gateway.SetReadDeadline(time.Now().Add(10 * time.Second))
		if line, err := r.ReadString('\n'); line != want {
			t.Fatalf("got %q, %v", line, err)
		}
	}
	fmt.Fprintln(far, mark(1))
	expect(mark(1) + "\n")
	c.stall()
	fmt.Fprintln(far, mark(2))
	_ = gateway.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := gateway.Read(make([]byte, 1)); err == nil {
		t.Fatalf("read %d bytes from a stalled cable", n)
	}
	if !c.reached(1) || c.reached(2) {
		t.Error("the record is wrong")
	}
	c.resume()
	expect(mark(2) + "\n")
	fmt.Fprintln(far, mark(3))
	for !c.reached(3) {
		time.Sleep(time.Millisecond)
	}
	c.stall()
	c.unread()
	if _, err := readQueues(); err == nil && (!c.reached(2) || c.reached(3)) {
		t.Error("the record of the unread bytes is wrong")
	}
	c.cut()
	_ = gateway.SetReadDeadline(time.Now().Add(10 * time.Second))
	for err = nil; err == nil; {
		_, err = r.ReadString('\n')
	}
	c.resume()
}

// TestCableToClosed holds bytes for a client that closes its connection meanwhile: the
// record does not have them.
func TestCableToClosed(t *testing.T) {
	c, server := testCable(t)
	gateway, err := net.Dial("tcp", c.addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readQueues(); err != nil {
		t.Skip(err)
	}
	far, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	c.stall()
	fmt.Fprintln(far, mark(1))
	fmt.Fprintln(gateway, mark(2))
	for { // until the cable has both, and does not see the end
		queues, err := readQueues()
		if err != nil {
			t.Fatal(err)
		}
		if queues[ends{far.RemoteAddr().String(), far.LocalAddr().String()}]+queues[ends{gateway.RemoteAddr().String(), gateway.LocalAddr().String()}] == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	gateway.Close()
	c.resume()
	_ = far.SetReadDeadline(time.Now().Add(10 * time.Second))
	for r := bufio.NewReader(far); err == nil; {
		_, err = r.ReadString('\n')
	}
	if c.reached(1) {
		t.Error("a closed connection has read it")
	}
}

// TestPace delays and slows each direction of a cable on its own, and changes no order.
func TestPace(t *testing.T) {
	c, server := testCable(t)
	c.setPace(pace{rate: 1000}, pace{delay: time.Millisecond})
	c.setChange(func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("a"), []byte("b")) })
	gateway, err := net.Dial("tcp", c.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer gateway.Close()
	far, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	text := strings.Repeat("0123456789", 50) + "a\n"
	began := time.Now()
	fmt.Fprint(gateway, text)
	_ = far.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(far).ReadString('\n')
	if took := time.Since(began); line != strings.Replace(text, "a", "b", 1) || took < 400*time.Millisecond {
		t.Errorf("the server reads %q, %v after %v", line, err, took)
	}
	fmt.Fprint(far, text)
	_ = gateway.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := bufio.NewReader(gateway).ReadString('\n'); line != text {
		t.Errorf("the gateway reads %q, %v", line, err)
	}
}

func TestOwnPing(t *testing.T) {
	found := ownPing.FindStringSubmatch(`<iq type='get' id='1' from='icq.localhost' to='icq.localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
	if len(found) != 2 || found[1] != "i" {
		t.Errorf("found %q", found)
	}
}

// TestTapeEnd: what a server sends after the end of the stream is not read.
func TestTapeEnd(t *testing.T) {
	tape := newTape(regexp.MustCompile(xmppTokens))
	tape.add([]byte("<message>q[1]</message></stream:str"))
	tape.add([]byte("eam><message>q[2]</message>"))
	if _, ok := tape.has(1); !ok {
		t.Error("the first is not there")
	}
	if _, ok := tape.has(2); ok {
		t.Error("the second is read")
	}
}
