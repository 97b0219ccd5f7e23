package main

import (
	"io"
	"os"
	"time"
	"transport/cmd/transport/internal/config"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
)

// newLogger returns the process's logger. It writes one JSON object per entry, or lines
// of text on a terminal.
func newLogger(w io.Writer, level zerolog.Level, format string) zerolog.Logger {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	zerolog.DurationFieldUnit = time.Second
	terminal := isTerminal(w)
	if format == config.FormatText || format == config.FormatAuto && terminal {
		w = zerolog.ConsoleWriter{
			Out:        w,
			TimeFormat: "15:04:05.000",
			NoColor:    !terminal || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb",
		}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
