package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are chosen below the ephemeral range (32768 and up on Linux, 49152 and up
// elsewhere). Otherwise, while a server is down, the system could assign its port to an
// outgoing connection; a client that dials that port could even connect to itself.
const firstPort, lastPort = 12000, 31999

// freePort returns a free port of the loopback interface. Another program may still take
// it first.
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

// FreeAddr returns a free address of the loopback interface.
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

// choosePort returns the port want, which must be free, or a free port if want is 0.
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
