package registry

import (
	"context"
	"fmt"
	"runtime/debug"
)

const (
	// maxBatch bounds the calls that share a commit, and so the time that the
	// first of them waits for the last.
	maxBatch = 256
	// queueLength is how many calls may wait before callers block.
	queueLength = 256
)

// op is one call's work on the writer's connection.
type op struct {
	ctx context.Context
	// run works inside a transaction. It may be run again when the first
	// attempt was rolled back, and must not touch what the caller may still
	// change, since the caller may have given up waiting.
	run func(*conn) error
	// durable: answer only when the commit has reached the disk.
	durable bool
	// compound: run writes with more than one statement, so that a failure
	// in the middle has to be undone. One alone is undone by SQLite.
	compound bool
	done     chan error // room for the one answer
}

// writer owns the connection that writes. Its goroutine is started by
// startWriter and ended, and waited for, by stop.
type writer struct {
	c     *conn
	queue chan *op
	quit  chan struct{} // closed by stop
	gone  chan struct{} // closed when the goroutine has ended
	full  bool          // the connection is set to synchronous=FULL
}

func startWriter(c *conn) *writer {
	w := &writer{c: c, queue: make(chan *op, queueLength), quit: make(chan struct{}), gone: make(chan struct{})}
	go w.loop()
	return w
}

// stop carries out what is queued and ends the goroutine. It is called once.
func (w *writer) stop() {
	close(w.quit)
	<-w.gone
}

// do queues an operation and waits for its commit.
func (w *writer) do(o *op) error {
	o.done = make(chan error, 1)
	if err := o.ctx.Err(); err != nil {
		return err
	}
	select {
	case <-w.quit:
		return ErrClosed
	default:
	}
	select {
	case w.queue <- o:
	case <-o.ctx.Done():
		return o.ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
	var late error
	select {
	case err := <-o.done:
		return err
	case <-o.ctx.Done():
		late = o.ctx.Err()
	case <-w.gone:
		late = ErrClosed
	}
	select {
	case err := <-o.done:
		return err
	default:
		return late
	}
}

func (w *writer) loop() {
	defer close(w.gone)
	var batch, relaxed, durable []*op
	for {
		batch = batch[:0]
		select {
		case o := <-w.queue:
			batch = append(batch, o)
		case <-w.quit:
		}
	fill:
		for len(batch) < maxBatch {
			select {
			case o := <-w.queue:
				batch = append(batch, o)
			default:
				break fill
			}
		}
		if len(batch) == 0 {
			return
		}
		relaxed, durable = relaxed[:0], durable[:0]
		for _, o := range batch {
			switch {
			case o.ctx.Err() != nil:
				o.done <- o.ctx.Err() // nobody waits for it any more
			case o.durable:
				durable = append(durable, o)
			default:
				relaxed = append(relaxed, o)
			}
		}
		// Those that need no fsync are not to wait for one.
		w.commit(relaxed, false)
		w.commit(durable, true)
		clear(batch[:cap(batch)])
		clear(relaxed[:cap(relaxed)])
		clear(durable[:cap(durable)])
	}
}

// commit runs operations in one transaction and answers each of them.
func (w *writer) commit(ops []*op, full bool) {
	if len(ops) == 0 {
		return
	}
	errs, err := w.transact(ops, full)
	switch {
	case err == nil:
		for i, o := range ops {
			o.done <- errs[i]
		}
	case len(ops) == 1:
		ops[0].done <- err
	default:
		// The transaction failed as a whole. Find those that can be carried out.
		for i := range ops {
			w.commit(ops[i:i+1], full)
		}
	}
}

// transact returns the outcome of each operation, or the reason why all of them
// were rolled back.
func (w *writer) transact(ops []*op, full bool) (errs []error, err error) {
	if err := w.synchronous(full); err != nil {
		return nil, err
	}
	if len(ops) == 1 && !ops[0].compound {
		// A statement is a transaction by itself.
		return []error{safeRun(ops[0], w.c)}, nil
	}
	if _, err := w.c.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	defer func() {
		if idle, _ := w.c.idle(); err != nil && !idle {
			w.c.exec("ROLLBACK")
		}
	}()
	errs = make([]error, len(ops))
	for i, o := range ops {
		if o.compound {
			errs[i] = w.savepoint(o)
		} else {
			errs[i] = safeRun(o, w.c)
		}
		if errs[i] == nil {
			continue
		}
		if idle, err := w.c.idle(); err != nil {
			return nil, err
		} else if idle {
			return nil, errs[i]
		}
	}
	if _, err := w.c.exec("COMMIT"); err != nil {
		return nil, err
	}
	return errs, nil
}

// savepoint runs an operation so that it leaves nothing behind if it fails.
func (w *writer) savepoint(o *op) error {
	if _, err := w.c.exec("SAVEPOINT op"); err != nil {
		return err
	}
	err := safeRun(o, w.c)
	if err != nil {
		if idle, _ := w.c.idle(); idle {
			return err
		}
		if _, err := w.c.exec("ROLLBACK TO op"); err != nil {
			return err
		}
	}
	if _, err := w.c.exec("RELEASE op"); err != nil {
		return err
	}
	return err
}

// safeRun keeps a panic of one operation from ending the process.
func safeRun(o *op, c *conn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return o.run(c)
}

// synchronous switches between an fsync at every commit and none. The pragma
// works while it is prepared, so that it cannot be kept as a statement.
func (w *writer) synchronous(full bool) error {
	if full == w.full {
		return nil
	}
	pragma := "PRAGMA synchronous=NORMAL"
	if full {
		pragma = "PRAGMA synchronous=FULL"
	}
	if _, err := w.c.ExecContext(context.Background(), pragma); err != nil {
		return err
	}
	w.full = full
	return nil
}
