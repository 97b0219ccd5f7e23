package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // another process that opens the database

	"transport/cmd/transport/internal/lab"
)

// databaseFaults make the database unusable, while the gateway runs or before its start.
func databaseFaults() []fault {
	all := []fault{
		{name: "database: disk full", run: fillDisk},
		{name: "database: locked by another process", run: lockDatabase},
	}
	for _, d := range damages {
		all = append(all, fault{name: "database: " + d.name, run: func(ctx context.Context, c *campaign) error { return c.refuse(ctx, d) }})
	}
	return all
}

// fillDisk leaves no space for the database, and cuts the link meanwhile, so that the
// gateway has messages to spool.
func fillDisk(ctx context.Context, c *campaign) (err error) {
	if !c.disk.mounted {
		return fmt.Errorf("%w: no file system in memory: %w", errLeftOut, c.disk.missing)
	}
	if err := c.disk.fill(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.disk.free()) }()
	wait(ctx, c.span(time.Second, 2*time.Second))
	c.toXMPP.cut()
	wait(ctx, c.span(2*time.Second, 4*time.Second))
	return nil
}

// lockDatabase holds the write lock of the database for longer than the gateway waits for
// it.
func lockDatabase(ctx context.Context, c *campaign) (err error) {
	db, err := sql.Open("sqlite3", "file:"+c.database()+"?_busy_timeout=5000&_txlock=immediate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("lock the database: %w", err)
	}
	wait(ctx, time.Second)
	c.toXMPP.cut()
	wait(ctx, c.span(6*time.Second, 8*time.Second))
	return tx.Rollback()
}

// damage is a state of the files in which the gateway must not start. do damages them, and
// returns what mends them.
type damage struct {
	name string
	says string // a part of the log
	do   func(c *campaign) (mend func() error, err error)
}

var damages = []damage{
	{"is no database", "restore", func(c *campaign) (func() error, error) {
		return change(c.database(), func(b []byte) []byte { return append([]byte("not SQLite any more"), b[min(len(b), 19):]...) })
	}},
	{"of a newer version", "newer", func(c *campaign) (func() error, error) {
		return change(c.database(), func(b []byte) []byte {
			if len(b) > 64 {
				b[60], b[61], b[62], b[63] = 0, 0, 0x7f, 0xff // user_version (SQLite file format §1.3)
			}
			return b
		})
	}},
	{"key file missing", "key", func(c *campaign) (func() error, error) {
		old, err := os.ReadFile(c.keyFile())
		if err != nil {
			return nil, err
		}
		return func() error { return os.WriteFile(c.keyFile(), old, 0o600) }, os.Remove(c.keyFile())
	}},
	{"key file changed", "key", func(c *campaign) (func() error, error) {
		return change(c.keyFile(), func(b []byte) []byte {
			digits := []byte("0123456789abcdef")
			for i, letter := range b { // another key of the same form
				if at := bytes.IndexByte(digits, letter); at >= 0 && i > len(b)/2 {
					b[i] = digits[(at+1)%10]
				}
			}
			return b
		})
	}},
	{"read-only", "", func(c *campaign) (func() error, error) {
		if !c.disk.mounted {
			return nil, fmt.Errorf("%w: no file system in memory: %w", errLeftOut, c.disk.missing)
		}
		return func() error { return c.disk.setReadOnly(false) }, c.disk.setReadOnly(true)
	}},
}

// change changes a file, and returns what puts it back.
func change(file string, do func([]byte) []byte) (mend func() error, err error) {
	old, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return func() error { return os.WriteFile(file, old, 0o600) }, os.WriteFile(file, do(bytes.Clone(old)), 0o600)
}

// refuse ends the gateway, damages its files, and expects that it does not start, says why,
// and changes no file. Then it mends them and starts it again.
func (c *campaign) refuse(ctx context.Context, d damage) error {
	if err := c.stopGateway(); err != nil {
		return err
	}
	mend, err := d.do(c)
	if err == nil {
		err = c.expectRefusal(ctx, d)
	}
	if mend != nil {
		err = errors.Join(err, mend())
	}
	err = errors.Join(err, c.start())
	for _, p := range c.people {
		p.rejoin()
	}
	return err
}

// refusalLimit is how long the gateway may take to find that it cannot start.
const refusalLimit = 15 * time.Second

func (c *campaign) expectRefusal(ctx context.Context, d damage) error {
	before, err := c.files()
	if err != nil {
		return err
	}
	var log bytes.Buffer
	cmd := exec.Command(c.program, "run", "--config", c.file("transport.toml"))
	cmd.Stdout, cmd.Stderr = &log, &log
	p, err := lab.Start(cmd)
	if err != nil {
		return err
	}
	late := time.NewTimer(refusalLimit)
	defer late.Stop()
	select {
	case <-p.Done():
	case <-late.C:
	case <-ctx.Done():
	}
	p.Kill()
	after, err := c.files()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := log.String()
	if code := p.Wait(); code != 1 {
		c.problem("the gateway started, or ended with exit code %d and not 1, although the database is unusable: %s\n%s", code, d.name, text)
	}
	if !strings.Contains(text, "cannot open the database") || !strings.Contains(text, d.says) || !strings.Contains(text, "remedy") {
		c.problem("the gateway does not say why it cannot start: %s\n%s", d.name, text)
	}
	if before != after {
		c.problem("the gateway changed a file although it could not start: %s\n%s\n%s", d.name, before, after)
	}
	return nil
}

// files describes the files of the database, but not its lock, which contains the number of
// the last process.
func (c *campaign) files() (list string, err error) {
	err = filepath.WalkDir(c.disk.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		data, err := os.ReadFile(path)
		list += fmt.Sprintf("%s %d %x\n", filepath.Base(path), len(data), sha256.Sum256(data))
		return err
	})
	return list, err
}
