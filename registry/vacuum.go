package registry

import (
	"context"
	"os"
	"strconv"
)

const (
	// spareFree is how many free pages of 4 KiB the file keeps for what comes next.
	spareFree = 1024 // limit: free pages of 4 KiB that the database keeps, beside an eighth of them all | they are returned to the file system
	// vacuumStep is the number of pages that the writer frees between two commits.
	vacuumStep = 64
	// maxConvert is the size in bytes up to which the file of an older version is
	// rewritten once, so that it can shrink. A larger one does not grow beyond its size
	// as long as the limits of the archive stay.
	maxConvert = 1 << 30 // limit: bytes of a database of an older version that is rewritten so that it can shrink | it keeps its size
)

// incremental makes a database that has no tables yet one that can shrink. Call it before
// the first page is written.
func incremental(ctx context.Context, c *conn) error {
	_, err := c.ExecContext(ctx, "PRAGMA auto_vacuum=INCREMENTAL")
	return err
}

// convert rewrites a database that cannot shrink. If it fails, as on a full disk, the
// database stays as it was: it is usable without.
func convert(ctx context.Context, c *conn, path string) {
	var mode int
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxConvert || c.QueryRowContext(ctx, "PRAGMA auto_vacuum").Scan(&mode) != nil || mode != 0 {
		return
	}
	if incremental(ctx, c) == nil {
		_, _ = c.ExecContext(ctx, "VACUUM")
	}
}

// shrink returns some free pages to the file system, beyond spareFree and an eighth of the
// file. It reports whether there are more. Only the writer calls it, outside of transactions.
func (w *writer) shrink() (more bool) {
	before, pages := w.free()
	surplus := before - max(spareFree, pages/8)
	if surplus <= 0 {
		return false
	}
	ctx := context.Background()
	rows, err := w.c.QueryContext(ctx, "PRAGMA incremental_vacuum("+strconv.Itoa(min(surplus, vacuumStep))+")")
	if err != nil {
		return false
	}
	for rows.Next() { // each step frees a page
	}
	if rows.Err() != nil || rows.Close() != nil {
		return false
	}
	now, _ := w.free()
	if surplus > vacuumStep && now < before {
		return true
	}
	// The file shrinks when the log is copied into it.
	_, _ = w.c.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	return false
}

// free returns the numbers of free pages and of all pages, zeros after an error.
func (w *writer) free() (free, pages int) {
	ctx := context.Background()
	if w.c.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free) != nil || w.c.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages) != nil {
		return 0, 0
	}
	return free, pages
}
