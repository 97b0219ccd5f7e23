package registry

import (
	"errors"
	"os"
	"time"
)

// run syncs the journal every second until close.
func (j *Journal) run() {
	tick := time.NewTicker(journalSync)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := j.sync(); err != nil {
				j.fault.Store(&err)
			}
		case <-j.stop:
			return
		}
	}
}

// sync writes changes to the disk, and makes a new file if the old one is lost.
func (j *Journal) sync() error {
	changed := j.dirty.Swap(false) // before the look at the file: Add sets it after a replacement
	file := j.file.Load()
	if file == nil {
		return j.reseal()
	}
	if !changed {
		return nil
	}
	if err := file.f.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // replaced meanwhile
		return locate("journal: %w: %w", ErrDisk, err)
	}
	return nil
}

// close ends the journal properly. The next process finds only entries that are unfinished
// now; if there are none, the file is removed.
func (j *Journal) close() error {
	close(j.stop)
	j.syncing.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	file := j.file.Swap(nil)
	if file == nil {
		return nil
	}
	defer file.close()
	unfinished := len(j.open)
	clear(j.open) // Done has no effect any more
	if unfinished == 0 {
		return os.Remove(j.path)
	}
	return file.f.Sync()
}
