package main

import (
	"math/rand/v2"
	"net"
	"time"
)

// pace is how fast a cable passes bytes on in one direction. The zero value is as fast as
// possible.
type pace struct {
	delay time.Duration // the most that the bytes of one read are delayed; their order stays
	rate  int           // bytes a second, 0 for no limit
}

// smallBuffer is the size of the sockets' buffers while a reader is slow, in bytes.
const smallBuffer = 4 << 10

// setPace slows a cable: an independent delay in each direction reorders in time what the
// two sides say. A rate makes one side a slow reader, since the cable stops reading from the
// other.
func (c *cable) setPace(toServer, toGateway pace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.toServer, c.toGateway = toServer, toGateway
	for j := range c.joints {
		j.setBuffers(toServer, toGateway)
	}
}

// setBuffers makes the kernel hold little for a slow reader.
func (j *joint) setBuffers(toServer, toGateway pace) {
	for _, side := range []struct {
		from, to net.Conn
		pace     pace
	}{{j.gateway, j.server, toServer}, {j.server, j.gateway, toGateway}} {
		from, ok1 := side.from.(*net.TCPConn)
		to, ok2 := side.to.(*net.TCPConn)
		if ok1 && ok2 && side.pace.rate > 0 {
			_ = from.SetReadBuffer(smallBuffer) // larger buffers only make the fault milder
			_ = to.SetWriteBuffer(smallBuffer)
		}
	}
}

// crawl passes data on at a pace, in pieces of a tenth of a second. The order stays. It
// returns early with an error of write, or without one when done is closed.
func (p pace) crawl(data []byte, done <-chan struct{}, write func([]byte) error) error {
	pause := func(d time.Duration) {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-done:
		}
	}
	if p.delay > 0 {
		pause(rand.N(p.delay))
	}
	if p.rate == 0 {
		return write(data)
	}
	for size := max(1, p.rate/10); len(data) > 0; {
		n := min(size, len(data))
		if err := write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
		pause(time.Second * time.Duration(n) / time.Duration(p.rate))
	}
	return nil
}
