package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// The first byte of the socket option TCP_INFO is the state of the connection. (tcp.h of
// Linux)
const (
	tcpInfo      = 11
	tcpCloseWait = 8
)

// closedByPeer reports whether the other end has closed a connection. It works on Linux
// only, and returns false elsewhere.
func closedByPeer(conn net.Conn) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok || runtime.GOOS != "linux" {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	closed := false
	if err := raw.Control(func(fd uintptr) {
		info, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpInfo)
		closed = err == nil && info&0xff == tcpCloseWait
	}); err != nil {
		return false
	}
	return closed
}

// ends are the local and the remote address of a socket.
type ends struct{ local, remote string }

// readQueues returns the number of bytes that its process has not read, for each socket of a
// TCP connection over IPv4. It works on Linux only.
//
// The kernel also knows what the other process has sent without an acknowledgement: that
// includes bytes that are read already, so it proves nothing.
func readQueues() (map[ends]int64, error) {
	data, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, err
	}
	return parseQueues(string(data))
}

// parseQueues parses /proc/net/tcp. (proc_net_tcp.txt of the kernel)
func parseQueues(table string) (map[ends]int64, error) {
	all := make(map[ends]int64)
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		fields := strings.Fields(line)
		if i == 0 || len(fields) < 5 {
			continue
		}
		local, err := parseAddr(fields[1])
		if err != nil {
			return nil, err
		}
		remote, err := parseAddr(fields[2])
		if err != nil {
			return nil, err
		}
		_, receiving, _ := strings.Cut(fields[4], ":")
		n, err := strconv.ParseInt(receiving, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("queues %q: %w", fields[4], err)
		}
		all[ends{local, remote}] = n
	}
	return all, nil
}

// parseAddr parses an address such as 0100007F:1F90: the bytes of the IP address are those
// of a little-endian number.
func parseAddr(text string) (string, error) {
	ip, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(ip)
	if err != nil || len(b) != 4 {
		return "", fmt.Errorf("address %q", text)
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return "", fmt.Errorf("address %q: %w", text, err)
	}
	return net.JoinHostPort(net.IPv4(b[3], b[2], b[1], b[0]).String(), strconv.FormatUint(n, 10)), nil
}
