// Command transport is an XMPP gateway to other chat networks. It attaches to the
// server as one external component (XEP-0114) per network, and signs on to the network
// with each registered user's own account.
//
//	transport run       run the gateway
//	transport check     test the configuration
//	transport backup    copy the database, also while the gateway runs
//	transport restore   replace the database by a backup
//	transport help      list the commands
//
// This package contains the commands and their flags (main.go, command.go, a file for
// each command), the log, signals, and the wiring of the parts (wiring.go).
// internal/config has the configuration and the table of adapters, internal/demo the
// demo and the mock network's accounts, internal/biboumi the import from biboumi, and
// internal/lab real servers for the demo, for tests, and for internal/clients ("make
// clients"), internal/chaos ("make chaos"), internal/benchirc ("make bench-irc") and
// internal/benchoscar ("make bench-oscar"). A build with the tag profile can be profiled
// (profile.go).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"transport/cmd/transport/internal/config"
)

// The exit codes. A second signal ends the process with 128 plus its number.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // wrong command or flags
)

// stdio are the output streams of a command.
type stdio struct{ out, err io.Writer }

func main() {
	os.Exit(dispatch(context.Background(), os.Args[1:], stdio{os.Stdout, os.Stderr}))
}

// dispatch runs the command in args[0] and returns the exit code.
func dispatch(ctx context.Context, args []string, std stdio) int {
	if len(args) == 0 {
		fmt.Fprint(std.err, overview())
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(ctx, args[1:], std)
	case "-version", "--version":
		args[0] = "version"
	}
	if c := findCommand(args[0]); c != nil {
		return c.start(ctx, args[1:], std)
	}
	return unknownCommand(args[0], std)
}

// help explains a command, or lists all of them.
func help(ctx context.Context, args []string, std stdio) int {
	switch {
	case len(args) == 0:
		fmt.Fprint(std.out, overview())
		return exitOK
	case len(args) > 1:
		fmt.Fprintf(std.err, "transport help: name one command only\n")
		return exitUsage
	case args[0] == "help":
		fmt.Fprint(std.out, overview())
		return exitOK
	}
	if c := findCommand(args[0]); c != nil {
		return c.start(ctx, []string{"--help"}, std)
	}
	return unknownCommand(args[0], std)
}

func unknownCommand(name string, std stdio) int {
	names := make([]string, 0, len(commands()))
	for _, c := range commands() {
		names = append(names, c.name)
	}
	fmt.Fprintf(std.err, "transport: unknown command %s%s\nRun \"transport help\" for the list of commands.\n",
		config.Quote(name), config.DidYouMean(name, append(names, "help")))
	return exitUsage
}

// overview is the list of commands.
func overview() string {
	var b strings.Builder
	b.WriteString("transport is an XMPP gateway to other chat networks.\n\nUsage: transport COMMAND [flags]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-14s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(&b, "  %-14s %s\n", "help", "explain a command: transport help COMMAND")
	return b.String()
}
