package main

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// smallRead is the size of a read in bytes from which the kernel acknowledges the data at once
// by itself: two full segments.
const smallRead = 2 * 1448

// promptConn is a TCP connection that acknowledges small reads at once. Servers that leave
// Nagle's algorithm on, such as ngIRCd and Prosody, keep a further small packet back until the
// one before it is acknowledged, and the kernel delays that by 40 ms if we have nothing to send.
type promptConn struct {
	*net.TCPConn
	raw syscall.RawConn
}

// prompt returns a connection that acknowledges small reads at once.
func prompt(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	return &promptConn{tcp, raw}
}

// Read implements net.Conn.
func (c *promptConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 && n < smallRead {
		_ = c.raw.Control(acknowledge) // without it everything works, but later
	}
	return n, err
}

// acknowledge makes the kernel send a delayed ACK now. The option is not permanent: the kernel
// delays ACKs again from the next write on. (tcp(7), TCP_QUICKACK)
func acknowledge(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) }
