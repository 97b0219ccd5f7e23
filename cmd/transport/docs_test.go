package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

const topFolder = "../.."

func readTop(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(topFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Links in the documentation point to existing files.
func TestPapersNameFilesThatExist(t *testing.T) {
	for _, paper := range []string{"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "THREATS.md"} {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(readTop(t, paper), -1) {
			if _, err := os.Stat(filepath.Join(topFolder, link[1])); err != nil {
				t.Errorf("%s: %v", paper, err)
			}
		}
	}
}
