package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // for biboumi's database

	"transport/cmd/transport/internal/lab"
)

// bench is a gateway between two servers.
type bench struct {
	ctx    context.Context
	dir    string
	scale  float64
	atXMPP *counter // messages to XMPP users
	atIRC  *counter // messages to IRC users

	xmpp    *playedXMPP
	irc     *playedIRC
	prosody *lab.Server // this and the next field: with -mode real
	ngircd  *lab.IRC
	gateway *lab.Process
	users   xmppUsers
	people  ircPeople
	ends    []func()
}

const (
	secret   = "benchmark-secret"
	maxUsers = 1100
)

func (b *bench) close() {
	if b.gateway != nil {
		b.gateway.Kill()
	}
	for i := len(b.ends) - 1; i >= 0; i-- {
		b.ends[i]()
	}
}

// scaled applies the flag -n to a number.
func (b *bench) scaled(n int) int { return max(1, int(float64(n)*b.scale)) }

// start starts the servers and the gateway.
func (b *bench) start(mode, name, program string, history bool) {
	var xmpp, irc string
	if mode == "real" {
		xmpp, irc = b.startReal()
	} else {
		b.xmpp, b.irc = playXMPP(b.atXMPP), playIRC(b.atIRC)
		b.ends = append(b.ends, func() { b.xmpp.listener.Close() }, func() { b.irc.listener.Close() })
		xmpp, irc = b.xmpp.listener.Addr().String(), b.irc.listener.Addr().String()
		b.users, b.people = playedUsers{b.xmpp}, playedPeople{b.irc}
	}
	var cmd *exec.Cmd
	switch name {
	case "transport":
		cmd = b.transport(program, xmpp, irc, history)
	case "biboumi":
		cmd = b.biboumi(xmpp, irc, history)
	default:
		panic(failure{fmt.Errorf("there is no gateway %q", name)})
	}
	out, err := os.Create(filepath.Join(b.dir, name+".log"))
	check(err, "log")
	cmd.Stdout, cmd.Stderr = out, out
	b.gateway, err = lab.Start(cmd)
	check(err, "start "+name)
	if b.xmpp != nil {
		select {
		case <-b.xmpp.connected:
		case <-time.After(20 * time.Second):
			panic(failure{fmt.Errorf("%s does not connect", name)})
		}
	} else {
		b.users.(*realUsers).awaitGateway(b.gateway)
	}
}

// transport configures and starts this program.
func (b *bench) transport(program, xmpp, irc string, history bool) *exec.Cmd {
	if program == "" {
		program = filepath.Join(b.dir, "transport")
		if _, err := os.Stat(program); err != nil {
			out, err := exec.CommandContext(b.ctx, "go", "build", "-o", program, "./cmd/transport").CombinedOutput()
			check(err, "go build: "+string(out))
		}
	}
	dir, err := os.MkdirTemp(b.dir, "t")
	check(err, "folder")
	days := 0
	if history {
		days = 7
	}
	text := fmt.Sprintf("[log]\nlevel = \"warn\"\n[database]\npath = %q\nkey_file = %q\n[server]\naddress = %q\n[[network]]\ndriver = \"irc\"\ndomain = %q\nsecret = %q\nrate = 0\nhistory_days = %d\n[network.options]\nserver = %q\ntls = false\nrate = 0\n",
		filepath.Join(dir, "t.db"), filepath.Join(dir, "t.key"), xmpp, domain, secret, days, irc)
	file := filepath.Join(dir, "t.toml")
	check(os.WriteFile(file, []byte(text), 0o600), "configuration")
	return exec.Command(program, "run", "--config", file)
}

// biboumi configures and starts Debian's biboumi, without a rate limit, and without an
// archive unless the scenario needs one. Both are rows for each user in its database.
func (b *bench) biboumi(xmpp, irc string, history bool) *exec.Cmd {
	dir, err := os.MkdirTemp(b.dir, "b")
	check(err, "folder")
	_, port, _ := net.SplitHostPort(xmpp)
	file, db := filepath.Join(dir, "b.cfg"), filepath.Join(dir, "b.sqlite")
	text := fmt.Sprintf("hostname=%s\npassword=%s\nxmpp_server_ip=127.0.0.1\nport=%s\ndb_name=%s\nfixed_irc_server=127.0.0.1\nlog_level=3\nidentd_port=0\n",
		domain, secret, port, db)
	check(os.WriteFile(file, []byte(strings.Replace(text, "port="+port, "port=1", 1)), 0o600), "configuration")
	p, err := lab.Start(exec.Command("biboumi", file)) // it creates the tables
	check(err, "start biboumi (on Debian or Ubuntu, apt-get install biboumi)")
	size := int64(-1)
	until("biboumi's database", 30*time.Second, func() bool {
		time.Sleep(300 * time.Millisecond)
		info, err := os.Stat(db)
		if err != nil || info.Size() != size { // reading the database while biboumi creates it would stop biboumi
			if err == nil {
				size = info.Size()
			}
			return false
		}
		d, err := sql.Open("sqlite3", db)
		if err != nil {
			return false
		}
		defer d.Close()
		var n int
		return d.QueryRow("SELECT count(*) FROM sqlite_master WHERE name IN ('ircserveroptions_', 'globaloptions_', 'archive_index')").Scan(&n) == nil && n == 3
	})
	p.Kill()
	check(os.WriteFile(file, []byte(text), 0o600), "configuration")
	d, err := sql.Open("sqlite3", db)
	check(err, "biboumi's database")
	defer d.Close()
	_, ircPort, _ := net.SplitHostPort(irc)
	tx, err := d.Begin()
	check(err, "biboumi's database")
	for i := range maxUsers {
		owner := fmt.Sprintf("u%d@localhost", i)
		_, err = tx.Exec("INSERT INTO ircserveroptions_ (owner_, server_, tlsports_, ports_, throttlelimit_, verifycert_) VALUES (?, '127.0.0.1', '', ?, -1, 0)", owner, ircPort)
		check(err, "biboumi's settings")
		_, err = tx.Exec("INSERT INTO globaloptions_ (owner_, recordhistory_, persistent_, maxhistorylength_) VALUES (?, ?, 0, 20)", owner, history)
		check(err, "biboumi's settings")
	}
	check(tx.Commit(), "biboumi's settings")
	return exec.Command("biboumi", file)
}

// cpu returns the CPU time of the gateway.
func (b *bench) cpu() time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.gateway.PID()))
	check(err, "CPU time")
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // user and system
		n, _ := strconv.Atoi(f)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// rss returns the resident memory of the gateway in KiB.
func (b *bench) rss() int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.gateway.PID()))
	check(err, "memory")
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(rest)[0])
	return n
}
