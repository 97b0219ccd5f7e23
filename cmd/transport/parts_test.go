package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// partOf says which of a user's parts the types of component belong to.
var partOf = map[string]string{
	"login": "login", "visits": "login",
	"clients": "clients",
	"roster":  "roster", "blocklist": "roster", "nicknames": "roster", "rosterWriter": "roster",
	"outbox":   "outbox",
	"rooms":    "rooms",
	"calls":    "calls",
	"commands": "commands",
	"account":  "account",
	"markers":  "markers",
}

// TestParts: a part of a user calls the methods of another and leaves its fields alone.
func TestParts(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(topFolder, "component", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	var parsed []*ast.File
	fields := make(map[string]map[string]bool) // of each part
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			part, s := partOf[spec.Name.Name], structOf(spec)
			if part == "" || s == nil {
				return true
			}
			for _, field := range s.Fields.List {
				for _, name := range field.Names {
					if fields[part] == nil {
						fields[part] = make(map[string]bool)
					}
					fields[part][name.Name] = true
				}
			}
			return true
		})
	}
	if len(fields) != 9 {
		t.Errorf("found are the fields of %d parts", len(fields))
	}
	for _, f := range parsed {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			self := partOf[receiver(fn.Recv.List[0].Type)]
			ast.Inspect(fn, func(n ast.Node) bool {
				field, ok := n.(*ast.SelectorExpr) // u.part.field
				if !ok {
					return true
				}
				part, ok := field.X.(*ast.SelectorExpr)
				if ok && part.Sel.Name != self && fields[part.Sel.Name][field.Sel.Name] {
					t.Errorf("%s: %s uses the field %s of %s", files.Position(n.Pos()), fn.Name.Name, field.Sel.Name, part.Sel.Name)
				}
				return true
			})
		}
	}
}

func structOf(spec *ast.TypeSpec) *ast.StructType {
	s, _ := spec.Type.(*ast.StructType)
	return s
}
