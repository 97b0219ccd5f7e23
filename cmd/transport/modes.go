package main

import (
	"fmt"
	"os"

	"transport/cmd/transport/internal/config"
)

// modeWarnings returns warnings about files with secrets that other users of the machine
// can read or change, or that belong to another user. Files that do not exist are no
// problem.
func modeWarnings(cfg *config.Config) (all []string) {
	secrets := []string{cfg.KeyFile}
	for _, end := range []string{"", "-wal", "-shm", ".journal"} {
		secrets = append(secrets, cfg.Database+end)
	}
	if cfg.Files != nil {
		secrets = append(secrets, cfg.Files.Dir)
	}
	for _, file := range secrets {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			all = append(all, fmt.Sprintf("%s: with mode %04o other users can read or change it: chmod go= %s", file, mode, file))
		}
		if owner, us := ownerOf(info), os.Geteuid(); owner >= 0 && owner != us {
			all = append(all, fmt.Sprintf("%s: it belongs to user %d, but this process runs as user %d: run it as that user, or chown %d %s", file, owner, us, us, file))
		}
	}
	return all
}
