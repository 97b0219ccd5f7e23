package registry

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
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
		return 0, locate("open: %s: %w: it has schema %d, this program supports schema %d: install the newer version again, or restore a backup from before the update",
			path, ErrNewer, version, newest)
	}
	return version, nil
}

// applicationID marks our databases, see migrations/0001.sql.
const applicationID = 0x58475731

// migrate migrates the database from schema version to that of the last script, in one
// transaction for each script.
func migrate(ctx context.Context, c *conn, path string, version int, scripts []string) error {
	for ; version < len(scripts); version++ {
		if err := migrateStep(ctx, c, version+1, scripts[version]); err != nil {
			return wrap(fmt.Sprintf("migrate to schema %d", version+1), path, err)
		}
	}
	return nil
}

func migrateStep(ctx context.Context, c *conn, version int, script string) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after Commit
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", version)); err != nil {
		return err
	}
	return tx.Commit()
}
