package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// need is something that a client's walk cannot do without.
type need struct {
	path   string // a program to look for, or a file
	debian string // the package that has it
}

var needs = map[string][]need{
	"converse": {{"chromium", "chromium"}, {"node", "nodejs"}},
	"gajim":    append([]need{{"gajim", "gajim"}}, desktopNeeds...),
	"dino":     append([]need{{"dino-im", "dino-im"}}, desktopNeeds...),
}

var desktopNeeds = []need{
	{"Xvfb", "xvfb"}, {"openbox", "openbox"}, {"dbus-daemon", "dbus"}, {"xdotool", "xdotool"}, {"import", "imagemagick"},
	{"/usr/bin/python3", "python3"}, {"unshare", "util-linux"}, {"setpriv", "util-linux"},
}

// missing says what is not here and how to install it, "" if all is. The servers are the
// Makefile's business.
func missing(client string) string {
	var lack, packages []string
	for _, n := range needs[client] {
		_, err := exec.LookPath(n.path)
		if strings.HasPrefix(n.path, "/") {
			_, err = os.Stat(n.path)
		}
		if err != nil {
			lack, packages = append(lack, n.path), append(packages, n.debian)
		}
	}
	if lack == nil {
		return ""
	}
	return fmt.Sprintf("%s needs %s. On Debian: apt-get install %s", client, strings.Join(lack, ", "), strings.Join(packages, " "))
}
