package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/component"
	"transport/legacy"
)

// testNetwork is a network that implements only Info.
type testNetwork struct{ legacy.Network }

func (testNetwork) Info() legacy.Info { return legacy.Info{Name: "Test"} }

// testOptions has an option of every type that bind supports.
type testOptions struct {
	Flavor  string            `toml:"flavor"`
	Server  string            `toml:"server"`
	Timeout time.Duration     `toml:"timeout"`
	Limit   int8              `toml:"limit"`
	Burst   uint16            `toml:"burst"`
	Rate    float64           `toml:"rate"`
	Verify  *bool             `toml:"verify"`
	Level   zerolog.Level     `toml:"log_at"`
	Colors  map[string]string `toml:"colors"`
	Limits  struct {
		Depth int `toml:"depth"`
	} `toml:"limits"`
}

func testDrivers() map[string]driver {
	open := func(o testOptions) (legacy.Network, error) {
		var errs []error
		if o.Flavor != "icq" && o.Flavor != "aim" {
			errs = append(errs, &legacy.FieldError{Var: "flavor", Text: Quote(o.Flavor) + " is not a flavor (allowed: icq, aim)"})
		}
		if o.Server == "" {
			errs = append(errs, &legacy.FieldError{Var: "server", Text: "missing; write host:port"})
		}
		if o.Rate < 0 {
			errs = append(errs, errors.New("test: the rate is negative"))
		}
		return testNetwork{}, errors.Join(errs...)
	}
	none := func(struct{}) (legacy.Network, error) { return testNetwork{}, nil }
	return map[string]driver{
		"oscar": newDriver(testOptions{Flavor: "icq", Server: "127.0.0.1:5190"}, open),
		"echo":  newDriver(struct{}{}, none),
	}
}

func testLoader(t testing.TB) *loader {
	return &loader{
		drivers: testDrivers(),
		lookupEnv: func(name string) (string, bool) {
			value, ok := map[string]string{"ICQ_SECRET": "from-env-7w", "EMPTY": ""}[name]
			return value, ok
		},
	}
}

// minimal is the smallest network block, on three lines after the header.
const minimal = "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\"\n"

// prepareFolder returns a folder with the files that the invalid configurations refer to.
func prepareFolder(t testing.TB) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "", "newline": "\n", "two-lines": "one\ntwo\n", "binary": "a\x00b", "latin1": "gr\xfc\xdfe",
		"huge": strings.Repeat("x", 5000), "good": "from-file-9k\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// loadText loads a configuration that must be valid.
func loadText(t *testing.T, file, text string) *Config {
	t.Helper()
	cfg, err := testLoader(t).load(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestDefaults(t *testing.T) {
	dir := t.TempDir()
	cfg := loadText(t, filepath.Join(dir, "t.toml"), minimal)
	want := &Config{
		File:       filepath.Join(dir, "t.toml"),
		LogLevel:   zerolog.InfoLevel,
		LogFormat:  "auto",
		Database:   filepath.Join(dir, "transport.db"),
		KeyFile:    filepath.Join(dir, "transport.key"),
		Durability: "journal",
		MaxFile:    100_000_000,
		Linger:     2 * time.Second,
		Networks: []Network{{
			at:           path{}.key("network").index(0),
			Driver:       "oscar",
			Domain:       "icq.example.org",
			Secret:       newSecret("s3cr3t"),
			SecretSource: "in " + filepath.Join(dir, "t.toml"),
			Server:       "127.0.0.1:5347",
			Rate:         100,
			History:      component.History{Keep: 7 * 24 * time.Hour, Lines: 10_000},
			Legacy:       testNetwork{},
		}},
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got\n%+v\nwant\n%+v", cfg, want)
	}
}

func TestEveryKey(t *testing.T) {
	var got testOptions
	l := testLoader(t)
	l.drivers["oscar"] = newDriver(testOptions{Limit: 7}, func(o testOptions) (legacy.Network, error) {
		got = o
		return testNetwork{}, nil
	})
	cfg, err := l.load("/etc/t.toml", []byte(`
log = { level = "trace", format = "json" }
[database]
path = "/tmp/x.db"
key_file = "ssl/../x.key"
[server]
address = "[::1]:5347"
[[network]]
driver = "oscar"
domain = "ICQ.Bücher.example."
name = "ICQ für alle"
secret = "${ICQ_SECRET}"
address = "localhost:15347"
allow = ["*"]
deny = ["Evil.Example", "Bob@EXAMPLE.org"]
admins = ["root@example.org"]
rate = 0
history_days = 2
history_lines = 3
[network.options]
flavor = "aim"
server = "login.example:5190"
timeout = "1m30s"
burst = 65535
rate = 2
verify = false
log_at = "debug"
colors = { red = "#f00" }
limits.depth = 3
`))
	if err != nil {
		t.Fatal(err)
	}
	no := false
	want := testOptions{
		Flavor: "aim", Server: "login.example:5190", Timeout: 90 * time.Second, Limit: 7, Burst: 65535, Rate: 2,
		Verify: &no, Level: zerolog.DebugLevel, Colors: map[string]string{"red": "#f00"},
	}
	want.Limits.Depth = 3
	if !reflect.DeepEqual(got, want) {
		t.Errorf("options are\n%+v, want\n%+v", got, want)
	}
	wantNet := Network{
		at: path{}.key("network").index(0), Driver: "oscar", Domain: "icq.bücher.example", Name: "ICQ für alle",
		Secret: newSecret("from-env-7w"), SecretSource: "from the environment variable ICQ_SECRET", Server: "localhost:15347",
		Allow: []string{"*"}, Deny: []string{"evil.example", "bob@example.org"}, Admins: []string{"root@example.org"},
		History: component.History{Keep: 48 * time.Hour, Lines: 3},
		Legacy:  testNetwork{},
	}
	if !reflect.DeepEqual(cfg.Networks, []Network{wantNet}) {
		t.Errorf("network is\n%+v, want\n%+v", cfg.Networks[0], wantNet)
	}
	if cfg.Database != "/tmp/x.db" || cfg.KeyFile != "/etc/x.key" || cfg.LogLevel != zerolog.TraceLevel || cfg.LogFormat != "json" {
		t.Errorf("got %+v", cfg)
	}
}

func TestSecretFile(t *testing.T) {
	dir := prepareFolder(t)
	if err := os.WriteFile(filepath.Join(dir, "windows"), []byte(" with spaces \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"good": "from-file-9k", filepath.Join(dir, "good"): "from-file-9k", "windows": " with spaces ",
	} {
		cfg := loadText(t, filepath.Join(dir, "t.toml"), strings.Replace(minimal, `secret = "s3cr3t"`, fmt.Sprintf("secret_file = %q", file), 1))
		if got := cfg.Networks[0].Secret.Reveal(); got != want {
			t.Errorf("secret_file = %q: got %q, want %q", file, got, want)
		}
		if len(cfg.Warnings) > 0 {
			t.Errorf("secret_file = %q: unexpected warnings %q", file, cfg.Warnings)
		}
	}
}

func TestWarnings(t *testing.T) {
	const exposed = "the connection to it is not encrypted; use a tunnel (ssh, WireGuard) or run both on one machine"
	tests := []struct {
		name, text string
		mode       os.FileMode // of the file itself and of the secret file
		want       []string
	}{
		{"none", minimal, 0o640, nil},
		{"file is readable", minimal, 0o644, []string{
			"t.toml:4: network.secret: all users of this machine can read this file; run chmod 640 on it, or use secret_file",
		}},
		{"secret file is readable", strings.Replace(minimal, `secret = "s3cr3t"`, `secret_file = "good"`, 1), 0o644, []string{
			"t.toml:4: network.secret_file: all users of this machine can read \"FOLDER/good\"; run chmod 640 on it",
		}},
		{"environment", strings.Replace(minimal, "s3cr3t", "${ICQ_SECRET}", 1), 0o644, nil},
		{"secret of the documentation", strings.Replace(minimal, "s3cr3t", documentedSecret, 1), 0o644, []string{
			"t.toml:4: network.secret: is the published default from the documentation; change it here and in the XMPP server",
		}},
		{"server elsewhere", "[server]\naddress = \"xmpp.example.org:5347\"\n" + minimal, 0o600, []string{
			"t.toml:2: server.address: \"xmpp.example.org:5347\" is not on this machine, and " + exposed,
		}},
		{"unused server elsewhere", "[server]\naddress = \"192.0.2.1:5347\"\n" + minimal + "address = \"127.0.0.2:5347\"\n", 0o600, nil},
		{"server of a network elsewhere", minimal + "address = \"192.0.2.1:5347\"\n", 0o600, []string{
			"t.toml:5: network.address: \"192.0.2.1:5347\" is not on this machine, and " + exposed,
		}},
		{"every address", "[server]\naddress = \"0.0.0.0:5347\"\n" + minimal, 0o600, []string{
			"t.toml:2: server.address: \"0.0.0.0:5347\" is not on this machine, and " + exposed,
		}},
	}
	for _, local := range []string{"localhost:1", "LOCALHOST.:1", "xmpp.localhost:1", "127.255.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"} {
		tests = append(tests, struct {
			name, text string
			mode       os.FileMode
			want       []string
		}{local, "[server]\naddress = \"" + local + "\"\n" + minimal, 0o600, nil})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := prepareFolder(t)
			file := filepath.Join(dir, "t.toml")
			if err := errors.Join(
				os.WriteFile(file, []byte(tt.text), 0o600),
				os.Chmod(file, tt.mode), os.Chmod(filepath.Join(dir, "good"), tt.mode)); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range loadText(t, file, tt.text).Warnings {
				got = append(got, strings.ReplaceAll(strings.ReplaceAll(w, file, "t.toml"), dir, "FOLDER"))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, []byte(strings.Repeat("#", maxConfigSize+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "no", "such.toml")
	for file, want := range map[string]string{
		dir:        dir + ": is a folder, not a configuration file; did you mean \"" + dir + "/transport.toml\"?",
		big:        big + ":1: the file is larger than 256 KiB, too large for a configuration",
		missing:    missing + ": there is no configuration file \"" + missing + "\"; copy transport.toml from the top folder of the program's source and edit it, or name another file with --config",
		big + "/x": big + "/x: cannot be opened: not a directory",
	} {
		if _, err := Load(file); err == nil || err.Error() != want {
			t.Errorf("loadConfig(%s)\n got %v\nwant %s", file, err, want)
		}
	}
}

func TestSecretIsHidden(t *testing.T) {
	n := Network{Secret: newSecret("hunter2")}
	text, err := json.Marshal(map[string]any{"s": n.Secret})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := zerolog.New(&log)
	logger.Info().Interface("a", n.Secret).Stringer("b", n.Secret).Any("c", map[string]any{"s": n.Secret}).Msg("")
	for _, out := range []string{
		string(text), log.String(), fmt.Sprint(n.Secret), fmt.Sprintf("%v %+v %#v %s %q", n, n, n, n.Secret, n.Secret),
		fmt.Errorf("x: %v", n.Secret).Error(),
	} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("secret is shown: %s", out)
		}
	}
}

func TestSuggest(t *testing.T) {
	candidates := []string{"address", "allow", "deny", "driver", "name"}
	for name, want := range map[string]string{
		"drvier": "driver", "Driver": "driver", "adress": "address", "allwo": "allow", "nmae": "name", "denny": "deny",
		"x": "", "": "", "telegram": "", "dr": "", strings.Repeat("x", 1000): "",
	} {
		if got := Closest(name, candidates); got != want {
			t.Errorf("suggest(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzConfig loads arbitrary contents. Every error has a file and a line.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		minimal, minimal + minimal, "[log]\nlevel = 1\n" + minimal, "network = [{}]\n", "network.a = 1\n", "[[network]]\n[network.options.limits]\n",
		minimal + "allow = [\"a@b\", \"*\", 1]\n", strings.Replace(minimal, "secret", "secret_file", 1), "\xff\xfe", "a\x00", "a = \"\xff\"", "[[network]]\ndriver = \"os\\",
		"[server]\naddress = \"[::1]:x\"\n", minimal + "[network.options]\ncolors.a = \"b\"\ntimeout = \"5\"\n",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	form := regexp.MustCompile(`(?s)^` + regexp.QuoteMeta(dir) + `/t\.toml:([1-9][0-9]*): \S`)
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := testLoader(t).load(filepath.Join(dir, "t.toml"), data)
		if err == nil {
			if len(cfg.Networks) == 0 {
				t.Error("usable without a network")
			}
			return
		}
		var ps Problems
		if !errors.As(err, &ps) || len(ps) == 0 {
			t.Fatalf("error is %v, want problems", err)
		}
		for _, p := range ps {
			if lines := strings.Count(string(data), "\n") + 1; !form.MatchString(p.Error()) || p.line > lines {
				t.Errorf("message %q in a file of %d lines", p.Error(), lines)
			}
			if strings.ContainsAny(p.Error(), "\n\r\x1b\x00") {
				t.Errorf("message %q has control characters", p.Error())
			}
		}
	})
}
