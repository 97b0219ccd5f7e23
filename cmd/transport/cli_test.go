package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	_, list, _ := runCLI(t, "help")
	if len(commands()) < 6 {
		t.Errorf("there are %d commands", len(commands()))
	}
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(list, "\n  "+c.name+" ") || !strings.Contains(list, c.summary+"\n") || c.summary == "" {
				t.Errorf("help does not list it:\n%s", list)
			}
			code, text, errs := runCLI(t, "help", c.name)
			if code != exitOK || errs != "" {
				t.Errorf("help %s: code %d, stderr %q", c.name, code, errs)
			}
			requireMatches(t, text, `^Usage: transport `+c.name+`( \[flags\])?( FILE)?\n`)
			for line := range strings.Lines(text) {
				if len([]rune(line)) > 110 {
					t.Errorf("long line: %s", line)
				}
			}
			for _, flag := range []string{"-h", "-help", "--help"} {
				if code, again, errs := runCLI(t, c.name, flag); code != exitOK || again != text || errs != "" {
					t.Errorf("%s %s: code %d, stderr %q, other text than help %[1]s:\n%s", c.name, flag, code, errs, again)
				}
			}
		})
	}
	for _, args := range [][]string{{"help", "help"}, {"-h"}, {"-help"}, {"--help"}} {
		if code, text, errs := runCLI(t, args...); code != exitOK || text != list || errs != "" {
			t.Errorf("%q: code %d, stderr %q, stdout\n%s", args, code, errs, text)
		}
	}
}

func TestMisuse(t *testing.T) {
	tests := []struct {
		args string
		want string // on stderr
	}{
		{"", `^transport is an XMPP gateway to other chat networks\.\n\nUsage: transport COMMAND \[flags\]\n\nCommands:\n  run `},
		{"rnu", `^transport: unknown command "rnu"; did you mean "run"\?\nRun "transport help" for the list of commands\.\n$`},
		{"serve", `^transport: unknown command "serve"\n`},
		{"Check", `did you mean "check"\?`},
		{"rotate", `^transport: unknown command "rotate"`},
		{"a\x1bb", `unknown command "a\\x1bb"`},
		{"help serve", `^transport: unknown command "serve"\n`},
		{"help run check", `name one command only`},
		{"run transport.toml", `^transport run: unexpected argument "transport.toml"\nRun "transport help run" for its flags\.\n$`},
		{"run --confg x", `^transport run: unknown flag --confg; did you mean --config\?\n`},
		{"run -x", `^transport run: unknown flag --x\n`},
		{"run --config", `^transport run: flag --config needs a value\n`},
		{"run --log-level loud", `--log-level: "loud" is not a log level \(allowed: trace, debug, info, warn, error\)\n`},
		{"run --log-level DEBUG", `did you mean "debug"\?`},
		{"run --log-format xml", `--log-format: "xml" is not a log format \(allowed: auto, text, json\)\n`},
		{"check --verbose", `^transport check: unknown flag --verbose\n`},
		{"check x", `unexpected argument "x"`},
		{"rotate-key --force", `^transport rotate-key: unknown flag --force\n`},
		{"backup", `^transport backup: FILE is missing\nRun "transport help backup"`},
		{"restore --key k", `^transport restore: FILE is missing\n`},
		{"backup a b", `unexpected argument "b"`},
		{"backup --force a --with-key b", `unexpected argument "b"`},
		{"backup a --forse", `unknown flag --forse; did you mean --force\?`},
		{"version 2", `unexpected argument "2"`},
		{"demo --nonsense", `nonsense`},
		{"mock-icq --nonsense", `nonsense`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			code, out, errs := runCLI(t, strings.Fields(tt.args)...)
			if code != exitUsage || out != "" {
				t.Errorf("code %d, want %d; stdout %q", code, exitUsage, out)
			}
			requireMatches(t, errs, tt.want)
		})
	}
}

func TestVersion(t *testing.T) {
	for _, args := range []string{"version", "-version", "--version"} {
		code, out, errs := runCLI(t, args)
		if code != exitOK || errs != "" {
			t.Errorf("%s: code %d, stderr %q", args, code, errs)
		}
		requireMatches(t, out, `^transport \S.*, go1\.\S+ \w+/\w+\n$`)
	}
	build := func(version string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	tests := []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "development"},
		{build(""), "development"},
		{build("(devel)", "vcs.revision", "0123456789abcdef"), "development (revision 0123456789ab)"},
		{build("v1.2.3", "vcs.revision", "0123", "vcs.modified", "true"), "v1.2.3 (revision 0123, with local changes)"},
		{build("v1.2.3", "vcs.modified", "false"), "v1.2.3"},
	}
	for _, tt := range tests {
		if got := longVersion(tt.info, tt.info != nil); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// Each command that reads the configuration reports a mistake with its line and exits.
func TestCommandsNameMistakes(t *testing.T) {
	file := writeConfig(t, "localhost", "")
	for _, command := range []string{"run", "rotate-key", "check", "backup a", "restore a"} {
		code, out, errs := runCLI(t, append(strings.Fields(command), "--config", file)...)
		if code != exitFailure {
			t.Errorf("%s: code %d, want %d", command, code, exitFailure)
		}
		requireMatches(t, out+errs, `1 error in the configuration\n( +)?/\S+/t\.toml:2: server\.address: "localhost" has no port`)
		if code, out, errs = runCLI(t, append(strings.Fields(command), "--config", file+"x")...); code != exitFailure {
			t.Errorf("%s of a missing file: code %d, want %d", command, code, exitFailure)
		}
		requireMatches(t, out+errs, `there is no configuration file "/\S+/t\.tomlx"; copy transport\.toml`)
	}
}
