package config

import (
	"slices"

	"github.com/rs/zerolog"
)

// The log formats: text for people, JSON for programs, and auto, which is text on a
// terminal and JSON elsewhere.
const (
	FormatAuto = "auto"
	FormatText = "text"
	FormatJSON = "json"
)

// LogFormats are the values that log.format may have.
var (
	LogFormats = []string{FormatAuto, FormatText, FormatJSON}
	logLevels  = []string{"trace", "debug", "info", "warn", "error"}
)

// ParseLevel is the log level of a name.
func ParseLevel(name string) (zerolog.Level, error) {
	if !slices.Contains(logLevels, name) {
		return zerolog.InfoLevel, NotOneOf("log level", name, logLevels)
	}
	return zerolog.ParseLevel(name)
}
