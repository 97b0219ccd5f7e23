package registry

import (
	"errors"
	"sync"
)

// ending is the end of a database.
type ending struct {
	once  sync.Once
	begun chan struct{}
	err   error
}

// Close runs the queued calls, waits for reads and for Rotate, and closes the database.
// Later calls return ErrClosed. Close may be called twice.
func (d *DB) Close() error {
	d.ending.once.Do(func() {
		close(d.ending.begun)
		var errs []error
		if d.journal != nil {
			errs = append(errs, d.journal.close())
		}
		if d.writer != nil {
			d.writer.stop()
			// Rotate must not write the key file after another process can open
			// the database. From here on neither Rotate nor Check can begin.
			d.rotating <- struct{}{}
			for range readConns {
				errs = append(errs, (<-d.readers).close())
			}
			// The last connection checkpoints the write-ahead log and deletes it.
			errs = append(errs, d.writer.c.close())
		} else {
			close(d.readers)
			for c := range d.readers {
				errs = append(errs, c.close())
			}
		}
		if d.pool != nil {
			errs = append(errs, d.pool.Close())
		}
		if d.lock != nil {
			errs = append(errs, d.lock.Close())
		}
		d.ending.err = d.wrap("close", errors.Join(errs...))
	})
	return d.ending.err
}
