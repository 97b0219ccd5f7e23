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

// Ejabberd starts an ejabberd. The caller must call Close.
func Ejabberd(ctx context.Context, o Options) (*Server, error) {
	const remedy = "on Debian or Ubuntu, apt-get install ejabberd"
	erl, err := find("erl", remedy)
	if err != nil {
		return nil, err
	}
	// Debian installs it among Erlang's libraries, in a folder with its version.
	var ebin []string
	for _, pattern := range []string{"/usr/lib/*/ejabberd-*/ebin/ejabberd.beam", "/usr/lib/ejabberd*/ebin/ejabberd.beam", "/opt/ejabberd*/lib/ejabberd-*/ebin/ejabberd.beam"} {
		found, _ := filepath.Glob(pattern) // the patterns are valid
		ebin = append(ebin, found...)
	}
	if len(ebin) == 0 {
		return nil, fmt.Errorf("lab: ejabberd is %w: %s", ErrMissing, remedy)
	}
	return start(ctx, ejabberd{erl, filepath.Dir(ebin[0])}, o)
}

type ejabberd struct{ erl, ebin string }

func (ejabberd) logFile(dir string) string { return filepath.Join(dir, "ejabberd.log") }

func (ejabberd) configFile(dir string) string { return filepath.Join(dir, "ejabberd.yml") }

// command runs ejabberd without its control script, which would switch to another user.
// The node has no name, so it needs no name server.
func (e ejabberd) command(dir string) *exec.Cmd {
	cmd := exec.Command(e.erl, "-noinput", "-pa", e.ebin,
		"-mnesia", "dir", strconv.Quote(filepath.Join(dir, "spool")), "-s", "ejabberd")
	cmd.Env = append(os.Environ(),
		"EJABBERD_CONFIG_PATH="+e.configFile(dir),
		"EJABBERD_LOG_PATH="+filepath.Join(dir, "ejabberd.log"),
		"ERL_CRASH_DUMP="+filepath.Join(dir, "crash.dump"),
		"HOME="+dir)
	return cmd
}

// ready looks for the last line of a successful start.
func (ejabberd) ready(log string) (bool, error) {
	switch {
	case strings.Contains(log, "eaddrinuse"):
		return false, errPortTaken
	case strings.Contains(log, "Failed to start") || strings.Contains(log, "Invalid configuration"):
		return false, errors.New("it rejects its configuration")
	}
	return strings.Contains(log, "is started in the node") && strings.Count(log, "Start accepting TCP connections at 127.0.0.1") >= 2, nil
}

func (e ejabberd) prepare(dir string, o Options) error {
	if o.TLS {
		if err := writeCertificate(dir, o.Domain); err != nil {
			return err
		}
	}
	level := "info"
	if o.Debug {
		level = "debug"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("hosts: [%q]", o.Domain)
	line("loglevel: %s", level)
	if o.TLS {
		line("certfiles: [%q, %q]", filepath.Join(dir, certificateFile), filepath.Join(dir, keyFile))
	}
	line("auth_method: internal")
	line("auth_password_format: plain")
	line("listen:")
	line("  - port: %d\n    ip: \"127.0.0.1\"\n    module: ejabberd_c2s\n    starttls: %t", o.ClientPort, o.TLS)
	line("  - port: %d\n    ip: \"127.0.0.1\"\n    module: ejabberd_service\n    access: all\n    global_routes: false", o.componentPort)
	if len(o.Components) > 0 {
		line("    hosts:")
	}
	for _, domain := range slices.Sorted(maps.Keys(o.Components)) {
		line("      %q:\n        password: %q", domain, o.Components[domain])
	}
	line("acl: {}")
	line("access_rules:\n  anybody:\n    allow: all")
	line("shaper_rules:\n  max_user_offline_messages: 5000")
	line("modules:")
	for _, m := range []string{"mod_adhoc", "mod_blocking", "mod_caps", "mod_carboncopy", "mod_disco", "mod_last",
		"mod_offline", "mod_ping", "mod_privacy", "mod_private", "mod_pubsub", "mod_roster", "mod_stream_mgmt", "mod_vcard", "mod_version"} {
		switch m {
		case "mod_pubsub":
			line("  %s:\n    plugins: [flat, pep]", m)
		default:
			line("  %s: {}", m)
		}
	}
	line("  mod_register:\n    ip_access: anybody\n    access: anybody")
	if o.Privileged {
		line("  mod_privilege:\n    roster:\n      both: anybody\n    message:\n      outgoing: anybody")
	}
	line("registration_timeout: infinity")
	if err := os.Mkdir(filepath.Join(dir, "spool"), 0o700); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if err := os.WriteFile(e.configFile(dir), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

// populate registers the users in-band, because only a running ejabberd can write its
// database.
func (ejabberd) populate(ctx context.Context, addr string, o Options) error {
	for _, user := range slices.Sorted(maps.Keys(o.Users)) {
		if err := registerUser(ctx, addr, o.Domain, user, o.Users[user]); err != nil {
			return fmt.Errorf("lab: register %s: %w", user, err)
		}
	}
	return nil
}
