package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed walk
var walks embed.FS

// The versions of what comes from npm.
const (
	converseVersion  = "12.0.0"
	puppeteerVersion = "24.43.1"
)

// clients are the commands that walk a client each.
var clients = map[string]func(context.Context, *stage) (*exec.Cmd, error){
	"converse": converse,
	"gajim":    func(ctx context.Context, st *stage) (*exec.Cmd, error) { return desktop(ctx, st, "gajim") },
	"dino":     func(ctx context.Context, st *stage) (*exec.Cmd, error) { return desktop(ctx, st, "dino") },
}

// unpack writes the walks into a folder.
func unpack(dir string) error {
	entries, err := walks.ReadDir("walk")
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := walks.ReadFile("walk/" + e.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, e.Name()), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// converse serves Converse's page and returns the command that opens it in Chromium.
func converse(ctx context.Context, st *stage) (*exec.Cmd, error) {
	if err := unpack(st.dir); err != nil {
		return nil, err
	}
	// Node finds packages in the folders above a script.
	if err := os.Symlink(st.modules, filepath.Join(st.dir, "node_modules")); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/dist/", http.StripPrefix("/dist/", http.FileServer(http.Dir(filepath.Join(st.modules, "converse.js", "dist")))))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, walks, "walk/converse.html")
	})
	page, err := st.serve(mux)
	if err != nil {
		return nil, err
	}
	socket, err := st.startChromium(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("node", filepath.Join(st.dir, "converse.mjs"))
	cmd.Dir = st.dir
	cmd.Env = append(append(os.Environ(), "BROWSER="+socket, "PAGE="+page), st.environment()...)
	return cmd, nil
}

// startChromium starts a browser without a window and returns the URL that it is
// driven at.
func (st *stage) startChromium(ctx context.Context) (string, error) {
	pin, err := st.certificatePin()
	if err != nil {
		return "", err
	}
	profile := filepath.Join(st.dir, "chromium")
	cmd := exec.Command("chromium", "--headless=new", "--no-first-run", "--disable-dev-shm-usage", "--disable-gpu",
		"--no-sandbox", // which root cannot have
		"--user-data-dir="+profile, "--remote-debugging-port=0", "--window-size=1280,850",
		fmt.Sprintf("--host-resolver-rules=MAP %[1]s %[2]s, MAP *.%[1]s %[2]s, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", domain, st.host),
		"--ignore-certificate-errors-spki-list="+pin, "about:blank")
	cmd.Env = append(os.Environ(), "TMPDIR="+st.temp())
	if err := st.background(cmd, "chromium.log"); err != nil {
		return "", err
	}
	var port, path string
	err = waitFor(ctx, "Chromium", func() bool {
		data, err := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
		port, path, _ = strings.Cut(strings.TrimSpace(string(data)), "\n")
		return err == nil && path != ""
	})
	return "ws://127.0.0.1:" + port + path, err
}

// environment is what all walks are told.
func (st *stage) environment() []string {
	return []string{"TMPDIR=" + st.temp(), "OUT=" + st.out, "OTHERS=" + st.others.url, "DOMAIN=" + domain, "PASSWORD=" + userPassword,
		"UIN=" + aliceUIN, "ICQ_PASSWORD=" + icqPassword}
}

// npm returns the folder of the packages in the user's cache, and fetches them once if it
// may.
func npm(ctx context.Context, fetch bool) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "transport-clients", "converse-"+converseVersion+"-puppeteer-"+puppeteerVersion)
	modules, complete := filepath.Join(dir, "node_modules"), filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return modules, nil
	}
	if !fetch {
		return "", fmt.Errorf("no Converse.js %s in %s: make clients FETCH=1 fetches it by npm, once", converseVersion, dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte("{\"private\": true}\n"), 0o644); err != nil {
		return "", err
	}
	fmt.Println("npm fetches Converse.js and puppeteer-core into", dir)
	cmd := exec.CommandContext(ctx, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--omit=optional",
		"converse.js@"+converseVersion, "puppeteer-core@"+puppeteerVersion)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, io.Discard, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("npm install: %w (on Debian, apt-get install npm)", err)
	}
	return modules, os.WriteFile(complete, nil, 0o644)
}
