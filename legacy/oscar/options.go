package oscar

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/gate"
	"transport/legacy/oscar/oscarwire"
)

// Options are the settings of one network, [network.options] in the
// configuration.
type Options struct {
	// Flavor is "icq" (numbers, plain text) or "aim" (screen names, HTML).
	Flavor string `toml:"flavor"`
	// Server is the authorizer's host:port; several, separated by commas, are
	// tried in order.
	Server string `toml:"server"`
	// SignOn is the method: "auto", "md5", "md5-weak" or "roasted".
	SignOn string `toml:"sign_on"`
	// Encoding is the code page assumed for text without a declared encoding.
	Encoding string `toml:"encoding"`
	// Multiple lets other clients of the account stay signed on at the same time.
	Multiple bool `toml:"multiple"`
	// StripsHTML is set for a server that removes tags from messages between ICQ numbers,
	// as Open OSCAR Server does. The adapter then hides "<" from it.
	StripsHTML bool `toml:"strips_html"`
	// TLS encrypts every connection. The certificate must be valid for the host of the
	// connection.
	TLS bool `toml:"tls"`
	// UserServer lets each user name another sign-on server at registration.
	UserServer bool `toml:"user_server"`
	// AllowPrivate allows servers of users at addresses that are not public.
	AllowPrivate bool `toml:"allow_private"`
	// SignOnInterval is the minimum interval in seconds between the sign-ons of all users,
	// once a server has rejected one as rate-limited.
	SignOnInterval int `toml:"sign_on_interval"`
	// Keepalive is the interval in seconds between keep-alive requests.
	Keepalive int `toml:"keepalive"`
	// FileProxy is the host:port of a rendezvous proxy for files whose sender cannot be
	// reached; "" for none.
	FileProxy string `toml:"file_proxy"`
	// PrivateFiles allows files from peers at private and loopback addresses, for networks
	// that are themselves private, and for tests.
	PrivateFiles bool `toml:"allow_private_files"`
}

// The values of Options.Flavor and Options.SignOn.
const (
	flavorICQ = "icq"
	flavorAIM = "aim"

	signOnAuto    = "auto"
	signOnMD5     = "md5"
	signOnWeak    = "md5-weak"
	signOnRoasted = "roasted"
)

// DefaultOptions returns the default settings of a network.
func DefaultOptions() Options {
	return Options{
		Flavor:     flavorICQ,
		SignOn:     signOnAuto,
		Encoding:   "windows-1252",
		Multiple:   true,
		StripsHTML: true,
		Keepalive:  60,

		SignOnInterval: 65, // Open OSCAR Server allows one a minute
	}
}

// New returns a network. Its error joins one *legacy.FieldError for each wrong option.
func New(o Options) (legacy.Network, error) {
	var errs []error
	wrong := func(option, format string, args ...any) {
		errs = append(errs, &legacy.FieldError{Var: option, Text: fmt.Sprintf(format, args...)})
	}
	n := &network{opts: o, aim: o.Flavor == flavorAIM, keepalive: time.Duration(o.Keepalive) * time.Second, proxyPort: oscarwire.ProxyPort,
		signOnInterval: time.Duration(o.SignOnInterval) * time.Second, authorizeLimit: authorizeLimit, gates: gate.NewTable(0)}
	if o.Flavor != flavorICQ && o.Flavor != flavorAIM {
		wrong("flavor", `must be "icq" or "aim", not %q`, o.Flavor)
	}
	switch o.SignOn {
	case signOnAuto, signOnMD5, signOnWeak, signOnRoasted:
	default:
		wrong("sign_on", `must be "auto", "md5", "md5-weak" or "roasted", not %q`, o.SignOn)
	}
	if strings.TrimSpace(o.Server) == "" {
		wrong("server", `is missing: the host:port of the sign-on server, such as "icq.example.net:5190"`)
	}
	for addr := range strings.SplitSeq(o.Server, ",") {
		if addr = strings.TrimSpace(addr); addr == "" {
			continue
		}
		if err := checkAddr(addr); err != nil {
			wrong("server", `%q is no host:port: %v`, addr, err)
			continue
		}
		n.servers = append(n.servers, addr)
		_, port, _ := net.SplitHostPort(addr) // checked above
		n.ports = append(n.ports, port)
	}
	if len(n.servers) > maxServers {
		wrong("server", "has more than %d addresses", maxServers)
	}
	page, err := oscarwire.ParseCodePage(o.Encoding)
	if err != nil {
		wrong("encoding", "%q is unknown; known are %s", o.Encoding, strings.Join(oscarwire.CodePageNames(), ", "))
	}
	n.page = page
	if o.Keepalive < 10 || o.Keepalive > 600 {
		wrong("keepalive", "must be from 10 to 600 seconds, not %d", o.Keepalive)
	}
	if o.FileProxy != "" {
		if err := checkAddr(o.FileProxy); err != nil {
			wrong("file_proxy", "%q is not a host:port: %v", o.FileProxy, err)
		}
	}
	if o.SignOnInterval < 1 || o.SignOnInterval > 3600 {
		wrong("sign_on_interval", "must be from 1 to 3600 seconds, not %d", o.SignOnInterval)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return n, nil
}

const maxServers = 8 // limit: addresses in the option `server` | the program does not start

// checkUserAddr is checkAddr for an address that a user enters.
func checkUserAddr(addr string) error {
	const maxAddr = 253 + len(":65535") // limit: bytes of an address in it (RFC 1035 §2.3.4) | the program does not start
	odd := func(c rune) bool {
		return c <= ' ' || c >= 0x7F || strings.ContainsRune(`%/\@?#"'<>`, c)
	}
	if len(addr) > maxAddr || strings.ContainsFunc(addr, odd) {
		return errors.New("it is neither a host name nor an address")
	}
	return checkAddr(addr)
}

func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	switch {
	case err != nil && !strings.Contains(addr, ":"):
		return errors.New("the port is missing; OSCAR's is 5190")
	case err != nil:
		return errors.New("write host:port, an IPv6 address in brackets")
	case host == "":
		return errors.New("the host is missing")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("the port must be a number from 1 to 65535")
	}
	return nil
}
