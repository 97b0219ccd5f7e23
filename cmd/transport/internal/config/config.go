package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/rs/zerolog"

	"transport/component"
	"transport/legacy"
	"transport/legacy/files"
)

const (
	DefaultFile   = "transport.toml"
	maxConfigSize = 256 << 10 // limit: bytes of a configuration file | the program does not start
)

// The values of database.durability.
const (
	DurabilityJournal = "journal"
	DurabilityMemory  = "memory"
)

// Durabilities are the values of database.durability.
var Durabilities = []string{DurabilityJournal, DurabilityMemory}

// fileConfig is the structure of a configuration file. transport.toml, the default
// file, explains every key.
type fileConfig struct {
	Log struct {
		Level  string `toml:"level"`
		Format string `toml:"format"`
	} `toml:"log"`
	Database struct {
		Path       string `toml:"path"`
		KeyFile    string `toml:"key_file"`
		Durability string `toml:"durability"`
	} `toml:"database"`
	Server struct {
		Address string        `toml:"address"`
		Linger  time.Duration `toml:"linger"`
	} `toml:"server"`
	Limits struct {
		Memory int64 `toml:"memory"` // limit: bytes of memory in use | strangers and sign-ons are refused first, then joins, then caches are dropped; messages never
	} `toml:"limits"`
	Files    fileFiles     `toml:"files"`
	Networks []fileNetwork `toml:"network"`
}

// fileNetwork is the structure of a [[network]] block. The driver interprets the
// options.
type fileNetwork struct {
	Driver     string         `toml:"driver"`
	Domain     string         `toml:"domain"`
	Name       string         `toml:"name"`
	Secret     string         `toml:"secret"`
	SecretFile string         `toml:"secret_file"`
	Address    string         `toml:"address"`
	Allow      []string       `toml:"allow"`
	Deny       []string       `toml:"deny"`
	Admins     []string       `toml:"admins"`
	Rate       int            `toml:"rate"`          // limit: stanzas a second of a user, with bursts of ten seconds' worth | policy-violation
	Days       int            `toml:"history_days"`  // limit: days that a message stays in the archive of a room | it is deleted
	Lines      int            `toml:"history_lines"` // limit: messages in the archive of a room of a user; a tenth and 20 more before it is trimmed | the oldest are deleted
	Options    map[string]any `toml:"options"`
}

// Config is a valid configuration.
type Config struct {
	File       string // the argument of Load
	LogLevel   zerolog.Level
	LogFormat  string
	Database   string         // path
	KeyFile    string         // path
	Durability string         // one of Durabilities
	Files      *files.Options // nil: files are uploaded to the users' own servers
	MaxFile    int64          // bytes; 0: the gateway receives no files
	Memory     int64          // the budget in bytes; 0: the limit of the process's environment, if it has one
	Linger     time.Duration
	Networks   []Network
	Warnings   []string // about settings that are valid but unsafe
}

// Network is one valid [[network]] block.
type Network struct {
	at           path // of the block in the file
	Driver       string
	Domain       string // normalised
	Name         string // "": the driver's
	Secret       Secret
	SecretSource string // the origin of the secret, for messages
	Server       string // host:port of the XMPP server
	Allow        []string
	Deny         []string
	Admins       []string
	Rate         int // rate limit for each user, in stanzas per second; 0 is no limit
	History      component.History
	Legacy       legacy.Network
}

// The range of the memory budget in bytes. With less, the gateway would refuse everything.
const minMemory, maxMemory = 32 << 20, 1 << 50 // limit: bytes of `limits.memory` | the program does not start

// maxLinger limits how long users who have gone offline stay signed on.
const maxLinger = 10 * time.Minute

// loader reads configurations. Tests replace its fields, which stand for the
// environment of the process.
type loader struct {
	lookupEnv func(string) (string, bool)
	drivers   map[string]driver
}

// Load reads a configuration file. If the contents are invalid, the error is of type
// Problems. Any goroutine may call it.
func Load(file string) (*Config, error) {
	data, err := readConfig(file)
	if err != nil {
		return nil, err
	}
	l := loader{os.LookupEnv, drivers}
	return l.load(file, data)
}

// readConfig reads the file. If it does not exist, the error contains the absolute path.
func readConfig(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, missingConfig(file, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, problem{file: file, text: "is a folder, not a configuration file; did you mean " +
			strconv.Quote(filepath.Join(file, DefaultFile)) + "?"}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfigSize+1))
	if err != nil {
		return nil, problem{file: file, text: "cannot be read: " + Cause(err)}
	}
	return data, nil
}

func missingConfig(file string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return problem{file: file, text: "cannot be opened: " + Cause(err)}
	}
	looked := file
	if abs, err := filepath.Abs(file); err == nil {
		looked = abs
	}
	return problem{file: file, text: fmt.Sprintf("there is no configuration file %s; "+
		"copy transport.toml from the top folder of the program's source and edit it, or name another file with --config", strconv.Quote(looked))}
}

// Cause returns the operating system's message of an error, without the path.
func Cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// load parses and validates the contents of a file. Relative paths in it are relative
// to the file's folder.
func (l *loader) load(file string, data []byte) (*Config, error) {
	values, where, err := decode(file, data)
	if err != nil {
		return nil, err
	}
	raw := fileConfig{}
	raw.Log.Level, raw.Log.Format = "info", FormatAuto
	raw.Database.Path, raw.Database.KeyFile, raw.Database.Durability = "transport.db", "transport.key", DurabilityJournal
	raw.Server.Address, raw.Server.Linger = "127.0.0.1:5347", 2*time.Second
	raw.Files = defaultFiles

	doc := &document{file: file, positions: where, bad: make(map[string]bool), homes: l.homes()}
	doc.bindTable(path{}, values, reflect.ValueOf(&raw).Elem())
	r := &resolver{loader: l, doc: doc, dir: filepath.Dir(file), cfg: &Config{File: file}}
	r.resolve(&raw)
	if len(doc.problems) > 0 {
		return nil, doc.problems.sort()
	}
	return r.cfg, nil
}

// decode parses TOML. The error is of type Problems.
func decode(file string, data []byte) (map[string]any, positions, error) {
	fail := func(line int, format string, args ...any) (map[string]any, positions, error) {
		return nil, positions{}, Problems{{file: file, line: line, text: fmt.Sprintf(format, args...)}}
	}
	switch {
	case len(data) > maxConfigSize:
		return fail(1, "the file is larger than %d KiB, too large for a configuration", maxConfigSize>>10)
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fail(1, "the file is UTF-16: save it as UTF-8")
	case bytes.IndexByte(data, 0) >= 0:
		return fail(lineAt(data, bytes.IndexByte(data, 0)), "the file contains a NUL byte: it is not UTF-8 text")
	case !utf8.Valid(data):
		return fail(lineAt(data, invalidUTF8(data)), "the file is not UTF-8: save it as UTF-8")
	}
	where := locate(data)
	if where.tooDeep > 0 {
		return fail(where.tooDeep, "nested too deeply")
	}
	var values map[string]any
	if _, err := toml.Decode(string(data), &values); err != nil {
		var pe toml.ParseError
		if !errors.As(err, &pe) {
			return fail(1, "%s", strings.TrimPrefix(err.Error(), "toml: "))
		}
		line := min(max(pe.Position.Line, 1), lineAt(data, len(data)))
		return fail(line, "%s", syntaxMessage(pe, data, line))
	}
	return values, where, nil
}

// lineAt returns the number of the line of the byte at offset i.
func lineAt(data []byte, i int) int { return 1 + bytes.Count(data[:i], []byte("\n")) }

// invalidUTF8 returns the offset of the first byte that is not UTF-8.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// quoted matches the part of the TOML library's messages that quotes the file.
var quoted = regexp.MustCompile(`,? but (found|got) .*`)

// syntaxMessage returns the TOML library's message, without parts of the file that may
// be a secret.
func syntaxMessage(pe toml.ParseError, data []byte, line int) string {
	text := bytes.ToLower(bytes.Split(data, []byte("\n"))[line-1])
	for _, word := range []string{"secret", "passw", "token"} {
		if bytes.Contains(text, []byte(word)) || strings.Contains(strings.ToLower(pe.LastKey), word) {
			return "not valid TOML (not quoted, since the line may contain a secret); write each key on a separate line, as name = \"text\""
		}
	}
	message := "not valid TOML: " + strings.TrimSuffix(quoted.ReplaceAllString(pe.Message, ""), ".")
	switch {
	case message == "not valid TOML: expected value":
		message += "; write strings in double quotes"
	case strings.Contains(message, "'.' or '='"):
		message += "; write name = value"
	}
	if pe.LastKey != "" {
		message += fmt.Sprintf(" (near key %s)", pe.LastKey)
	}
	return strings.Map(func(r rune) rune { // the library quotes the file
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, message)
}

// homes returns the header of the table of every key that exists in one table only.
func (l *loader) homes() map[string]string {
	homes := make(map[string]string)
	add := func(header string, table reflect.Value) {
		for name := range tableFields(table) {
			if _, twice := homes[name]; twice {
				homes[name] = ""
			} else {
				homes[name] = header
			}
		}
	}
	var raw fileConfig
	add("[log]", reflect.ValueOf(raw.Log))
	add("[database]", reflect.ValueOf(raw.Database))
	add("[server]", reflect.ValueOf(raw.Server))
	add("[limits]", reflect.ValueOf(raw.Limits))
	add("[files]", reflect.ValueOf(raw.Files))
	add("[[network]]", reflect.ValueOf(fileNetwork{}))
	options := make(map[string]bool)
	for _, d := range l.drivers {
		for name := range tableFields(reflect.ValueOf(d.options()).Elem()) {
			options[name] = true
		}
	}
	for name := range options {
		if _, twice := homes[name]; !twice {
			homes[name] = "[network.options]"
		}
	}
	return homes
}
