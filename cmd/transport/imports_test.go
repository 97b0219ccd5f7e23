package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "transport"

// mayImport is the table of ARCHITECTURE.md: the packages of this module that a
// package and its tests may import. A final "…" stands for all packages below.
var mayImport = map[string][]string{
	"cmd/transport":                     {"…"},
	"cmd/transport/e2e":                 {},
	"cmd/transport/internal/biboumi":    {"cmd/transport/internal/config", "component", "component/address", "registry"},
	"cmd/transport/internal/config":     {"component", "component/address", "legacy/files", "legacy", "legacy/irc", "legacy/oscar"},
	"cmd/transport/internal/demo":       {"cmd/transport/internal/lab", "component", "component/element", "legacy/oscar", "legacy/oscar/oscarmock", "legacy/oscar/oscarwire", "registry"},
	"cmd/transport/internal/lab":        {"component/element"},
	"cmd/transport/internal/bench":      {"cmd/transport/internal/lab"},
	"cmd/transport/internal/benchirc":   {"cmd/transport/internal/bench", "cmd/transport/internal/lab"},
	"cmd/transport/internal/benchoscar": {"cmd/transport/internal/bench", "component", "legacy", "legacy/oscar/oscarmock", "legacy/oscar/oscarwire", "registry"},
	"cmd/transport/internal/chaos":      {"cmd/transport/internal/lab", "component/element", "legacy/oscar/oscarmock"},
	"cmd/transport/internal/soak":       {"cmd/transport/internal/lab", "component/element", "legacy/oscar/oscarmock"},
	"cmd/transport/internal/clients":    {"cmd/transport/internal/lab", "legacy/oscar/oscarmock", "legacy/oscar/oscarwire"},
	"component":                         {"component/…", "legacy", "legacy/files", "legacy/split", "registry"},
	"component/adhoc":                   {"component/body", "component/element", "component/stanza", "component/xep", "legacy"},
	"component/muc":                     {"component/address", "component/body", "component/element", "component/peers", "component/stanza", "component/xep", "legacy", "registry"},
	"component/body":                    {"component/element", "component/stanza", "component/xep", "legacy", "legacy/split"},
	"component/peers":                   {"component/address", "component/stanza", "legacy"},
	"component/stanza":                  {"component/address", "component/element", "component/xep", "legacy"},
	"component/stream":                  {"component/element", "component/xep"},
	"component/element":                 {},
	"component/address":                 {},
	"component/xep":                     {"component/element"},
	"legacy/files":                      {"legacy"},
	"component/componenttest":           {"component/element"},
	"legacy":                            {},
	"legacy/legacytest":                 {"legacy", "legacy/split"},
	"legacy/split":                      {},
	"legacy/gate":                       {},
	"legacy/irc":                        {"legacy", "legacy/gate", "legacy/irc/ircwire"},
	"legacy/irc/ircwire":                {"legacy/split"},
	"legacy/oscar":                      {"legacy", "legacy/gate", "legacy/oscar/oscarwire", "legacy/split"},
	"legacy/oscar/oscarwire":            {},
	"legacy/oscar/oscarmock":            {"legacy/oscar/oscarwire"},
	"registry":                          {},
}

// testsMayImport are further packages that a package's tests may import.
var testsMayImport = map[string][]string{
	"cmd/transport/e2e":           {"cmd/transport/internal/demo", "cmd/transport/internal/lab", "component/element", "legacy", "legacy/oscar", "legacy/oscar/oscarmock", "legacy/oscar/oscarwire"},
	"component/muc":               {"component/componenttest"},
	"component/stream":            {"component/componenttest"},
	"cmd/transport/internal/demo": {"legacy"},
	"component":                   {"legacy/legacytest"},
	"component/componenttest":     {"component/…", "legacy", "legacy/legacytest", "registry"},
	"legacy/legacytest":           {},
	"legacy/irc":                  {"legacy/legacytest"},
	"legacy/oscar":                {"legacy/legacytest", "legacy/oscar/oscarmock"},
}

// library is the XMPP library. Only packages of the XMPP side may use it.
const library = "mellium.im/"

var mayUseLibrary = []string{"cmd/transport", "cmd/transport/internal/biboumi", "cmd/transport/internal/config", "cmd/transport/internal/demo", "cmd/transport/internal/lab", "cmd/transport/internal/bench", "cmd/transport/internal/benchirc", "cmd/transport/internal/benchoscar", "cmd/transport/internal/chaos", "cmd/transport/internal/soak", "cmd/transport/internal/clients", "component", "component/adhoc", "component/body", "component/componenttest", "component/muc", "component/peers", "component/stanza", "component/stream", "component/xep", "component/element"}

type listedPackage struct {
	ImportPath                               string
	Imports, Deps, TestImports, XTestImports []string
}

func listPackages(t *testing.T) map[string]listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Deps,TestImports,XTestImports", module+"/...")
	cmd.Dir = topFolder
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := make(map[string]listedPackage)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all[strings.TrimPrefix(p.ImportPath, module+"/")] = p
	}
}

// ours returns the folder of a package of this module.
func ours(importPath string) (folder string, ok bool) {
	return strings.CutPrefix(importPath, module+"/")
}

func allowed(folder string, list []string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		if below, ok := strings.CutSuffix(entry, "…"); ok {
			return strings.HasPrefix(folder, below)
		}
		return folder == entry
	})
}

func TestImports(t *testing.T) {
	for folder, p := range listPackages(t) {
		may, known := mayImport[folder]
		if !known {
			t.Errorf("package %s is not in the table of ARCHITECTURE.md and of this test", folder)
			continue
		}
		for _, path := range p.Imports {
			if to, ok := ours(path); ok && !allowed(to, may) {
				t.Errorf("%s imports %s", folder, to)
			}
		}
		may = append(slices.Clone(may), testsMayImport[folder]...)
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if to, ok := ours(path); ok && to != folder && !allowed(to, may) {
				t.Errorf("a test of %s imports %s", folder, to)
			}
		}
		if slices.Contains(mayUseLibrary, folder) {
			continue
		}
		for _, path := range slices.Concat(p.Deps, p.TestImports, p.XTestImports) {
			if strings.HasPrefix(path, library) {
				t.Errorf("%s depends on %s", folder, path)
			}
		}
	}
}

// Rules beyond the table, about direct and indirect dependencies.
func TestDependencies(t *testing.T) {
	rules := []struct {
		of    []string
		never []string
	}{
		{[]string{"legacy", "legacy/…", "registry"}, []string{"component", "component/…", "cmd/…"}},
		{[]string{"legacy", "legacy/…"}, []string{"registry"}},
		{[]string{"registry"}, []string{"legacy", "legacy/…"}},
		{[]string{"component", "component/…"}, []string{"legacy/irc…", "legacy/oscar…", "legacy/legacytest", "cmd/…"}},
		{[]string{"legacy/oscar/oscarwire", "component/element", "component/address"}, []string{"…"}},
	}
	for folder, p := range listPackages(t) {
		for _, rule := range rules {
			if !allowed(folder, rule.of) {
				continue
			}
			for _, path := range p.Deps {
				if to, ok := ours(path); ok && allowed(to, rule.never) {
					t.Errorf("%s depends on %s", folder, to)
				}
			}
		}
	}
}

// The table of ARCHITECTURE.md has the packages of mayImport with their imports, and
// imports only go down the table.
func TestArchitectureTable(t *testing.T) {
	rows := make(map[string]int) // the position of each folder
	listed := make(map[string][]string)
	_, table, _ := strings.Cut(readTop(t, "ARCHITECTURE.md"), "\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch folder := strings.Trim(cells[0], "`"); {
		case folder == "testdata":
		case len(cells) != 3 || mayImport[folder] == nil:
			t.Errorf("ARCHITECTURE.md: there is no such package, or its row is not complete: %s", line)
		default:
			rows[folder] = len(rows)
			listed[folder] = importsInTable(cells[2])
		}
	}
	for folder, may := range mayImport {
		if _, ok := rows[folder]; !ok {
			t.Errorf("ARCHITECTURE.md has no row for %s", folder)
			continue
		}
		if slices.Sort(listed[folder]); !slices.Equal(listed[folder], slices.Sorted(slices.Values(may))) {
			t.Errorf("ARCHITECTURE.md lets %s import %q, mayImport %q", folder, listed[folder], may)
		}
		for to, row := range rows {
			if to != folder && allowed(to, may) && row < rows[folder] {
				t.Errorf("ARCHITECTURE.md: %s is above %s, which imports it", to, folder)
			}
		}
	}
}

// importsInTable reads the last cell of a row: names of folders, "everything", or "–" for
// none.
func importsInTable(cell string) []string {
	var folders []string
	for name := range strings.SplitSeq(cell, ", ") {
		switch name = strings.Trim(name, "`"); name {
		case "everything":
			folders = append(folders, "…")
		case "–":
		default:
			folders = append(folders, name)
		}
	}
	return folders
}
