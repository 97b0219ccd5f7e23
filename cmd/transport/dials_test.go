package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayOpen are the only places of the program that open connections or resolve names. All
// others leave the decision to legacy.Connect. legacy.ConnectConfigured decides nothing: each
// of its callers passes an address of the configuration.
var mayOpen = map[string][]string{
	"cmd/transport/wiring.go":       {"net.Dialer", "DialContext"},                       // passed to the parts as Dial
	"component/component.go":        {"Dial"},                                            // must not be nil
	"component/link.go":             {"Dial"},                                            // passed to stream
	"component/stream/handshake.go": {"Dial"},                                            // the configured XMPP server
	"component/session.go":          {"Dial"},                                            // passed to the adapters
	"component/upload.go":           {"Dial"},                                            // passed to legacy/files
	"legacy/connect.go":             {"net.DefaultResolver", "LookupNetIP", "DialFirst"}, // the decision
	"legacy/files/put.go":           {"http.Client", "http.Transport"},                   // dials by legacy.Connect
	"legacy/irc/dial.go":            {"legacy.ConnectConfigured"},                        // the configured server
	"legacy/oscar/dialserver.go":    {"legacy.ConnectConfigured"},                        // the configured sign-on servers
	"legacy/oscar/directconn.go":    {"legacy.ConnectConfigured"},                        // the configured file proxy
}

// noAdapters are packages for tests and for the demo.
var noAdapters = []string{"cmd/transport/e2e", "cmd/transport/internal/lab", "cmd/transport/internal/demo", "cmd/transport/internal/clients", "cmd/transport/internal/chaos",
	"cmd/transport/internal/bench", "cmd/transport/internal/benchirc", "cmd/transport/internal/benchoscar", "component/componenttest", "legacy/legacytest", "legacy/oscar/oscarmock"}

// TestDials checks that no adapter, and no other part of the program, opens a connection
// without legacy.Connect.
func TestDials(t *testing.T) {
	found := make(map[string][]string)
	err := filepath.WalkDir(topFolder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(topFolder, name)
		if rel = filepath.ToSlash(rel); err == nil && !slices.Contains(noAdapters, path.Dir(rel)) {
			if uses := opens(t, name, nil); len(uses) > 0 {
				found[rel] = uses
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, uses := range found {
		for _, use := range uses {
			if !slices.Contains(mayOpen[file], use) {
				t.Errorf("%s uses %s: connect by legacy.Connect", file, use)
			}
		}
	}
	for file, allowed := range mayOpen {
		for _, use := range allowed {
			if !slices.Contains(found[file], use) {
				t.Errorf("%s no longer uses %s: remove it from this test", file, use)
			}
		}
	}
}

// TestOpens checks that TestDials finds what it looks for.
func TestOpens(t *testing.T) {
	const imports = "package x\nimport (\n\"net\"\n\"net/http\"\nweb \"net/http\"\n\"crypto/tls\"\n\"syscall\"\n\"transport/legacy\"\n)\n"
	for code, want := range map[string]string{
		"func f() { net.Dial(``, ``) }":                                         "net.Dial",
		"func f() { net.DialTimeout(``, ``, 0) }":                               "net.DialTimeout",
		"func f() { net.DialTCP(``, nil, nil) }":                                "net.DialTCP",
		"var d net.Dialer":                                                      "net.Dialer",
		"var d = new(net.Dialer).DialContext":                                   "DialContext net.Dialer",
		"func f() { tls.Dial(``, ``, nil) }":                                    "tls.Dial",
		"var d tls.Dialer":                                                      "tls.Dialer",
		"func f() { http.Get(``) }":                                             "http.Get",
		"func f() { web.Post(``, ``, nil) }":                                    "http.Post",
		"var c = http.DefaultClient":                                            "http.DefaultClient",
		"var c = &http.Client{}":                                                "http.Client",
		"var c http.Transport":                                                  "http.Transport",
		"func f() { net.LookupHost(``) }":                                       "net.LookupHost",
		"var r net.Resolver":                                                    "net.Resolver",
		"func f(e legacy.Env) { e.Dial(nil, ``, ``) }":                          "Dial",
		"func f(e legacy.Env) { g := e.Dial; g(nil, ``, ``) }":                  "Dial",
		"func f() { legacy.ConnectConfigured(nil, nil, ``) }":                   "legacy.ConnectConfigured",
		"func f() { legacy.DialFirst(nil, nil, nil, ``, 0) }":                   "legacy.DialFirst",
		"func f() { syscall.Connect(0, nil) }":                                  "syscall.Connect",
		"func f(l net.Listener) { l.Accept(); net.Listen(``, ``) }":             "",
		"func f() { legacy.Connect(nil, nil, legacy.Target{}) }":                "",
		"var s http.Server":                                                     "",
		"func f(e legacy.Env) { legacy.Connect(nil, e.Dial, legacy.Target{}) }": "",
	} {
		if got := strings.Join(opens(t, "x.go", imports+code), " "); got != want {
			t.Errorf("%s: found %q, want %q", code, got, want)
		}
	}
}

// opens returns what a source file uses to open connections or to resolve names, sorted. src
// is for parser.ParseFile.
func opens(t *testing.T, name string, src any) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	packages := make(map[string]string) // paths by local name
	for _, spec := range f.Imports {
		from, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		local := path.Base(from)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == "." {
			t.Errorf("%s imports %s as a dot", name, from)
		}
		packages[local] = from
	}
	uses := make(map[string]bool)
	passed := make(map[ast.Node]bool) // the arguments of legacy.Connect
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			switch to := call.Fun.(type) {
			case *ast.Ident: // within the package itself
				if to.Name == "DialFirst" {
					uses[to.Name] = true
				}
			case *ast.SelectorExpr:
				id, ok := to.X.(*ast.Ident)
				if ok && packages[id.Name] == module+"/legacy" && (to.Sel.Name == "Connect" || to.Sel.Name == "ConnectConfigured") && len(call.Args) > 1 {
					passed[call.Args[1]] = true
				}
			}
		}
		s, ok := n.(*ast.SelectorExpr)
		if !ok || passed[n] {
			return true
		}
		if id, ok := s.X.(*ast.Ident); ok && packages[id.Name] != "" {
			if from := packages[id.Name]; isOpening(from, s.Sel.Name) {
				uses[path.Base(from)+"."+s.Sel.Name] = true
			}
			return true
		}
		if s.Sel.Name == "Dial" || s.Sel.Name == "DialContext" || strings.HasPrefix(s.Sel.Name, "Lookup") && strings.Contains(s.Sel.Name, "IP") {
			uses[s.Sel.Name] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(uses))
}

// isOpening reports whether a name of a package opens connections or resolves names.
func isOpening(from, name string) bool {
	switch from {
	case "net":
		return strings.HasPrefix(name, "Dial") || strings.HasPrefix(name, "Lookup") || strings.HasPrefix(name, "Resolve") || name == "Resolver" || name == "DefaultResolver"
	case "crypto/tls":
		return strings.HasPrefix(name, "Dial")
	case "net/http":
		return slices.Contains([]string{"Client", "Transport", "DefaultClient", "DefaultTransport", "Get", "Post", "PostForm", "Head"}, name)
	case "syscall", "golang.org/x/sys/unix":
		return name == "Connect" || name == "Sendto"
	case module + "/legacy":
		return name == "ConnectConfigured" || name == "DialFirst"
	}
	return strings.HasSuffix(from, "/websocket") || strings.HasSuffix(from, "/proxy") && strings.HasPrefix(from, "golang.org/")
}
