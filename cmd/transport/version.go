package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

func versionCommand() *command {
	return &command{
		name:    "version",
		summary: "print the version",
		about:   "Prints the version, the source revision, and the Go release of the build.",
		prepare: func(*flag.FlagSet) action {
			return func(_ context.Context, std stdio) int {
				fmt.Fprintf(std.out, "transport %s, %s %s/%s\n", longVersion(debug.ReadBuildInfo()), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return exitOK
			}
		},
	}
}

// version returns the program's version as XMPP users see it (XEP-0092).
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development"
	}
	return info.Main.Version
}

// longVersion returns the version and the source revision, if known.
func longVersion(info *debug.BuildInfo, ok bool) string {
	if !ok {
		return "development"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "development"
	}
	var revision, modified string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", with local changes"
		}
	}
	if revision == "" {
		return v
	}
	return v + " (revision " + revision + modified + ")"
}
