package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/rs/zerolog"

	"transport/legacy/files"
)

// startFiles starts serving files; stop ends that and waits for the goroutine. If
// options is nil (a configuration without [files]), the store is nil.
func startFiles(options *files.Options, log zerolog.Logger) (store *files.Store, stop func(), err error) {
	if options == nil {
		return nil, func() {}, nil
	}
	o := *options
	o.Log = log.With().Str("part", "files").Logger()
	if store, err = files.Open(o); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { // stop waits for it
		defer close(over)
		if err := store.Run(ctx); err != nil {
			log.Error().Err(err).Msg("the HTTP server for files has ended")
		}
	}()
	log.Info().Str("address", o.Listen).Str("url", o.URL).Msg("serving files")
	return store, func() {
		cancel()
		<-over
		if err := store.Close(); err != nil {
			log.Error().Err(err).Msg("cannot close the folder of files")
		}
	}, nil
}

// files tests the folder and the address.
func (c *checker) files(o files.Options) {
	if err := files.Check(o); err != nil {
		c.fail(filesRemedy(err), "%v", err)
		return
	}
	c.ok("files: %s, up to %d bytes each and %d together, served on %s as %s", o.Dir, o.MaxSize, o.TotalSize, o.Listen, o.URL)
}

// filesRemedy returns the remedy for an error of opening the store of files.
func filesRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process listens on this address: stop it, or change files.listen"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EACCES) && !errors.As(err, new(*fs.PathError)):
		return "set files.listen to an address of this machine on which the program may listen, such as 127.0.0.1:5290"
	case errors.Is(err, fs.ErrPermission):
		return "give the user running the program write access to the folder, or set files.dir"
	}
	return "check files.dir and files.listen"
}
