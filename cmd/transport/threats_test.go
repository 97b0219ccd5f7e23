package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThreats checks that every test that THREATS.md names exists, and that each row of its
// tables names one.
func TestThreats(t *testing.T) {
	known := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(topFolder, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			known[string(m[1])] = true
		}
		return err
	})
	must(t, err)
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	text := readTop(t, "THREATS.md")
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if !known[m[1]] {
			t.Errorf("THREATS.md: there is no test %s", m[1])
		}
	}
	rows := 0
	_, attacks, _ := strings.Cut(text, "## Attacks")
	for line := range strings.Lines(attacks) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| attack |") {
			continue
		}
		if rows++; !named.MatchString(line) {
			t.Errorf("THREATS.md names no test: %s", line)
		}
	}
	if rows < 20 {
		t.Errorf("THREATS.md has %d attacks", rows)
	}
}
