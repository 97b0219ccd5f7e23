package config

import (
	"net/url"
	"strings"
	"time"

	"transport/legacy/files"
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
		r.doc.fail(at, "%s is not the beginning of a link, such as %s", Quote(value), example)
		return ""
	}
	return strings.TrimRight(u.String(), "/")
}
