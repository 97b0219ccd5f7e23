//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"transport/cmd/transport/internal/config"
	"transport/legacy/files"
)

// Each file with secrets is checked, and the warning says what to do.
func TestModeWarnings(t *testing.T) {
	dir := t.TempDir()
	cfg := &config.Config{Database: filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "t.key"), Files: &files.Options{Dir: filepath.Join(dir, "files")}}
	if got := modeWarnings(cfg); len(got) > 0 {
		t.Errorf("without files: %q", got)
	}
	if err := os.Mkdir(cfg.Files.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	all := []string{cfg.Database, cfg.Database + "-wal", cfg.Database + "-shm", cfg.Database + ".journal", cfg.KeyFile}
	for _, file := range all {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all = append(all, cfg.Files.Dir)
	if got := modeWarnings(cfg); len(got) > 0 {
		t.Errorf("private files: %q", got)
	}
	for _, file := range all {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, info.Mode().Perm()|0o044); err != nil {
			t.Fatal(err)
		}
		got := modeWarnings(cfg)
		if len(got) != 1 || !strings.Contains(got[0], "other users can read or change it: chmod go= "+file) {
			t.Errorf("%s: %q", file, got)
		}
		if err := os.Chmod(file, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() != 0 {
			continue
		}
		if err := os.Chown(file, 65534, -1); err != nil {
			t.Fatal(err)
		}
		if got := modeWarnings(cfg); len(got) != 1 || !strings.Contains(got[0], "belongs to user 65534") {
			t.Errorf("%s: %q", file, got)
		}
		if err := os.Chown(file, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
}
