package registry

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// migrations/NNNN.sql migrates schema NNNN-1 to NNNN. Released scripts never change.
//
//go:embed migrations/*.sql
var migrations embed.FS

// readMigrations returns the scripts in order; their number is the newest schema.
func readMigrations(fsys fs.FS) ([]string, error) {
	names, err := fs.Glob(fsys, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var scripts []string
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d.sql", i+1); name != want {
			return nil, fmt.Errorf("found %s, expected %s", name, want)
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, string(text))
	}
	return scripts, nil
}

// schemaVersion returns the schema of the database, 0 for an empty one. ErrCorrupt if the
// database belongs to another program, ErrNewer if its schema is newer than newest.
func schemaVersion(ctx context.Context, c *conn, path string, newest int) (int, error) {
	var version, tables int
	if err := c.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, wrap("open", path, err)
	}
	if err := c.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return 0, wrap("open", path, err)
	}
	var application int64
	if err := c.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application); err != nil {
		return 0, wrap("open", path, err)
	}
	if (version != 0 || tables != 0) && application != applicationID {
		return 0, locate("open: %s: %w: it is a database of another program: check the path", path, ErrCorrupt)
	}
	if version > newest {
		return 0, newer(path, version, newest)
	}
	return version, nil
}

func newer(path string, version, newest int) error {
	return locate("open: %s: %w: it has schema %d, this program supports schema %d: install the newer version again, or restore a backup from before the update",
		path, ErrNewer, version, newest)
}

// refuseNewer returns ErrNewer if the schema of the database at path is newer than newest.
// It leaves the database as it is. SQLite would write a crashed process's write-ahead log to
// the file when it closes a database that can be written.
func refuseNewer(ctx context.Context, path string, newest int) error {
	header := make([]byte, 72) // of the file format of SQLite
	f, err := os.Open(path)
	if err != nil {
		return nil // opening it reports the error
	}
	_, err = io.ReadFull(f, header)
	f.Close()
	if err != nil || !bytes.HasPrefix(header, []byte("SQLite format 3\x00")) || binary.BigEndian.Uint32(header[68:]) != applicationID {
		return nil
	}
	version := int(int32(binary.BigEndian.Uint32(header[60:])))
	if info, err := os.Stat(path + "-wal"); version <= newest && err == nil && info.Size() > 0 {
		// The log may have a newer one.
		pool, err := sql.Open("sqlite3", dataSource(path)+"&mode=ro")
		if err != nil {
			return nil
		}
		defer pool.Close()
		if err := pool.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return nil
		}
	}
	if version > newest {
		return newer(path, version, newest)
	}
	return nil
}

// applicationID marks our databases, see migrations/0001.sql.
const applicationID = 0x58475731

// migrate migrates the database from schema version to that of the last script, in one
// transaction: after an error or a crash it is as it was.
func migrate(ctx context.Context, c *conn, path string, version int, scripts []string) error {
	if version == len(scripts) {
		return nil
	}
	at := version + 1 // the schema that the transaction has come to
	err := func() error {
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // no effect after Commit
		for ; at <= len(scripts); at++ {
			if _, err := tx.ExecContext(ctx, scripts[at-1]); err != nil {
				return err
			}
		}
		at = len(scripts)
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", at)); err != nil {
			return err
		}
		return tx.Commit()
	}()
	return wrap(fmt.Sprintf("migrate to schema %d (the database keeps schema %d)", at, version), path, err)
}
