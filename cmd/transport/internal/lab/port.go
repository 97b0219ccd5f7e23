package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below the range out of which systems choose ports for
// outgoing connections (32768 and up on Linux, 49152 and up elsewhere). Else,
// while a server is down, any connection could be given its port, and a client
// that tries to reach it could even be connected to itself.
const firstPort, lastPort = 12000, 31999

// freePort is a port of the loopback interface that nobody listens on. Another
// program may still be faster to take it.
func freePort() (int, error) { return freePortAt(loopbackHost) }

func freePortAt(host string) (int, error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if portIsFree(host, port) {
			return port, nil
		}
	}
	return 0, errors.New("lab: found no free port on " + host)
}

// FreeAddr is an address of the loopback interface that nobody listens on.
func FreeAddr() (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	return loopback(port), nil
}

func portIsFree(host string, port int) bool {
	l, err := net.Listen("tcp", hostPort(host, port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// choosePort is the wanted port, which must be free, or any if none is wanted.
func choosePort(want int) (int, error) { return choosePortAt(loopbackHost, want) }

func choosePortAt(host string, want int) (int, error) {
	if want == 0 {
		return freePortAt(host)
	}
	if !portIsFree(host, want) {
		return 0, fmt.Errorf("lab: port %d of %s is in use", want, host)
	}
	return want, nil
}

const loopbackHost = "127.0.0.1"

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func loopback(port int) string { return hostPort(loopbackHost, port) }
