package registry

import (
	"context"
	"fmt"
	"runtime/debug"
)

const (
	// maxBatch limits the number of calls in one commit, and with that the time that
	// the first of them waits.
	maxBatch = 256 // limit: calls of the registry in one commit | the next commit has the rest
	// queueLength is the number of queued calls; further callers block.
	queueLength = 256 // limit: calls that wait for the registry | callers wait
)

// op is the operation of one call on the writer's connection.
type op struct {
	ctx context.Context
	// run runs inside a transaction, on the writer's goroutine. It runs again if the
	// first transaction was rolled back. It must not use memory of the caller, who
	// may have returned when its context ended.
	run func(*conn) error
	// durable: send the result after the commit has reached the disk (fsync).
	durable bool
	// compound: run writes with more than one statement, and needs a savepoint to
	// roll back. SQLite rolls a single failed statement back itself.
	compound bool
	// frees: run deletes what may be large, so that the file may have free pages.
	frees bool
	done  chan error // the result; has a buffer of one
}

// writer owns the connection that writes. startWriter starts its goroutine; stop ends it
// and waits for it.
type writer struct {
	c     *conn
	queue chan *op
	quit  chan struct{} // closed by stop
	gone  chan struct{} // closed when the goroutine has ended
	full  bool          // the connection is set to synchronous=FULL
	freed bool          // the file may have free pages
}

func startWriter(c *conn) *writer {
	w := &writer{c: c, queue: make(chan *op, queueLength), quit: make(chan struct{}), gone: make(chan struct{})}
	go w.loop()
	return w
}

// stop runs the queued operations and ends the goroutine. It may be called once.
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
		if batch = w.next(batch[:0]); len(batch) == 0 {
			return
		}
		relaxed, durable = relaxed[:0], durable[:0]
		for _, o := range batch {
			w.freed = w.freed || o.frees
			switch {
			case o.ctx.Err() != nil:
				o.done <- o.ctx.Err() // the caller has returned
			case o.durable:
				durable = append(durable, o)
			default:
				relaxed = append(relaxed, o)
			}
		}
		// Operations that need no fsync do not wait for one.
		w.commit(relaxed, false)
		w.commit(durable, true)
		clear(batch[:cap(batch)])
		clear(relaxed[:cap(relaxed)])
		clear(durable[:cap(durable)])
	}
}

// next appends the queued operations to a batch. While there are none, it shrinks the file.
// It returns none after stop.
func (w *writer) next(batch []*op) []*op {
	for w.freed && len(w.queue) == 0 {
		select {
		case <-w.quit:
			w.freed = false
		default:
			w.freed = w.shrink()
		}
	}
	select {
	case o := <-w.queue:
		batch = append(batch, o)
	case <-w.quit:
	}
	for len(batch) < maxBatch {
		select {
		case o := <-w.queue:
			batch = append(batch, o)
		default:
			return batch
		}
	}
	return batch
}

// commit runs operations in one transaction and sends the result of each of them.
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
		// The whole transaction failed: run each operation alone.
		for i := range ops {
			w.commit(ops[i:i+1], full)
		}
	}
}

// transact returns the error of each operation, or in err the reason why all of them were
// rolled back.
func (w *writer) transact(ops []*op, full bool) (errs []error, err error) {
	if err := w.synchronous(full); err != nil {
		return nil, err
	}
	if len(ops) == 1 && !ops[0].compound {
		// A single statement is its own transaction.
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

// savepoint runs an operation, and rolls it back if it fails.
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

// safeRun runs an operation and returns a panic as an error.
func safeRun(o *op, c *conn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return o.run(c)
}

// synchronous turns the fsync at every commit on or off. SQLite executes this pragma while
// preparing it, so it cannot be a cached statement.
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
