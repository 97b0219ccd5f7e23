package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// limit is a row of docs/LIMITS.md: a comment "limit: of what | what happens beyond" behind
// a constant, a key of the configuration, or a call with the value as its last argument.
type limit struct {
	what, value, beyond, file, name string
	line                            int
}

// notServing are the folders of test tools and of the mock network, whose limits protect
// nobody.
var notServing = []string{"cmd/transport/e2e", "cmd/transport/internal/bench", "cmd/transport/internal/benchirc", "cmd/transport/internal/benchoscar", "cmd/transport/internal/chaos", "cmd/transport/internal/clients",
	"cmd/transport/internal/demo", "cmd/transport/internal/lab", "cmd/transport/internal/soak", "component/componenttest", "legacy/legacytest", "legacy/oscar/oscarmock"}

// mustHaveLimit matches the names of constants that are limits.
var mustHaveLimit = regexp.MustCompile(`^[mM]ax[A-Z]`)

const limitsFile = "docs/LIMITS.md"

// TestLimits checks that docs/LIMITS.md has the limits of the source, and that each constant
// max… and each capacity of a channel above 1 is one. "make limits" writes the file.
func TestLimits(t *testing.T) {
	var all []limit
	err := filepath.WalkDir(topFolder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		folder, err := filepath.Rel(topFolder, path)
		if folder = filepath.ToSlash(folder); slices.Contains(notServing, folder) || folder != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		found, bad := limitsOf(t, folder)
		for _, problem := range bad {
			t.Error(problem)
		}
		all = append(all, found...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := limitsText(all)
	if os.Getenv("UPDATE_LIMITS") != "" {
		if err := os.WriteFile(filepath.Join(topFolder, limitsFile), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if readTop(t, limitsFile) != want {
		t.Errorf("%s differs from the source: run make limits", limitsFile)
	}
}

// The collector finds what has no mark.
func TestLimitsUnmarked(t *testing.T) {
	_, bad := limitsOfSource(t, "x", map[string]string{"x.go": `package x
import "time"
const (
	maxMarked = 2 << 10 // limit: bytes of it | refused
	maxBare = 3 // a comment
	maxWait = 4 * time.Second
	queue = 5 // limit: things that wait | they wait
	other = 6
	maxHalf = 7 // limit: without a second part
)
var a, b, c = make(chan int, queue), make(chan int, other), make(chan bool, 1)
func f(n int) { _ = make(chan int, n); _ = make(chan int) }
`})
	want := []string{"x/x.go:5: maxBare has no comment", "x/x.go:9: the comment of maxHalf is not", "x/x.go:11: the channel's capacity other has no comment", "x/x.go:12: the channel's capacity n has no comment"}
	if len(bad) != len(want) || !slices.EqualFunc(bad, want, strings.HasPrefix) {
		t.Errorf("found\n%s", strings.Join(bad, "\n"))
	}
}

func limitsOf(t *testing.T, folder string) (found []limit, bad []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(topFolder, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string)
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			sources[filepath.Base(name)] = readTop(t, filepath.Join(folder, filepath.Base(name)))
		}
	}
	if len(sources) == 0 {
		return nil, nil
	}
	return limitsOfSource(t, folder, sources)
}

// limitsOfSource returns the limits of a package, and what lacks its comment.
func limitsOfSource(t *testing.T, folder string, sources map[string]string) (found []limit, bad []string) {
	t.Helper()
	c := collector{folder: folder, files: token.NewFileSet(), marked: make(map[types.Object]bool)}
	var parsed []*ast.File
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		f, err := parser.ParseFile(c.files, name, sources[name], parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	c.info = types.Info{Defs: make(map[*ast.Ident]types.Object), Uses: make(map[*ast.Ident]types.Object), Types: make(map[ast.Expr]types.TypeAndValue)}
	// Only constants are of interest: other packages than time may be missing.
	config := types.Config{Importer: onlyTime{}, Error: func(error) {}}
	_, _ = config.Check(folder, c.files, parsed, &c.info)
	for _, f := range parsed {
		c.declarations(f)
	}
	for _, f := range parsed {
		c.calls(f)
	}
	return c.found, c.bad
}

// onlyTime imports the durations of package time and nothing else: durations are no limits.
type onlyTime struct{}

func (onlyTime) Import(path string) (*types.Package, error) {
	if path != "time" {
		return nil, errors.New("not needed")
	}
	p := types.NewPackage(path, path)
	duration := types.NewNamed(types.NewTypeName(token.NoPos, p, "Duration", nil), types.Typ[types.Int64], nil)
	p.Scope().Insert(duration.Obj())
	for name, d := range map[string]time.Duration{"Nanosecond": 1, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
		"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour} {
		p.Scope().Insert(types.NewConst(token.NoPos, p, name, duration, constant.MakeInt64(int64(d))))
	}
	p.MarkComplete()
	return p, nil
}

// collector finds the limits of a package.
type collector struct {
	folder string
	files  *token.FileSet
	info   types.Info
	marked map[types.Object]bool
	found  []limit
	bad    []string
}

func (c *collector) at(n ast.Node) (file string, line int) {
	p := c.files.Position(n.Pos())
	return c.folder + "/" + p.Filename, p.Line
}

func (c *collector) problem(n ast.Node, format string, args ...any) {
	file, line := c.at(n)
	c.bad = append(c.bad, fmt.Sprintf("%s:%d: %s", file, line, fmt.Sprintf(format, args...)))
}

// mark adds a limit if its comment is one.
func (c *collector) mark(n ast.Node, comment *ast.CommentGroup, name string, value func(bytes bool) string) bool {
	text, ok := strings.CutPrefix(comment.Text(), "limit: ")
	if !ok {
		return false
	}
	what, beyond, ok := strings.Cut(strings.TrimSpace(strings.ReplaceAll(text, "\n", " ")), " | ")
	if !ok {
		c.problem(n, "the comment of %s is not \"limit: of what | what happens beyond\"", name)
		return true
	}
	file, line := c.at(n)
	c.found = append(c.found, limit{what, value(strings.HasPrefix(what, "bytes")), beyond, file, name, line})
	return true
}

// declarations collects the marked constants and keys of the configuration.
func (c *collector) declarations(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			last := n.Names[len(n.Names)-1]
			value := func(bytes bool) string { return number(c.info.Types[n.Values[len(n.Values)-1]].Value, bytes) }
			if c.mark(n, n.Comment, last.Name, value) {
				c.marked[c.info.Defs[last]] = true
				break
			}
			for _, name := range n.Names {
				if def := c.info.Defs[name]; mustHaveLimit.MatchString(name.Name) && def != nil && !strings.HasSuffix(def.Type().String(), "time.Duration") {
					c.problem(n, "%s has no comment \"// limit: of what | what happens beyond\"", name.Name)
				}
			}
		case *ast.Field:
			if n.Tag != nil && n.Comment != nil {
				key := reflect.StructTag(strings.Trim(n.Tag.Value, "`")).Get("toml")
				c.mark(n, n.Comment, n.Names[0].Name, func(bool) string { return "`" + key + "`" })
			}
		}
		return true
	})
}

// calls collects the marked calls, and checks the capacities of channels.
func (c *collector) calls(f *ast.File) {
	comments := make(map[int]*ast.CommentGroup) // by line
	for _, group := range f.Comments {
		comments[c.files.Position(group.Pos()).Line] = group
	}
	done := make(map[*ast.CommentGroup]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		last := call.Args[len(call.Args)-1]
		_, line := c.at(call)
		name := types.ExprString(last)
		if group := comments[line]; group != nil && !done[group] && !c.isSpec(group) {
			done[group] = true
			if c.mark(call, group, types.ExprString(call), func(bytes bool) string { return cmp.Or(number(c.info.Types[last].Value, bytes), "`"+name+"`") }) {
				return false
			}
		}
		if _, isChan := call.Args[0].(*ast.ChanType); !isChan || len(call.Args) < 2 || name == "1" {
			return true
		}
		if id, ok := last.(*ast.Ident); !ok || !c.marked[c.info.Uses[id]] {
			c.problem(call, "the channel's capacity %s has no comment \"// limit: of what | what happens beyond\"", name)
		}
		return true
	})
}

// isSpec reports whether a comment was found by declarations.
func (c *collector) isSpec(group *ast.CommentGroup) bool {
	p := c.files.Position(group.Pos())
	return slices.ContainsFunc(c.found, func(l limit) bool { return l.file == c.folder+"/"+p.Filename && l.line == p.Line })
}

// number formats a value, "" for none.
func number(v constant.Value, bytes bool) string {
	if v == nil {
		return ""
	}
	n, ok := constant.Int64Val(constant.ToInt(v))
	if !ok {
		return v.String()
	}
	unit := ""
	if bytes {
		for _, u := range []string{" KiB", " MiB", " GiB", " TiB"} {
			if n < 1024 || n%1024 != 0 {
				break
			}
			n, unit = n/1024, u
		}
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + unit
}

// limitsText returns docs/LIMITS.md.
func limitsText(all []limit) string {
	slices.SortFunc(all, func(a, b limit) int {
		return cmp.Or(cmp.Compare(filepath.Dir(a.file), filepath.Dir(b.file)), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	var b strings.Builder
	b.WriteString(`# Limits

Generated by ` + "`make limits`" + ` from the comments "limit: of what | what happens beyond" in the source; do not edit.

Each queue, cache, room, roster, form, stanza, line, frame and file that is filled from outside has a limit here. "refused: condition" is an error stanza of that condition, with a text for the user. Three things have no number: the registered users of a gateway, which ` + "`allow`, `deny`" + ` and the memory budget restrict; the rooms of an archive, whose lines expire; and the log, which the system rotates (a line of it has at most one text from outside, and none of a message).
`)
	folder := ""
	for _, l := range all {
		if dir := filepath.Dir(l.file); dir != folder {
			folder = dir
			fmt.Fprintf(&b, "\n## %s\n\n| limit of | value | beyond it | in the source |\n|---|---|---|---|\n", folder)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` %s |\n", strings.ReplaceAll(l.what, "<", "\\<"), cmp.Or(l.value, "see there"), l.beyond, filepath.Base(l.file), l.name)
	}
	return b.String()
}
