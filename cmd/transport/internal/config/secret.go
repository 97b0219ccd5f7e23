package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Secret is a text that formats as three stars in messages and logs. It is behind a
// pointer, because fmt prints unexported fields without calling their String method.
type Secret struct{ text *string }

func newSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String, GoString and MarshalText hide the secret from fmt, zerolog and
// encoding/json.
func (Secret) String() string               { return "***" }
func (Secret) GoString() string             { return "***" }
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

var envReference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// documentedSecret is the prefix of the secrets in the shipped transport.toml.
const documentedSecret = "change-me"

// secret returns the block's secret and its origin.
func (r *resolver) secret(at path, raw *fileNetwork) (Secret, string) {
	inline, file := at.key("secret"), at.key("secret_file")
	switch {
	case r.doc.has(inline) && r.doc.has(file):
		r.doc.fail(file, "secret is also set, on line %d; remove one of them", r.doc.line(inline))
		return Secret{}, ""
	case r.doc.has(file):
		return r.secretFile(file, raw.SecretFile)
	case !r.required(inline, raw.Secret, `secret = "…", secret = "${NAME}" for an environment variable, or secret_file = "path"`):
		return Secret{}, ""
	}
	value := raw.Secret
	if m := envReference.FindStringSubmatch(value); m != nil {
		value, ok := r.lookupEnv(m[1])
		switch {
		case !ok:
			r.doc.fail(inline, "the environment variable %s is not set", m[1])
		case value == "":
			r.doc.fail(inline, "the environment variable %s is empty", m[1])
		}
		return newSecret(value), "from the environment variable " + m[1]
	}
	if strings.Contains(value, "${") {
		r.doc.fail(inline, "${NAME} must be the whole value, a name of letters, digits and underscores; put a secret that contains these characters into a secret_file")
		return Secret{}, ""
	}
	if strings.HasPrefix(value, documentedSecret) {
		r.warn(inline, "is the published default from the documentation; change it here and in the XMPP server")
	} else if info, err := os.Stat(r.cfg.File); err == nil && info.Mode().IsRegular() && info.Mode()&0o004 != 0 {
		r.warn(inline, "all users of this machine can read this file; run chmod 640 on it, or use secret_file")
	}
	return newSecret(value), "in " + r.cfg.File
}

// secretFile reads the secret from a file that contains nothing else.
func (r *resolver) secretFile(at path, value string) (Secret, string) {
	const maxSize = 4096 // limit: bytes of a file with a secret | the program does not start
	file := r.filePath(at, value)
	if file == "" {
		return Secret{}, ""
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.doc.fail(at, "there is no file %s; create it with the secret as its only line", strconv.Quote(file))
		return Secret{}, ""
	case err != nil:
		r.doc.fail(at, "%s cannot be read: %s", strconv.Quote(file), Cause(err))
		return Secret{}, ""
	case !info.Mode().IsRegular(): // opening a pipe or a device may block
		r.doc.fail(at, "%s is not a regular file", strconv.Quote(file))
		return Secret{}, ""
	}
	f, err := os.Open(file)
	if err != nil {
		r.doc.fail(at, "%s cannot be read: %s", strconv.Quote(file), Cause(err))
		return Secret{}, ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	text := bytes.TrimRight(data, "\r\n")
	switch {
	case err != nil:
		r.doc.fail(at, "%s cannot be read: %s", strconv.Quote(file), Cause(err))
	case len(text) == 0:
		r.doc.fail(at, "%s is empty; it must contain the secret as its only line", strconv.Quote(file))
	case len(data) > maxSize, bytes.ContainsAny(text, "\r\n\x00"), !utf8.Valid(text):
		r.doc.fail(at, "%s must contain one line of text, the secret, and nothing else", strconv.Quote(file))
	default:
		if info.Mode()&0o004 != 0 {
			r.warn(at, "all users of this machine can read %s; run chmod 640 on it", strconv.Quote(file))
		}
		return newSecret(string(text)), "from file " + file
	}
	return Secret{}, ""
}
