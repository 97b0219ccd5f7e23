package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Prosody starts a Prosody. The caller must call Close.
func Prosody(ctx context.Context, o Options) (*Server, error) {
	path, err := find("prosody", "on Debian or Ubuntu, apt-get install prosody")
	if err != nil {
		return nil, err
	}
	services := []string{"c2s"}
	if len(o.Components) > 0 { // Prosody opens the port only if there is one
		services = append(services, "component")
	}
	if o.Web {
		services = append(services, "https")
	}
	return start(ctx, prosody{path, services}, o)
}

type prosody struct {
	path     string
	services []string // that open ports
}

func (prosody) logFile(dir string) string { return filepath.Join(dir, "prosody.log") }

func (prosody) configFile(dir string) string { return filepath.Join(dir, "prosody.cfg.lua") }

func (p prosody) command(dir string) *exec.Cmd {
	return exec.Command(p.path, "-F", "--config", p.configFile(dir))
}

// ready looks for the lines in which Prosody logs its open ports.
func (p prosody) ready(log string) (bool, error) {
	opened := 0
	for _, service := range p.services {
		_, rest, ok := strings.Cut(log, "Activated service '"+service+"' on ")
		if !ok {
			continue
		}
		ports, _, ok := strings.Cut(rest, "\n")
		if ok && strings.HasPrefix(ports, "no ports") {
			return false, errPortTaken
		}
		if ok {
			opened++
		}
	}
	if strings.Contains(log, "Error loading module") || strings.Contains(log, "Unable to load module") {
		return false, errors.New("a module cannot be loaded")
	}
	return opened == len(p.services), nil
}

// prosodyModules are the modules that today's clients expect.
var prosodyModules = []string{"roster", "saslauth", "disco", "ping", "time", "version", "carbons", "mam",
	"pep", "private", "blocklist", "vcard4", "vcard_legacy", "bookmarks", "smacks", "csi_simple"}

func (p prosody) prepare(dir string, o Options) error {
	modules := slices.Clone(prosodyModules)
	disabled := []string{"s2s"}
	if o.TLS {
		modules = append(modules, "tls")
		if err := writeCertificate(dir, o.Domain, "upload."+o.Domain); err != nil {
			return err
		}
	} else {
		disabled = append(disabled, "tls")
	}
	level := "info"
	if o.Debug {
		level = "debug"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("run_as_root = true") // Prosody runs as the user of this process
	line("pidfile = %s", luaQuote(filepath.Join(dir, "prosody.pid")))
	line("data_path = %s", luaQuote(filepath.Join(dir, "data")))
	line("certificates = %s", luaQuote(dir))
	line("interfaces = { %s }", luaQuote(o.Host))
	line(`local_interfaces = { "127.0.0.1" }`)
	line(`component_interfaces = { "127.0.0.1" }`)
	line("c2s_ports = { %d }", o.ClientPort)
	line("component_ports = { %d }", o.componentPort)
	line("legacy_ssl_ports = { }")
	line("c2s_direct_tls_ports = { }")
	if o.Privileged {
		modules = append(modules, "privilege")
		line("plugin_paths = { %s }", luaQuote("/usr/lib/prosody/modules"))
	}
	if o.Web {
		modules = append(modules, "bosh", "websocket")
		line(`cross_domain_bosh, cross_domain_websocket = true, true`)
	}
	if o.Uploads || o.Web {
		p.web(line, dir, o)
	}
	line("modules_enabled = { %s }", luaList(modules))
	line("modules_disabled = { %s }", luaList(disabled))
	line("c2s_require_encryption = false")
	line("allow_unencrypted_plain_auth = true")
	line(`authentication = "internal_plain"`)
	line(`storage = "internal"`)
	line("log = { { levels = { min = %s }, to = \"file\", filename = %s, timestamps = true } }",
		luaQuote(level), luaQuote(prosody{}.logFile(dir)))
	line("VirtualHost %s", luaQuote(o.Domain))
	if o.TLS {
		line("\tssl = { key = %s, certificate = %s }", luaQuote(filepath.Join(dir, keyFile)), luaQuote(filepath.Join(dir, certificateFile)))
	}
	if o.Privileged {
		var entities []string
		for _, domain := range slices.Sorted(maps.Keys(o.Components)) {
			entities = append(entities, fmt.Sprintf("[%s] = { roster = \"both\"; message = \"outgoing\" }", luaQuote(domain)))
		}
		line("\tprivileged_entities = { %s }", strings.Join(entities, "; "))
	}
	for _, domain := range slices.Sorted(maps.Keys(o.Components)) {
		line("Component %s\n\tcomponent_secret = %s", luaQuote(domain), luaQuote(o.Components[domain]))
		if o.Privileged {
			line("\tmodules_enabled = { \"privilege\" }")
		}
	}
	if o.Uploads {
		line("Component %s %s\n\thttp_file_share_size_limit = 1000000", luaQuote("upload."+o.Domain), luaQuote("http_file_share"))
		if o.Web {
			line("\thttp_host = %s", luaQuote(o.Domain))
		}
	}
	if err := os.WriteFile(p.configFile(dir), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	accounts := filepath.Join(dir, "data", prosodyName(o.Domain), "accounts")
	if err := os.MkdirAll(accounts, 0o700); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for user, password := range o.Users {
		file := filepath.Join(accounts, prosodyName(user)+".dat")
		if err := os.WriteFile(file, []byte("return { password = "+luaQuote(password)+" };\n"), 0o600); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
	}
	return nil
}

// web configures Prosody's HTTP server: HTTPS only if browsers use it, plain HTTP if only
// the clients of the tests do.
func (prosody) web(line func(string, ...any), dir string, o Options) {
	line("http_interfaces, https_interfaces = { %[1]s }, { %[1]s }", luaQuote(o.Host))
	if !o.Web {
		line("http_ports, https_ports = { %d }, { }", o.uploadPort)
		line("http_default_host = %s", luaQuote("upload."+o.Domain))
		line("http_external_url = %s", luaQuote("http://"+loopback(o.uploadPort)+"/"))
		return
	}
	line("http_ports, https_ports = { }, { %d }", o.WebPort)
	line("https_ssl = { key = %s, certificate = %s }", luaQuote(filepath.Join(dir, keyFile)), luaQuote(filepath.Join(dir, certificateFile)))
	line("http_default_host = %s", luaQuote(o.Domain))
	line("http_external_url = %s", luaQuote("https://"+hostPort(o.Domain, o.WebPort)+"/"))
}

func (prosody) populate(context.Context, string, Options) error { return nil }

// prosodyName returns a name as Prosody's file storage encodes it: %hh for all characters
// but letters and digits.
func prosodyName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// luaQuote returns a Lua string literal, with decimal escapes.
func luaQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			b.WriteString("\\" + strings.Repeat("0", 3-len(strconv.Itoa(int(c)))) + strconv.Itoa(int(c)))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

func luaList(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = luaQuote(item)
	}
	return strings.Join(quoted, "; ")
}
