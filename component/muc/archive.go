package muc

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"transport/registry"
)

// Archive stores the lines of the rooms of all users in the registry, many in one
// transaction. Each user has an archive of their own for each room. Run owns its goroutine;
// the other methods may be called from any goroutine.
type Archive struct {
	db      *registry.DB
	network string // the gateway's domain
	limits  ArchiveLimits
	clock   interface{ Now() time.Time }
	log     zerolog.Logger

	grown map[[2]string]int // lines since the last trim, by user and room; owned by Run

	lines   chan registry.Line
	flushes chan chan<- struct{} // each is closed when all lines added before are written
}

// ArchiveLimits bounds the archive of each user and room.
type ArchiveLimits struct {
	Keep  time.Duration // 0 disables the archive
	Lines int           // at most
}

const (
	archiveQueue = 4096                   // limit: lines that wait for the archive | rooms wait (back-pressure)
	archiveBatch = 500                    // limit: lines of the archive in one commit | the next commit has the rest
	archivePause = 100 * time.Millisecond // for lines to gather
	archiveTime  = 10 * time.Second       // deadline of a registry operation
	trimEvery    = time.Hour
	minGrowth    = 20     // lines of a room after which it may be trimmed between
	maxGrown     = 50_000 // limit: rooms that are trimmed once they have grown by a tenth | others are trimmed every hour
)

// NewArchive returns the archive of a gateway, given by its domain.
func NewArchive(db *registry.DB, network string, limits ArchiveLimits, clock interface{ Now() time.Time }, log zerolog.Logger) *Archive {
	return &Archive{db: db, network: network, limits: limits, clock: clock, log: log, grown: make(map[[2]string]int),
		lines: make(chan registry.Line, archiveQueue), flushes: make(chan chan<- struct{})}
}

// Enabled reports whether the gateway archives the messages of rooms.
func (a *Archive) Enabled() bool { return a.limits.Keep > 0 }

// add queues a line. It blocks while the queue is full, until ctx ends.
func (a *Archive) add(ctx context.Context, l registry.Line) {
	l.Network = a.network
	select {
	case a.lines <- l:
	case <-ctx.Done():
	}
}

// read reads a page of the archive, after the queued lines are written.
func (a *Archive) read(ctx context.Context, q registry.LineQuery) (registry.LinePage, error) {
	ctx, cancel := context.WithTimeout(ctx, archiveTime)
	defer cancel()
	a.flush(ctx)
	q.Network = a.network
	return a.db.Lines(ctx, q)
}

// remove deletes lines of a room, after the queued lines are written. It continues after an
// error, and returns the errors joined.
func (a *Archive) remove(ctx context.Context, user, room string, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, archiveTime)
	defer cancel()
	a.flush(ctx)
	var errs []error
	for _, id := range ids {
		errs = append(errs, a.db.DeleteLine(ctx, a.network, user, room, id))
	}
	return errors.Join(errs...)
}

// flush waits until all lines added before are written, or ctx ends.
func (a *Archive) flush(ctx context.Context) {
	written := make(chan struct{})
	select {
	case a.flushes <- written:
		select {
		case <-written:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
}

// Run writes queued lines until ctx ends, and then the rest of the queue.
func (a *Archive) Run(ctx context.Context) {
	if !a.Enabled() {
		return
	}
	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	a.trim(ctx)
	var batch []registry.Line
	take := func() {
		for len(batch) < archiveBatch {
			select {
			case l := <-a.lines:
				batch = append(batch, l)
			default:
				return
			}
		}
	}
	store := func() {
		for take(); len(batch) > 0; take() {
			a.store(batch)
			clear(batch)
			batch = batch[:0]
		}
	}
	var soon <-chan time.Time // nil while the batch is empty
	for {
		select {
		case l := <-a.lines:
			if batch = append(batch, l); soon == nil {
				soon = time.After(archivePause)
			}
			if take(); len(batch) >= archiveBatch {
				store()
				soon = nil
			}
		case <-soon:
			store()
			soon = nil
		case done := <-a.flushes:
			store()
			close(done)
		case <-trim.C:
			a.trim(ctx)
		case <-ctx.Done():
			store()
			return
		}
	}
}

// store writes lines. If that fails they are only missing in the archive: the clients have
// received them.
func (a *Archive) store(lines []registry.Line) {
	ctx, cancel := context.WithTimeout(context.Background(), archiveTime)
	defer cancel()
	if err := a.db.AppendLines(ctx, lines); err != nil {
		a.log.Error().Err(err).Int("lines", len(lines)).Msg("cannot write to the archive of rooms")
	}
	for i := range lines {
		a.grow(ctx, &lines[i])
	}
}

// grow counts a line, and trims the archive of its room once that has grown by a tenth.
func (a *Archive) grow(ctx context.Context, l *registry.Line) {
	room := [2]string{l.User, l.Room}
	if _, known := a.grown[room]; !known && len(a.grown) >= maxGrown {
		return // trim limits it
	}
	if a.grown[room]++; a.grown[room] <= minGrowth+a.limits.Lines/10 {
		return
	}
	delete(a.grown, room)
	if err := a.db.TrimLines(ctx, registry.Trim{Network: a.network, User: l.User, Room: l.Room, Lines: a.limits.Lines}); err != nil {
		a.log.Error().Err(err).Msg("cannot trim the archive of a room")
	}
}

func (a *Archive) trim(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	clear(a.grown)
	oldest := a.clock.Now().Add(-a.limits.Keep)
	if err := a.db.TrimLines(ctx, registry.Trim{Network: a.network, Before: oldest, Lines: a.limits.Lines}); err != nil && ctx.Err() == nil {
		a.log.Error().Err(err).Msg("cannot trim the archive of rooms")
	}
}
