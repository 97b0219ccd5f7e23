package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// licences are phrases of the licences that are compatible with ours.
var licences = []string{
	"Permission is hereby granted, free of charge",      // MIT
	"Redistribution and use in source and binary forms", // BSD
	"Apache License",
}

// modules returns the modules in the program, "path version".
func modules(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{with .Replace}} replaced{{end}}{{end}}{{end}}", "./cmd/transport")
	cmd.Dir = topFolder
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []string
	seen := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" && !seen[line] {
			seen[line] = true
			all = append(all, line)
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %d modules", len(all))
	}
	return all
}

// Each module in the program has a version with checksums, and NOTICE has its licence.
func TestModules(t *testing.T) {
	sums, notice := readTop(t, "go.sum"), readTop(t, "NOTICE")
	for _, module := range modules(t) {
		path, version, _ := strings.Cut(module, " ")
		for _, line := range []string{module + " h1:", module + "/go.mod h1:"} {
			if !strings.Contains(sums, line) {
				t.Errorf("go.sum has no %s", line)
			}
		}
		if strings.Contains(version, " ") {
			t.Errorf("%s is replaced, which checksums do not cover", path)
		}
		_, text, ok := strings.Cut(notice, "\n"+module+"\n")
		text, _, _ = strings.Cut(text, "\n-----")
		known := false
		for _, phrase := range licences {
			known = known || strings.Contains(strings.Join(strings.Fields(text), " "), phrase)
		}
		if !ok || !known {
			t.Errorf("NOTICE has no known licence of %s: write it by .ci/notice > NOTICE", module)
		}
	}
	if strings.Contains(notice, "GENERAL PUBLIC LICENSE") {
		t.Error("a licence is not compatible with ours")
	}
}

func TestNotice(t *testing.T) {
	cmd := exec.Command(filepath.Join(topFolder, ".ci", "notice"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != readTop(t, "NOTICE") {
		t.Error("NOTICE is not up to date: write it by .ci/notice > NOTICE")
	}
}

// The search for known vulnerabilities finds one in its database, and says so if there is
// no database.
func TestVulnerabilities(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds govulncheck")
	}
	const entry = `{"schema_version":"1.3.1","id":"GO-2000-0001","modified":"2000-01-01T00:00:00Z","published":"2000-01-01T00:00:00Z","details":"Invented.","affected":[{"package":{"name":"golang.org/x/text","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"ecosystem_specific":{}}],"database_specific":{"url":"https://example.org"}}`
	database := func(modules, entry string) string {
		dir := t.TempDir()
		err := errors.Join(os.MkdirAll(filepath.Join(dir, "index"), 0o700), os.MkdirAll(filepath.Join(dir, "ID"), 0o700),
			os.WriteFile(filepath.Join(dir, "index", "db.json"), []byte(`{"modified":"2000-01-01T00:00:00Z"}`), 0o600),
			os.WriteFile(filepath.Join(dir, "index", "modules.json"), []byte(modules), 0o600),
			os.WriteFile(filepath.Join(dir, "ID", "GO-2000-0001.json"), []byte(entry), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		return "file://" + dir
	}
	for _, tt := range []struct {
		name, db, text string
		fails          bool
	}{
		{"a vulnerability", database(`[{"path":"golang.org/x/text","vulns":[{"id":"GO-2000-0001","modified":"2000-01-01T00:00:00Z"}]}]`, entry), "GO-2000-0001", true},
		{"none", database("[]", "{}"), "No vulnerabilities found", false},
		{"no database", "file:///nowhere", "SKIPPED", false},
		{"not reachable", "http://127.0.0.1:1", "SKIPPED", false},
	} {
		cmd := exec.Command(filepath.Join(topFolder, ".ci", "vulnerabilities"), "-scan", "package", "./component/address")
		cmd.Env = append(os.Environ(), "VULNDB="+tt.db)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), tt.text) || (err != nil) != tt.fails {
			t.Errorf("%s: %v\n%s", tt.name, err, out)
		}
	}
}
