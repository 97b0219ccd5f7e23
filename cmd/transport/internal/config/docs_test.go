package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"transport/legacy/irc"
	"transport/legacy/oscar"
)

const topFolder = "../../../.."

func readTop(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(topFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// documentedKeys returns all keys of a configuration, such as "network.driver".
func documentedKeys() []string {
	var keys []string
	add := func(prefix string, table any) {
		for name := range tableFields(reflect.ValueOf(table)) {
			keys = append(keys, prefix+name)
		}
	}
	var raw fileConfig
	add("log.", raw.Log)
	add("database.", raw.Database)
	add("server.", raw.Server)
	add("limits.", raw.Limits)
	add("files.", raw.Files)
	add("network.", fileNetwork{})
	add("network.options.", oscar.Options{})
	add("network.options.", irc.Options{})
	keys = slices.DeleteFunc(keys, func(key string) bool { return key == "network.options" })
	slices.Sort(keys)
	return slices.Compact(keys)
}

// leftOut matches the commented-out keys and tables in transport.toml.
var leftOut = regexp.MustCompile(`(?m)^#(\[.*|[a-z_]+ = .*)$`)

func loadDocumented(t *testing.T, text string) *Config {
	t.Helper()
	l := loader{func(string) (string, bool) { return "", false }, drivers}
	// Another name than the file's, because the mode of a file with a secret is checked.
	cfg, err := l.load(filepath.Join(topFolder, "documented.toml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// The shipped configuration is valid, and its only warning is about the secret.
func TestShippedConfig(t *testing.T) {
	cfg := loadDocumented(t, readTop(t, DefaultFile))
	if len(cfg.Networks) != 1 || cfg.Networks[0].Domain != "icq.localhost" || cfg.Networks[0].Legacy.Info().Type != "icq" {
		t.Errorf("networks are %+v", cfg.Networks)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "network.secret: is the published default from the documentation") {
		t.Errorf("warnings are %q", cfg.Warnings)
	}
}

// The commented-out keys show their true defaults.
func TestShippedDefaults(t *testing.T) {
	text := readTop(t, DefaultFile)
	first, second, ok := strings.Cut(text, "#[[network]]")
	if !ok {
		t.Fatal("there is no commented second network")
	}
	first = strings.ReplaceAll(first, "#secret_file", "# secret_file")
	first = strings.ReplaceAll(first, "#name", "# name") // "" is the network's name
	first = strings.ReplaceAll(first, "#allow", "# allow")
	short := loadDocumented(t, text).Networks[0]
	full := loadDocumented(t, leftOut.ReplaceAllString(first, "$1")).Networks[0]
	full.Deny, full.Admins = nil, nil // empty lists here
	if !reflect.DeepEqual(short, full) {
		t.Errorf("the defaults are\n%+v, documented are\n%+v", short, full)
	}
	both := loadDocumented(t, text+leftOut.ReplaceAllString("#[[network]]"+second, "$1"))
	if len(both.Networks) != 3 || both.Networks[1].Legacy.Info().Type != "aim" || both.Networks[2].Legacy.Info().Type != "irc" {
		t.Errorf("with the other networks: %+v", both.Networks)
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	text := leftOut.ReplaceAllString(readTop(t, DefaultFile), "$1")
	found := locate([]byte(text))
	lines := strings.Split(text, "\n")
	readme := readTop(t, "README.md")
	for _, key := range documentedKeys() {
		if !strings.Contains(readme, "| `"+key+"` |") {
			t.Errorf("README.md has no row for %s", key)
		}
		at := pathIn(key, 0)
		if !found.has(at) {
			at = pathIn(key, 2) // of IRC only
		}
		if !found.has(at) {
			t.Errorf("%s does not have %s", DefaultFile, key)
		} else if !strings.HasPrefix(lines[found.line(at)-2], "# ") {
			t.Errorf("%s has no comment above %s", DefaultFile, key)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+\\.[a-z_.]+)` \\|").FindAllStringSubmatch(readme, -1) {
		if !slices.Contains(documentedKeys(), row[1]) {
			t.Errorf("README.md explains %s, which does not exist", row[1])
		}
	}
}

// pathIn returns the path of a key, in the block of the given network if it belongs there.
func pathIn(key string, network int) path {
	at := path{}
	for name := range strings.SplitSeq(key, ".") {
		if at = at.key(name); at.id == "network" {
			at = at.index(network)
		}
	}
	return at
}

// The first configuration in README.md is valid.
func TestReadmeConfig(t *testing.T) {
	_, rest, _ := strings.Cut(readTop(t, "README.md"), "```toml\n")
	block, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("README.md shows no configuration")
	}
	if cfg := loadDocumented(t, block); len(cfg.Warnings) > 0 {
		t.Errorf("warnings: %q", cfg.Warnings)
	}
}
