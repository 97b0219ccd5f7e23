package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// desk is an X server without a screen, with what GTK programs expect of a session.
type desk struct {
	st      *stage
	view    map[string]string // files that stand in place of the system's
	display string
	run     string // the folder of the session's sockets
}

// desktop starts a desktop and returns the command that walks a client on it.
func desktop(ctx context.Context, st *stage, client string) (*exec.Cmd, error) {
	if os.Geteuid() != 0 {
		return nil, errNotRoot
	}
	d := &desk{st: st, run: filepath.Join(st.dir, "run")}
	if err := unpack(st.dir); err != nil {
		return nil, err
	}
	for _, dir := range []string{d.run, filepath.Join(st.dir, "home")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		if err := os.Chown(dir, nobody, nogroup); err != nil {
			return nil, err
		}
	}
	var err error
	if d.view, err = st.writeView(); err != nil {
		return nil, err
	}
	if err := d.startX(ctx); err != nil {
		return nil, err
	}
	bus := filepath.Join(d.run, "bus")
	if err := st.background(d.command("dbus-daemon", "--session", "--address=unix:path="+bus, "--nofork"), "dbus.log"); err != nil {
		return nil, err
	}
	if err := waitFor(ctx, "the session's bus", func() bool { _, err := os.Stat(bus); return err == nil }); err != nil {
		return nil, err
	}
	if err := st.background(d.command("openbox"), "openbox.log"); err != nil {
		return nil, err
	}
	return d.command("/usr/bin/python3", "-u", filepath.Join(st.dir, "walk_"+client+".py")), nil
}

var errNotRoot = errors.New("this client needs root: it runs as the user nobody, in a view of the file system of its own")

// nobody is the user that the desktop's programs run as: Gajim refuses root.
const nobody, nogroup = 65534, 65534

// command is a command of the desktop. A shell with root's rights lays the view and
// gives them up.
func (d *desk) command(args ...string) *exec.Cmd {
	var script strings.Builder
	for _, target := range slices.Sorted(maps.Keys(d.view)) {
		fmt.Fprintf(&script, "mount --bind '%s' '%s' && ", d.view[target], target)
	}
	fmt.Fprintf(&script, `exec setpriv --reuid=%d --regid=%d --clear-groups --pdeathsig=KILL -- "$@"`, nobody, nogroup)
	cmd := exec.Command("unshare", append([]string{"--mount", "--", "sh", "-c", script.String(), "sh"}, args...)...)
	cmd.Dir = d.st.dir
	cmd.Env = append(d.st.environment(),
		"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "DISPLAY="+d.display, "HOME="+filepath.Join(d.st.dir, "home"),
		"XDG_RUNTIME_DIR="+d.run, "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(d.run, "bus"),
		"GDK_BACKEND=x11", "GSK_RENDERER=cairo", "NO_AT_BRIDGE=1", "GTK_A11Y=none", "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

// startX starts an X server, which chooses its number itself.
func (d *desk) startX(ctx context.Context) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1380x860x24")
	cmd.ExtraFiles = []*os.File{w}
	err = d.st.background(cmd, "xvfb.log")
	w.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { r.Close() })
	defer stop()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return errors.New("no display of Xvfb; xvfb.log says why")
	}
	d.display = ":" + strings.TrimSpace(number)
	return nil
}

// systemTrust is where Debian keeps the certificates that programs trust.
const systemTrust = "/etc/ssl/certs/ca-certificates.crt"

// writeView writes the files that the desktop's programs find in place of the system's:
// where example.org is, who to trust, and that there is no name server.
func (st *stage) writeView() (files map[string]string, err error) {
	trusted, err := os.ReadFile(systemTrust)
	if err != nil {
		return nil, fmt.Errorf("%w: on Debian, apt-get install ca-certificates", err)
	}
	authority, err := os.ReadFile(st.prosody.Authority)
	if err != nil {
		return nil, err
	}
	files = make(map[string]string)
	for target, text := range map[string]string{
		"/etc/hosts":       fmt.Sprintf("127.0.0.1 localhost\n%s %s upload.%s\n", st.host, domain, domain),
		"/etc/resolv.conf": "",
		systemTrust:        string(trusted) + string(authority),
	} {
		files[target] = filepath.Join(st.dir, filepath.Base(target))
		if err := os.WriteFile(files[target], []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return files, nil
}
