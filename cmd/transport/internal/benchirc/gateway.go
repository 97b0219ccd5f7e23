package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // for biboumi's database

	"transport/cmd/transport/internal/bench"
	"transport/cmd/transport/internal/lab"
)

// world is a gateway between two servers.
type world struct {
	*bench.Runner
	ctx    context.Context
	atXMPP *bench.Counter // messages to XMPP users
	atIRC  *bench.Counter // messages to IRC users

	xmpp    *bench.PlayedXMPP
	irc     *playedIRC
	prosody *lab.Server // this and the next field: with -mode real
	ngircd  *lab.IRC
	gateway *bench.Gateway
	users   xmppUsers
	people  ircPeople
	ends    []func()
}

const maxUsers = 1100

func (b *world) close() {
	if b.gateway != nil {
		b.gateway.Kill()
	}
	for i := len(b.ends) - 1; i >= 0; i-- {
		b.ends[i]()
	}
}

// start starts the servers and the gateway.
func (b *world) start(mode, name string, history bool) {
	var xmpp, irc string
	if mode == "real" {
		xmpp, irc = b.startReal()
	} else {
		b.xmpp, b.irc = bench.PlayXMPP(domain, b.atXMPP, false), playIRC(b.atIRC)
		b.ends = append(b.ends, b.xmpp.Close, func() { b.irc.listener.Close() })
		xmpp, irc = b.xmpp.Addr(), b.irc.listener.Addr().String()
		b.users, b.people = playedUsers{b.xmpp}, playedPeople{b.irc}
	}
	dir := b.Folder()
	var cmd *exec.Cmd
	profiles := false
	switch name {
	case "transport":
		cmd, profiles = b.transport(dir, xmpp, irc, history)
	case "biboumi":
		cmd = b.biboumi(dir, xmpp, irc, history)
	default:
		bench.Fail("there is no gateway %q", name)
	}
	b.gateway = bench.Start(cmd, dir, profiles)
	if b.xmpp != nil {
		b.xmpp.Await()
	} else {
		b.users.(*realUsers).awaitGateway(b.gateway.Process)
	}
}

// transport configures this program.
func (b *world) transport(dir, xmpp, irc string, history bool) (cmd *exec.Cmd, profiles bool) {
	days := 0
	if history {
		days = 7
	}
	program, profiles := b.Program()
	return bench.WriteConfig(program, dir, xmpp, domain, fmt.Sprintf("driver = \"irc\"\nhistory_days = %d\n[network.options]\nserver = %q\ntls = false\nrate = 0\n", days, irc)), profiles
}

// biboumi configures and starts Debian's biboumi, without a rate limit, and without an
// archive unless the scenario needs one. Both are rows for each user in its database.
func (b *world) biboumi(dir, xmpp, irc string, history bool) *exec.Cmd {
	_, port, _ := net.SplitHostPort(xmpp)
	file, db := filepath.Join(dir, "b.cfg"), filepath.Join(dir, "b.sqlite")
	text := fmt.Sprintf("hostname=%s\npassword=%s\nxmpp_server_ip=127.0.0.1\nport=%s\ndb_name=%s\nfixed_irc_server=127.0.0.1\nlog_level=3\nidentd_port=0\n",
		domain, bench.Secret, port, db)
	bench.Check(os.WriteFile(file, []byte(strings.Replace(text, "port="+port, "port=1", 1)), 0o600), "configuration")
	p, err := lab.Start(exec.Command("biboumi", file)) // it creates the tables
	bench.Check(err, "start biboumi (on Debian or Ubuntu, apt-get install biboumi)")
	size := int64(-1)
	bench.Until(b.ctx, "biboumi's database", 30*time.Second, func() bool {
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
	bench.Check(os.WriteFile(file, []byte(text), 0o600), "configuration")
	d, err := sql.Open("sqlite3", db)
	bench.Check(err, "biboumi's database")
	defer d.Close()
	_, ircPort, _ := net.SplitHostPort(irc)
	tx, err := d.Begin()
	bench.Check(err, "biboumi's database")
	for i := range maxUsers {
		owner := fmt.Sprintf("u%d@localhost", i)
		_, err = tx.Exec("INSERT INTO ircserveroptions_ (owner_, server_, tlsports_, ports_, throttlelimit_, verifycert_) VALUES (?, '127.0.0.1', '', ?, -1, 0)", owner, ircPort)
		bench.Check(err, "biboumi's settings")
		_, err = tx.Exec("INSERT INTO globaloptions_ (owner_, recordhistory_, persistent_, maxhistorylength_) VALUES (?, ?, 0, 20)", owner, history)
		bench.Check(err, "biboumi's settings")
	}
	bench.Check(tx.Commit(), "biboumi's settings")
	return exec.Command("biboumi", file)
}
