package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"transport/component/files"
)

// fileFiles is the [files] block as it is written. Without URL, and without the
// block, files go to the users' own servers.
type fileFiles struct {
	Upload    bool   `toml:"upload"`
	Listen    string `toml:"listen"`
	URL       string `toml:"url"`
	Dir       string `toml:"dir"`
	MaxSize   int64  `toml:"max_size"`
	TotalSize int64  `toml:"total_size"`
	Keep      int    `toml:"keep"`
}

// defaultFiles are the settings of a [files] block that has its URL only. MaxSize
// holds without the block, too.
var defaultFiles = fileFiles{
	Listen:    "127.0.0.1:5290",
	Dir:       "files",
	MaxSize:   100_000_000,
	TotalSize: 10_000_000_000,
	Keep:      30,
}

const (
	maxFileSize  = 1<<32 - 1 // what OSCAR's 32 bits can say
	maxTotalSize = 1 << 50
	maxKeep      = 3650 // days
)

// files checks the [files] block. The answer is nil where the gateway keeps no
// files itself.
func (r *resolver) files(at path, raw *fileFiles) *files.Options {
	within := func(key string, value, low, high int64) {
		if value < low || value > high {
			r.doc.fail(at.key(key), "%d is out of range (allowed: %d to %d)", value, low, high)
		}
	}
	within("max_size", raw.MaxSize, 0, maxFileSize)
	if raw.Upload && r.doc.has(at.key("url")) {
		r.doc.fail(at.key("upload"), "is true, but url on line %d says that the gateway keeps files itself; leave one of them out", r.doc.line(at.key("url")))
	}
	if raw.Upload || raw.MaxSize == 0 {
		return nil
	}
	within("total_size", raw.TotalSize, 1, maxTotalSize)
	within("keep", int64(raw.Keep), 1, maxKeep)
	if !r.doc.bad[at.key("max_size").id] && raw.TotalSize < raw.MaxSize+files.Overhead {
		r.doc.fail(at.key("total_size"), "%d leaves no room for a file of max_size; write %d at least", raw.TotalSize, raw.MaxSize+files.Overhead)
	}
	return &files.Options{
		Listen:    r.hostPort(at.key("listen"), raw.Listen),
		URL:       r.baseURL(at.key("url"), raw.URL),
		Dir:       r.folderPath(at.key("dir"), raw.Dir),
		MaxSize:   raw.MaxSize,
		TotalSize: raw.TotalSize,
		Keep:      time.Duration(raw.Keep) * 24 * time.Hour,
	}
}

// baseURL checks what links begin with.
func (r *resolver) baseURL(at path, value string) string {
	const example = `"https://files.example.org"`
	if !r.required(at, value, "url = "+example) {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !plainLine(value) {
		r.doc.fail(at, "%s is not the beginning of a link, such as %s", show(value), example)
		return ""
	}
	return strings.TrimRight(u.String(), "/")
}

// startFiles serves files as [files] says, until stop, which waits for the end.
// The store is nil where there is no such block.
func (c *config) startFiles(log zerolog.Logger) (store *files.Store, stop func(), err error) {
	if c.files == nil {
		return nil, func() {}, nil
	}
	o := *c.files
	o.Log = log.With().Str("part", "files").Logger()
	if store, err = files.Open(o); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { // waited for by stop
		defer close(over)
		if err := store.Run(ctx); err != nil {
			log.Error().Err(err).Msg("files are no longer served")
		}
	}()
	log.Info().Str("address", o.Listen).Str("url", o.URL).Msg("serving files")
	return store, func() {
		cancel()
		<-over
		if err := store.Close(); err != nil {
			log.Error().Err(err).Msg("cannot close the folder of files")
		}
	}, nil
}

// files tries the folder and the address.
func (c *checker) files(o files.Options) {
	if err := files.Check(o); err != nil {
		c.fail(filesRemedy(err), "%v", err)
		return
	}
	c.ok("files: %s, up to %d bytes each and %d together, served on %s as %s", o.Dir, o.MaxSize, o.TotalSize, o.Listen, o.URL)
}

// filesRemedy is what to do about an error of opening the store of files.
func filesRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process listens there: stop it, or change files.listen"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EACCES) && !errors.As(err, new(*fs.PathError)):
		return "choose an address of this machine that the program may listen on as files.listen, such as 127.0.0.1:5290"
	case errors.Is(err, fs.ErrPermission):
		return "let the user that runs the program write to the folder, or set files.dir"
	}
	return "see that files.dir and files.listen are right"
}
