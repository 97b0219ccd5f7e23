package config

import (
	"net/url"
	"strings"
	"time"

	"transport/legacy/files"
)

// fileFiles is the structure of the [files] block. Without URL, and without the block,
// files are uploaded to the users' own servers.
type fileFiles struct {
	Upload      bool   `toml:"upload"`
	Listen      string `toml:"listen"`
	URL         string `toml:"url"`
	Dir         string `toml:"dir"`
	MaxSize     int64  `toml:"max_size"`     // limit: bytes of a received file | it is refused, and the user gets a notice
	TotalSize   int64  `toml:"total_size"`   // limit: bytes of all received files | the oldest are deleted
	SenderDay   int64  `toml:"sender_day"`   // limit: bytes of the files of a sender in a day | the file is refused, and the user gets a notice
	SenderTotal int64  `toml:"sender_total"` // limit: bytes of the stored files of a sender | the file is refused, and the user gets a notice
	Keep        int    `toml:"keep"`         // limit: days that a received file is kept | it is deleted
}

// defaultFiles are the defaults of the [files] block. MaxSize applies without the block,
// too.
var defaultFiles = fileFiles{
	Listen:      "127.0.0.1:5290",
	Dir:         "files",
	MaxSize:     100_000_000,
	TotalSize:   10_000_000_000,
	SenderDay:   500_000_000,
	SenderTotal: 1_000_000_000,
	Keep:        30,
}

const (
	maxFileSize  = 1<<32 - 1 // limit: bytes of `files.max_size`; OSCAR has 32 bits for it | the program does not start
	maxTotalSize = 1 << 50   // limit: bytes of `files.total_size` | the program does not start
	maxKeep      = 3650      // limit: days of `files.keep` | the program does not start
)

// files validates the [files] block. It returns nil if the gateway does not store files
// itself.
func (r *resolver) files(at path, raw *fileFiles) *files.Options {
	within := func(key string, value, low, high int64) {
		if value < low || value > high {
			r.doc.fail(at.key(key), "%d is out of range (allowed: %d to %d)", value, low, high)
		}
	}
	within("max_size", raw.MaxSize, 0, maxFileSize)
	if raw.Upload && r.doc.has(at.key("url")) {
		r.doc.fail(at.key("upload"), "is true, but url on line %d makes the gateway store files itself; remove one of them", r.doc.line(at.key("url")))
	}
	if raw.Upload || raw.MaxSize == 0 {
		return nil
	}
	within("total_size", raw.TotalSize, 1, maxTotalSize)
	within("keep", int64(raw.Keep), 1, maxKeep)
	if !r.doc.bad[at.key("max_size").id] && raw.TotalSize < raw.MaxSize+files.Overhead {
		r.doc.fail(at.key("total_size"), "%d is too small for a file of max_size; write at least %d", raw.TotalSize, raw.MaxSize+files.Overhead)
	}
	quota := func(key string, value int64) int64 {
		within(key, value, 0, maxTotalSize)
		least := raw.MaxSize + files.Overhead
		if value <= 0 || value >= least {
			return value
		}
		if r.doc.has(at.key(key)) {
			r.doc.fail(at.key(key), "%d is too small for a file of max_size; write at least %d, or 0 for no limit", value, least)
		}
		return least
	}
	return &files.Options{
		Listen:      r.hostPort(at.key("listen"), raw.Listen),
		URL:         r.baseURL(at.key("url"), raw.URL),
		Dir:         r.folderPath(at.key("dir"), raw.Dir),
		MaxSize:     raw.MaxSize,
		TotalSize:   raw.TotalSize,
		SenderDay:   quota("sender_day", raw.SenderDay),
		SenderTotal: quota("sender_total", raw.SenderTotal),
		Keep:        time.Duration(raw.Keep) * 24 * time.Hour,
	}
}

// baseURL validates the base URL of links.
func (r *resolver) baseURL(at path, value string) string {
	const example = `"https://files.example.org"`
	if !r.required(at, value, "url = "+example) {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !plainLine(value) {
		r.doc.fail(at, "%s is not a base URL such as %s", Quote(value), example)
		return ""
	}
	return strings.TrimRight(u.String(), "/")
}
