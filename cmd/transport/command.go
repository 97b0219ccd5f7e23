package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"transport/cmd/transport/internal/config"
)

// command is a command of the program.
type command struct {
	name    string
	summary string // one line for the list
	about   string // paragraphs of its help text
	file    string // the name of its argument; "" if it has none
	// prepare declares the flags and returns the action, which runs after parsing.
	prepare func(*flag.FlagSet) action
	// raw, in place of prepare, gets the unparsed arguments, including --help.
	raw func(ctx context.Context, args []string, out, err io.Writer) int
}

// action does a command's work and returns the exit code.
type action func(ctx context.Context, std stdio) int

// commands returns all commands in the order of the list.
func commands() []*command {
	return []*command{
		runCommand(),
		checkCommand(),
		demoCommand(),
		mockCommand(),
		backupCommand(),
		restoreCommand(),
		rotateCommand(),
		importCommand(),
		versionCommand(),
	}
}

func findCommand(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return c
		}
	}
	return nil
}

// start parses the arguments and runs the command.
func (c *command) start(ctx context.Context, args []string, std stdio) int {
	if c.raw != nil {
		return c.raw(ctx, args, std.out, std.err)
	}
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	act := c.prepare(fs)
	err := c.parse(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(std.out, c.help(fs))
		return exitOK
	}
	if err != nil {
		return c.misuse(std, "%s", flagMessage(fs, err))
	}
	return act(ctx, std)
}

// parse parses the flags, and the file that stands before, between or after them. The file
// becomes the only argument of fs.
func (c *command) parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	file := fs.Arg(0)
	if c.file != "" && file != "" {
		if err := fs.Parse(fs.Args()[1:]); err != nil {
			return err
		}
	}
	switch {
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %s", config.Quote(fs.Arg(0)))
	case c.file != "" && file == "":
		return fmt.Errorf("%s is missing", c.file)
	case c.file != "":
		return fs.Parse([]string{"--", file})
	}
	return nil
}

// misuse reports invalid arguments and returns the exit code.
func (c *command) misuse(std stdio, format string, args ...any) int {
	fmt.Fprintf(std.err, "transport %s: %s\nRun \"transport help %s\" for its flags.\n", c.name, fmt.Sprintf(format, args...), c.name)
	return exitUsage
}

// flagMessage rewrites an error of package flag, with flags in the form --name.
func flagMessage(fs *flag.FlagSet, err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		name = strings.TrimLeft(name, "-")
		mean := ""
		if s := config.Closest(name, names); s != "" {
			mean = "; did you mean --" + s + "?"
		}
		return "unknown flag --" + name + mean
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return "flag --" + name + " needs a value"
	}
	return strings.Replace(text, " for flag -", " for flag --", 1)
}

// help returns the command's help text.
func (c *command) help(fs *flag.FlagSet) string {
	var b strings.Builder
	flags := ""
	fs.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		left := "--" + f.Name
		if value != "" {
			left += " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" {
			usage += " (default " + f.DefValue + ")"
		}
		flags += fmt.Sprintf("  %-24s %s\n", left, strings.ReplaceAll(usage, "\n", "\n"+strings.Repeat(" ", 27)))
	})
	b.WriteString("Usage: transport " + c.name)
	if flags != "" {
		b.WriteString(" [flags]")
	}
	if c.file != "" {
		b.WriteString(" " + c.file)
	}
	b.WriteString("\n\n" + strings.TrimSpace(c.about) + "\n")
	if flags != "" {
		b.WriteString("\nFlags:\n" + flags)
	}
	return b.String()
}

// configFlag declares --config.
func configFlag(fs *flag.FlagSet) *string {
	return fs.String("config", config.DefaultFile, "the configuration `FILE`")
}
