package main

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// TestPrompt: a server that leaves Nagle's algorithm on, and sends two small packets as an
// answer, does not wait for our delayed ACK between them. The median is independent of a busy
// machine; with delayed ACKs it is about 40 ms.
func TestPrompt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if err := c.(*net.TCPConn).SetNoDelay(false); err != nil {
			t.Error(err)
		}
		for ask := make([]byte, 1); ; {
			if _, err := io.ReadFull(c, ask); err != nil {
				return
			}
			for _, answer := range []string{"PONG\r\n", "PRIVMSG\r\n"} {
				if _, err := c.Write([]byte(answer)); err != nil {
					return
				}
			}
		}
	}()
	conn, err := dial(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const rounds = 31 // more than the kernel acknowledges at once on a new connection
	took := make([]time.Duration, rounds)
	for i := range took {
		start := time.Now()
		if _, err := conn.Write([]byte("?")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, len("PONG\r\nPRIVMSG\r\n"))); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	if slices.Sort(took); took[rounds/2] > 20*time.Millisecond {
		t.Errorf("both packets of an answer are there after %v (median), want less than 20ms", took[rounds/2])
	}
}
