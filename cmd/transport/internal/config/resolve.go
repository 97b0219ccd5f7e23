package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"transport/component/address"
	"transport/legacy"
)

// resolver validates the values of a configuration.
type resolver struct {
	*loader
	doc *document
	dir string // of the configuration file
	cfg *Config
}

func (r *resolver) warn(at path, format string, args ...any) {
	p := problem{r.cfg.File, r.doc.line(at), at.shown, fmt.Sprintf(format, args...)}
	r.cfg.Warnings = append(r.cfg.Warnings, p.Error())
}

func (r *resolver) resolve(raw *fileConfig) {
	doc, cfg, top := r.doc, r.cfg, path{}

	at := top.key("log")
	level, err := ParseLevel(raw.Log.Level)
	if err != nil {
		doc.fail(at.key("level"), "%v", err)
	}
	cfg.LogLevel = level
	cfg.LogFormat = raw.Log.Format
	if !slices.Contains(LogFormats, cfg.LogFormat) {
		doc.fail(at.key("format"), "%v", NotOneOf("log format", cfg.LogFormat, LogFormats))
	}

	at = top.key("database")
	cfg.Database = r.filePath(at.key("path"), raw.Database.Path)
	cfg.KeyFile = r.filePath(at.key("key_file"), raw.Database.KeyFile)
	if cfg.Database == cfg.KeyFile && cfg.Database != "" {
		doc.fail(at.key("key_file"), "is the same file as database.path")
	}
	cfg.Durability = raw.Database.Durability
	if !slices.Contains(Durabilities, cfg.Durability) {
		doc.fail(at.key("durability"), "%v", NotOneOf("durability", cfg.Durability, Durabilities))
	}

	at = top.key("server").key("address")
	server := r.hostPort(at, raw.Server.Address)
	cfg.Linger = raw.Server.Linger
	if cfg.Linger < 0 || cfg.Linger > maxLinger {
		doc.fail(top.key("server").key("linger"), "%v is out of range (allowed: 0s to %v)", cfg.Linger, maxLinger)
	}

	cfg.Memory = raw.Limits.Memory
	if cfg.Memory != 0 && (cfg.Memory < minMemory || cfg.Memory > maxMemory) {
		doc.fail(top.key("limits").key("memory"), "%d is out of range (allowed: 0, and %d to %d bytes)", cfg.Memory, minMemory, int64(maxMemory))
	}

	if at = top.key("files"); doc.has(at) {
		cfg.Files = r.files(at, &raw.Files)
	}
	cfg.MaxFile = raw.Files.MaxSize

	at = top.key("network")
	if len(raw.Networks) == 0 {
		doc.fail(at, "missing; at least one [[network]] block is needed")
	}
	for i := range raw.Networks {
		if doc.bad[at.index(i).id] {
			continue
		}
		cfg.Networks = append(cfg.Networks, r.network(at.index(i), &raw.Networks[i], server))
	}
	r.distinctDomains()
	if slices.ContainsFunc(cfg.Networks, func(n Network) bool { return n.Server == server }) {
		r.warnPlain(top.key("server").key("address"), server)
	}
}

// network validates one [[network]] block.
func (r *resolver) network(at path, raw *fileNetwork, server string) Network {
	n := Network{
		at:     at,
		Driver: raw.Driver,
		Name:   raw.Name,
		Server: server,
		Domain: r.domain(at.key("domain"), raw.Domain),
		Allow:  r.jids(at.key("allow"), raw.Allow, anyEntry),
		Deny:   r.jids(at.key("deny"), raw.Deny, anyEntry),
		Admins: r.jids(at.key("admins"), raw.Admins, personEntry),
	}
	if r.doc.good(at.key("address")) {
		n.Server = r.hostPort(at.key("address"), raw.Address)
		if n.Server != server {
			r.warnPlain(at.key("address"), n.Server)
		}
	}
	if r.doc.good(at.key("name")) && !plainLine(raw.Name) {
		r.doc.fail(at.key("name"), "must be one line of text")
	}
	n.Rate = r.number(at.key("rate"), raw.Rate, defaultRate, maxRate)
	n.History.Keep = 24 * time.Hour * time.Duration(r.number(at.key("history_days"), raw.Days, defaultDays, maxDays))
	n.History.Lines = r.number(at.key("history_lines"), raw.Lines, defaultLines, maxLines)
	n.Secret, n.SecretSource = r.secret(at, raw)
	n.Legacy = r.driver(at, raw)
	if n.Domain != "" && !strings.Contains(n.Domain, ".") && len(n.Admins) == 0 && !r.doc.has(at.key("allow")) {
		r.doc.fail(at.key("allow"), "missing; %s has no parent domain, so list the users or domains that may use the gateway", n.Domain)
	}
	return n
}

// The rate limit of a user, in stanzas per second: the default and the maximum. A client
// that comes online sends one stanza to each of its contacts at once; the default
// permits that.
const defaultRate, maxRate = 100, 1_000_000 // limit: `network.rate`, stanzas a second of a user | the program does not start

// The limits of a room's archive, in days and in messages.
const (
	defaultDays, maxDays   = 7, 3650            // limit: `network.history_days` | the program does not start
	defaultLines, maxLines = 10_000, 10_000_000 // limit: `network.history_lines` | the program does not start
)

// number validates an optional number; otherwise is its default.
func (r *resolver) number(at path, value, otherwise, most int) int {
	switch {
	case !r.doc.has(at):
		return otherwise
	case value < 0 || value > most:
		r.doc.fail(at, "%d is out of range (allowed: 0 to %d)", value, most)
	}
	return value
}

// required reports whether the key has a valid value, and adds a problem if it is
// missing or empty.
func (r *resolver) required(at path, value, example string) bool {
	switch {
	case !r.doc.has(at):
		r.doc.fail(at, "missing; write %s", example)
	case value == "":
		r.doc.fail(at, "must not be empty; write %s", example)
	}
	return !r.doc.bad[at.id]
}

// driver returns the block's network, made from its options.
func (r *resolver) driver(at path, raw *fileNetwork) legacy.Network {
	names := driverNames(r.drivers)
	known := at.key("driver")
	if !r.required(known, raw.Driver, fmt.Sprintf("driver = %q", names[0])+allowedList(names)) {
		return nil
	}
	drv, ok := r.drivers[raw.Driver]
	if !ok {
		r.doc.fail(known, "%v", NotOneOf("driver", raw.Driver, names))
		return nil
	}
	before, at := len(r.doc.problems), at.key("options")
	options := drv.options()
	r.doc.bindTable(at, raw.Options, reflect.ValueOf(options).Elem())
	if len(r.doc.problems) > before {
		return nil
	}
	made, err := drv.open(options)
	for _, err := range leaves(err) {
		var field *legacy.FieldError
		if errors.As(err, &field) && field.Var != "" {
			r.doc.note(at.key(field.Var), "%s", field.Text)
		} else {
			r.doc.note(at, "%v", err)
		}
	}
	return made
}

// leaves returns the errors that errors.Join has joined.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, leaves(e)...)
	}
	return all
}

// domain validates and normalises the domain of a component.
func (r *resolver) domain(at path, value string) string {
	if !r.required(at, value, `domain = "icq.example.org"`) {
		return ""
	}
	name, err := address.NormalizeDomain(value)
	host, _, portErr := net.SplitHostPort(value)
	switch {
	case strings.Contains(value, "@"):
		r.doc.fail(at, `%s is a JID, must be a domain such as "icq.example.org"`, Quote(value))
	case strings.Contains(value, "/"):
		r.doc.fail(at, `%s is a URL, must be a domain such as "icq.example.org"`, Quote(value))
	case portErr == nil:
		r.doc.fail(at, "%s must have no port; the XMPP server's port belongs in server.address (did you mean %s?)", Quote(value), Quote(host))
	case err != nil || !hostName(name):
		r.doc.fail(at, `%s is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`, Quote(value))
	default:
		return name
	}
	return ""
}

// hostName reports whether a normalised name is valid for a host: labels of letters,
// digits and inner hyphens (RFC 1123 §2.1), in any script. Some XMPP servers accept
// underscores, but mellium's handshake rejects them.
func hostName(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, c := range label {
			if c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c) {
				return false
			}
		}
	}
	return strings.ContainsFunc(name, func(c rune) bool { return c != '.' && (c < '0' || c > '9') })
}

// distinctDomains adds a problem for a domain that two networks share.
func (r *resolver) distinctDomains() {
	first := make(map[string]path)
	for _, n := range r.cfg.Networks {
		here := n.at.key("domain")
		if other, ok := first[n.Domain]; ok && n.Domain != "" {
			r.doc.fail(here, "%s is already the domain of the network on line %d; each network needs its own", Quote(n.Domain), r.doc.line(other))
			continue
		}
		first[n.Domain] = here
	}
}

// hostPort validates the address of a server, host:port.
func (r *resolver) hostPort(at path, value string) string {
	const example = `"127.0.0.1:5347"`
	if r.doc.bad[at.id] {
		return ""
	}
	host, port, err := net.SplitHostPort(value)
	switch n, portErr := strconv.Atoi(port); {
	case value == "":
		r.doc.fail(at, "must not be empty; write host:port, such as %s", example)
	case strings.Contains(value, "://"):
		r.doc.fail(at, "%s is a URL, must be host:port, such as %s", Quote(value), example)
	case err != nil && strings.Count(value, ":") > 1:
		r.doc.fail(at, "%s is not host:port; write an IPv6 address in brackets, such as \"[::1]:5347\"", Quote(value))
	case err != nil && !strings.Contains(value, ":"):
		r.doc.fail(at, "%s has no port; write host:port, such as %s", Quote(value), example)
	case err != nil:
		r.doc.fail(at, "%s is not host:port, such as %s", Quote(value), example)
	case host == "":
		r.doc.fail(at, "%s has no host; write host:port, such as %s", Quote(value), example)
	case portErr != nil || n < 1 || n > 65535:
		r.doc.fail(at, "the port in %s is not a number (allowed: 1 to 65535)", Quote(value))
	case strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || strings.ContainsRune("/@\"'<>", c) }):
		r.doc.fail(at, "the host in %s is not a name or an IP address", Quote(value))
	default:
		return value
	}
	return ""
}

// warnPlain warns about a server on another machine, because the link is not encrypted
// (XEP-0114 §4).
func (r *resolver) warnPlain(at path, server string) {
	if server != "" && !loopback(server) {
		r.warn(at, "%s is not on this machine, and the connection to it is not encrypted; use a tunnel (ssh, WireGuard) or run both on one machine", Quote(server))
	}
}

// loopback reports whether host:port is on this machine, without a DNS lookup.
func loopback(server string) bool {
	host, _, _ := net.SplitHostPort(server)
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761 §6.3
}

// The kinds of entries of a list of JIDs.
const (
	anyEntry    = `a JID, a domain or "*"`
	personEntry = `a JID such as "admin@example.org"`
)

// jids validates and normalises a list of JIDs.
func (r *resolver) jids(at path, entries []string, kind string) []string {
	var list []string
	for i, entry := range entries {
		here := at.index(i)
		if r.doc.bad[here.id] {
			continue
		}
		if entry == "*" && kind == anyEntry {
			list = append(list, entry)
			continue
		}
		j, err := address.Parse(entry)
		switch { // domains of users, unlike those of components, may contain underscores
		case err != nil || !hostName(strings.ReplaceAll(j.Domain, "_", "x")) || j.Local == "" && kind == personEntry:
			r.doc.fail(here, "%s is not %s", Quote(entry), kind)
		case j.Resource != "" || strings.Contains(entry, "/"):
			r.doc.fail(here, "%s has a resource, must be %s", Quote(entry), kind)
		default:
			list = append(list, j.String())
		}
	}
	return list
}

// filePath validates the path of a file, and resolves it relative to the configuration's
// folder.
func (r *resolver) filePath(at path, value string) string { return r.place(at, value, "file") }

// folderPath is filePath for a folder.
func (r *resolver) folderPath(at path, value string) string { return r.place(at, value, "folder") }

// place validates the path of a file or a folder, which need not exist.
func (r *resolver) place(at path, value, kind string) string {
	switch {
	case r.doc.bad[at.id]:
		return ""
	case value == "":
		r.doc.fail(at, "must not be empty; write the path of a %s", kind)
		return ""
	case strings.ContainsFunc(value, unicode.IsControl):
		r.doc.fail(at, "%s has a control character, must be the path of a %s", Quote(value), kind)
		return ""
	case strings.HasPrefix(value, "~"):
		r.doc.fail(at, "%s: ~ is not expanded; write the full path of the home folder", Quote(value))
		return ""
	}
	file := value
	if !filepath.IsAbs(file) {
		file = filepath.Join(r.dir, file)
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() != (kind == "folder") {
		is := map[bool]string{true: "folder", false: "file"}[info.IsDir()]
		r.doc.fail(at, "%s is a %s, must be a %s", strconv.Quote(file), is, kind)
		return ""
	}
	if info, err := os.Stat(filepath.Dir(file)); errors.Is(err, fs.ErrNotExist) {
		r.doc.fail(at, "there is no folder %s; create it, or choose another path", strconv.Quote(filepath.Dir(file)))
		return ""
	} else if err == nil && !info.IsDir() {
		r.doc.fail(at, "%s is not a folder", strconv.Quote(filepath.Dir(file)))
		return ""
	}
	return file
}

// plainLine reports whether a text is one line without control characters.
func plainLine(s string) bool {
	return strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, unicode.IsControl)
}

// NotOneOf returns an error about a value that is not one of the allowed ones.
func NotOneOf(what, value string, allowed []string) error {
	return fmt.Errorf("%s is not a %s%s%s", Quote(value), what, DidYouMean(value, allowed), allowedList(allowed))
}

func allowedList(allowed []string) string { return " (allowed: " + strings.Join(allowed, ", ") + ")" }
