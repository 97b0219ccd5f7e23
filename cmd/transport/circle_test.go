package main

import (
	"bytes"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// largestCircle is how many files of component need each other in a circle. It is the
// number of today, and is to shrink.
const largestCircle = 56

// TestCircle: the files of component that only work together do not become more.
func TestCircle(t *testing.T) {
	circle := filesInCircle(t, module+"/component", filepath.Join(topFolder, "component"))
	if len(circle) > largestCircle {
		t.Errorf("%d files need each other, at most %d: %s", len(circle), largestCircle, strings.Join(circle, " "))
	}
}

// filesInCircle are the files of the largest strongly connected component of a package's
// files, by what they use of each other.
func filesInCircle(t *testing.T, path, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", exportData(t, path))}
	pkg, err := config.Check(path, set, files, info)
	if err != nil {
		t.Fatal(err)
	}
	uses := make(map[string]map[string]bool)
	for id, o := range info.Uses {
		if o.Pkg() != pkg || !o.Pos().IsValid() {
			continue
		}
		from, to := set.Position(id.Pos()).Filename, set.Position(o.Pos()).Filename
		if from == to {
			continue
		}
		if uses[from] == nil {
			uses[from] = make(map[string]bool)
		}
		uses[from][to] = true
	}
	return largestComponent(uses)
}

// exportData finds what the compiler knows of the packages that one imports.
func exportData(t *testing.T, path string) func(string) (io.ReadCloser, error) {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", path)
	cmd.Dir = topFolder
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	export := make(map[string]string)
	for line := range bytes.Lines(out) {
		if path, file, ok := strings.Cut(strings.TrimSpace(string(line)), "\t"); ok {
			export[path] = file
		}
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(export[path]) }
}

// largestComponent is the largest set of nodes that all reach each other. (Tarjan 1972)
func largestComponent(edges map[string]map[string]bool) []string {
	index, low := make(map[string]int), make(map[string]int)
	var stack, largest []string
	on := make(map[string]bool)
	var visit func(string)
	visit = func(v string) {
		index[v] = len(index) + 1
		low[v] = index[v]
		stack = append(stack, v)
		on[v] = true
		for w := range edges[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if on[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		var found []string
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			on[w] = false
			found = append(found, filepath.Base(w))
			if w == v {
				break
			}
		}
		if len(found) > len(largest) {
			largest = found
		}
	}
	for v := range edges {
		if index[v] == 0 {
			visit(v)
		}
	}
	return largest
}
