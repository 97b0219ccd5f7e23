package main

import (
	"context"
	"flag"
)

func demoCommand() *command { return missing("demo") }

func missing(name string) *command {
	return &command{name: name, summary: "not there yet", about: "Not there yet.", prepare: func(*flag.FlagSet) action {
		return func(context.Context, stdio) int { return exitFailure }
	}}
}
