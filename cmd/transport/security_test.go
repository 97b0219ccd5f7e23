package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dangerous are packages that are usually mistakes, with the folders that may import them
// and the reason.
var dangerous = map[string]map[string]string{
	"crypto/md5":  {"legacy/oscar/oscarwire": "the sign-on hashes passwords with it", "legacy/oscar": "avatars have that hash as a name", "legacy/oscar/oscarmock": "the other side"},
	"crypto/sha1": {"component/xep": "XEP-0115", "component": "XEP-0084 and XEP-0153", "component/componenttest": "XEP-0114, other side", "legacy/irc": "fingerprints of certificates that users give"},
	"crypto/des":  {},
	"crypto/rc4":  {},
	"math/rand":   {},
	"math/rand/v2": {"component": "pauses", "component/stream": "pauses", "legacy/irc": "pauses", "legacy": "pauses", "component/xep": "IDs of stanzas; the source is ChaCha8 with a random seed",
		"component/componenttest": "a seed repeats a test", "cmd/transport/internal/lab": "ports", "cmd/transport/internal/clients": "addresses", "cmd/transport/internal/chaos": "a seed repeats a run", "cmd/transport/internal/soak": "a seed repeats a run"},
	"unsafe":         {},
	"os/exec":        {"cmd/transport/internal/lab": "test servers", "cmd/transport/internal/demo": "test servers", "cmd/transport/internal/clients": "real clients", "cmd/transport/internal/bench": "the measured program", "cmd/transport/internal/benchirc": "test servers", "cmd/transport/internal/chaos": "test servers", "cmd/transport/internal/soak": "test servers"},
	"net/http/cgi":   {},
	"net/http/pprof": {},
	"text/template":  {"cmd/transport/internal/lab": "configurations of test servers"},
	"encoding/gob":   {},
	"plugin":         {},
}

// dangerousCalls have no deadline, or use state that other code of the process can change.
var dangerousCalls = []string{"http.Get", "http.Post", "http.PostForm", "http.Head", "http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve",
	"http.DefaultClient", "http.DefaultServeMux", "http.Handle", "http.HandleFunc", "net.Dial", "tls.Dial", "rand.Seed"}

// modeArguments are the positions of the file mode in calls.
var modeArguments = map[string]int{"OpenFile": 2, "WriteFile": 2, "Mkdir": 1, "MkdirAll": 1, "Chmod": 1}

// labs are packages for tests and developers only, which the rules on calls leave alone.
var labs = []string{"legacy/oscar/oscarmock", "cmd/transport/internal/lab", "cmd/transport/internal/clients", "cmd/transport/internal/bench", "cmd/transport/internal/benchirc", "cmd/transport/internal/benchoscar", "cmd/transport/internal/chaos", "cmd/transport/internal/soak"}

// finding is a violation of a rule.
type finding struct {
	pos  token.Pos
	text string
}

// secure returns the violations in a file of a folder.
func secure(folder string, f *ast.File) (all []finding) {
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // it was parsed
		if who, ok := dangerous[path]; ok && who[folder] == "" {
			all = append(all, finding{spec.Pos(), "imports " + path})
		}
	}
	if slices.Contains(labs, folder) {
		return all
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(dangerousCalls, x.Name+"."+n.Sel.Name) {
				all = append(all, finding{n.Pos(), "uses " + x.Name + "." + n.Sel.Name})
			}
		case *ast.CallExpr:
			all = append(all, modes(n)...)
		case *ast.CompositeLit:
			all = append(all, literals(n)...)
		}
		return true
	})
	return all
}

// modes finds files that others may read or change.
func modes(call *ast.CallExpr) []finding {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	at, ok := modeArguments[fun.Sel.Name]
	if !ok || at >= len(call.Args) {
		return nil
	}
	lit, ok := call.Args[at].(*ast.BasicLit)
	if !ok || lit.Kind != token.INT {
		return nil
	}
	if mode, err := strconv.ParseUint(lit.Value, 0, 32); err == nil && mode&0o077 != 0 {
		return []finding{{call.Pos(), fun.Sel.Name + " with mode " + lit.Value + ": other users can read or change it"}}
	}
	return nil
}

// literals finds settings of TLS and HTTP that are not safe.
func literals(lit *ast.CompositeLit) (all []finding) {
	values := make(map[string]string)
	for _, e := range lit.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, named := pair.Key.(*ast.Ident)
		if !named {
			continue
		}
		values[key.Name] = "set"
		switch v := pair.Value.(type) {
		case *ast.Ident:
			values[key.Name] = v.Name
		case *ast.SelectorExpr:
			values[key.Name] = v.Sel.Name
		}
	}
	if v := values["InsecureSkipVerify"]; v != "" && v != "false" {
		all = append(all, finding{lit.Pos(), "InsecureSkipVerify"})
	}
	if v := values["MinVersion"]; v == "VersionTLS10" || v == "VersionTLS11" || v == "VersionSSL30" {
		all = append(all, finding{lit.Pos(), "MinVersion " + v})
	}
	if of, ok := lit.Type.(*ast.SelectorExpr); ok && of.Sel.Name == "Server" {
		if x, ok := of.X.(*ast.Ident); ok && x.Name == "http" && (values["ReadHeaderTimeout"] == "" || values["WriteTimeout"] == "" || values["IdleTimeout"] == "") {
			all = append(all, finding{lit.Pos(), "an HTTP server without deadlines"})
		}
	}
	return all
}

// TestSecurity checks the source, without tests, for what gosec looks for. gosec itself
// would add some forty modules, among them a client of an AI service.
func TestSecurity(t *testing.T) {
	err := filepath.WalkDir(topFolder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		folder, err := filepath.Rel(topFolder, filepath.Dir(path))
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		for _, one := range secure(filepath.ToSlash(folder), f) {
			t.Errorf("%s: %s", files.Position(one.pos), one.text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The rules find what they are for.
func TestSecurityRules(t *testing.T) {
	for source, want := range map[string]int{
		`import "crypto/md5"`:                                                        1,
		`import "os/exec"`:                                                           1,
		`import "math/rand/v2"`:                                                      1,
		`import "crypto/rand"`:                                                       0,
		`var _ = tls.Config{InsecureSkipVerify: true}`:                               1,
		`var _ = tls.Config{InsecureSkipVerify: o.insecure}`:                         1,
		`var _ = tls.Config{InsecureSkipVerify: false}`:                              0,
		`var _ = tls.Config{MinVersion: tls.VersionTLS10}`:                           1,
		`var _ = http.Server{ReadHeaderTimeout: t}`:                                  1,
		`var _ = http.Server{ReadHeaderTimeout: t, WriteTimeout: t, IdleTimeout: t}`: 0,
		`var _, _ = http.Get("x")`:                                                   1,
		`var _ = os.WriteFile("x", nil, 0o644)`:                                      1,
		`var _ = os.WriteFile("x", nil, 0o600)`:                                      0,
		`var _ = root.Mkdir("x", 0o755)`:                                             1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := secure("registry", f); len(got) != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}
