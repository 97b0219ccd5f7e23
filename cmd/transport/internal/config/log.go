package config

import (
	"slices"

	"github.com/rs/zerolog"
)

// The log formats: lines of text, JSON objects, or auto, which is text on a terminal and
// JSON otherwise.
const (
	FormatAuto = "auto"
	FormatText = "text"
	FormatJSON = "json"
)

// LogFormats are the valid values of log.format.
var (
	LogFormats = []string{FormatAuto, FormatText, FormatJSON}
	logLevels  = []string{"trace", "debug", "info", "warn", "error"}
)

// ParseLevel returns the log level of a name.
func ParseLevel(name string) (zerolog.Level, error) {
	if !slices.Contains(logLevels, name) {
		return zerolog.InfoLevel, NotOneOf("log level", name, logLevels)
	}
	return zerolog.ParseLevel(name)
}
