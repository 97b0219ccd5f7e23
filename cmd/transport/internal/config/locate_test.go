package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestLocate(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // path:line, in order of the path
	}{
		{"empty", "", ""},
		{"comment only", "# a = 1\n", ""},
		{"plain keys", "a = 1\n\nb = 2 # c = 3\nd=3", "a:1 b:3 d:4"},
		{"byte order mark", "\xef\xbb\xbfa = 1\n", "a:1"},
		{"carriage returns", "a = 1\r\n\r\n[t]\r\nb = 2\r\n", "a:1 t:3 t.b:4"},
		{"table", "[a]\nb = 1\n[c]\nb = 2\n", "a:1 a.b:2 c:3 c.b:4"},
		{"dotted table", "[a.b]\nc = 1\n[a]\nd = 2\n", "a:1 a.b:1 a.b.c:2 a.d:4"},
		{"spaces in header", "[ a . b ]\nc = 1\n", "a:1 a.b:1 a.b.c:2"},
		{"array of tables", "[[n]]\na = 1\n[[n]]\na = 2\n", "n:1 n[0]:1 n[0].a:2 n[1]:3 n[1].a:4"},
		{"table below array of tables", "[[n]]\n[n.o]\na = 1\n[[n]]\n[n.o]\na = 2\n",
			"n:1 n[0]:1 n[0].o:2 n[0].o.a:3 n[1]:4 n[1].o:5 n[1].o.a:6"},
		{"array of tables below array of tables", "[[n]]\n[[n.m]]\na = 1\n[[n.m]]\na = 2\n[[n]]\n[[n.m]]\na = 3\n",
			"n:1 n[0]:1 n[0].m:2 n[0].m[0]:2 n[0].m[0].a:3 n[0].m[1]:4 n[0].m[1].a:5 n[1]:6 n[1].m:7 n[1].m[0]:7 n[1].m[0].a:8"},
		{"dotted key", "a.b.c = 1\na.d = 2\n", "a:1 a.b:1 a.b.c:1 a.d:2"},
		{"dotted key in table", "[[n]]\noptions.flavor = \"icq\"\n", "n:1 n[0]:1 n[0].options:2 n[0].options.flavor:2"},
		{"quoted keys", "\"a b\" = 1\n'c.d' = 2\n\"e\\\"f\" = 3\n\"\" = 4\n", `"":4 "a b":1 "c.d":2 "e\"f":3`},
		{"quoted bare key", "[\"log\"]\n'level' = 1\n", "log:1 log.level:2"},
		{"escaped bare key", "\"l\\u006fg\" = 1\n\"\\x61\" = 2\n", "a:2 log:1"},
		{"dotted quoted key", "a.\"b.c\".d = 1\n", `a:1 a."b.c":1 a."b.c".d:1`},
		{"multi-line string", "a = \"\"\"\n[x]\nb = 2\n\"\"\"\nc = 3\n", "a:1 c:5"},
		{"multi-line string with quotes", "a = \"\"\"x\"\" \\\"\"\"\"\"\"\nc = 3\n", "a:1 c:2"},
		{"multi-line string with folded lines", "a = \"\"\"x \\\n  y\\\n\"\"\"\nc = 3\n", "a:1 c:4"},
		{"multi-line literal", "a = '''\n\\'''\nc = 3\n'", "a:1 c:3"},
		{"literal with backslash", "a = 'x\\'\nb = 1\n", "a:1 b:2"},
		{"hash in string", "a = \"# \\\" #\" # b = 1\nc = '#'\n", "a:1 c:2"},
		{"array", "a = [1, 2]\nb = []\n", "a:1 a[0]:1 a[1]:1 b:2"},
		{"array over lines", "a = [ # one\n  1, # ]\n\n  \"]\",\n  ]\nb = 1\n", "a:1 a[0]:2 a[1]:4 b:6"},
		{"nested arrays", "a = [[1],\n[2, 3]]\n", "a:1 a[0]:1 a[0][0]:1 a[1]:2 a[1][0]:2 a[1][1]:2"},
		{"inline table", "a = { b = 1, c.d = 2, \"e\" = {} }\n", "a:1 a.b:1 a.c:1 a.c.d:1 a.e:1"},
		{"inline table over lines", "a = {\n  b = 1,\n  c = 2,\n}\nd = 1\n", "a:1 a.b:2 a.c:3 d:5"},
		{"array of inline tables", "n = [ {a = 1},\n {a = 2} ]\n", "n:1 n[0]:1 n[0].a:1 n[1]:2 n[1].a:2"},
		{"date with a space", "a = 1979-05-27 07:32:00Z # x\nb = [1979-05-27 07:32:00]\n", "a:1 b:2 b[0]:2"},
		{"floats", "a = 1.5\nb = inf\nc = -1e-3\n", "a:1 b:2 c:3"},

		{"unclosed header", "a = 1\n[b\nc = 1\n", "a:1"},
		{"unclosed string", "a = \"x\nb = 1\n", "a:1"},
		{"unclosed literal", "a = 'x\nb = 1\n", "a:1"},
		{"unclosed multi-line string", "a = '''x\nb = 1\n", "a:1"},
		{"unclosed array", "a = [1,\nb = 2\n", "a:1 a[0]:1 a[1]:2"},
		{"no value", "a =\nb = 1\n", "a:1"},
		{"no equals sign", "a 1\n", ""},
		{"two on a line", "a = 1 b = 2\nc = 3\n", "a:1 c:2"}, // the library refuses it
		{"header and key on a line", "[a] b = 1\nc = 1\n", "a:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := dump(locate([]byte(tt.text))); got != tt.want {
				t.Errorf("locate(%q)\n got %s\nwant %s", tt.text, got, tt.want)
			}
		})
	}
}

func dump(p positions) string {
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(p.lines)) {
		parts = append(parts, fmt.Sprintf("%s:%d", id, p.lines[id]))
	}
	return strings.Join(parts, " ")
}

func TestLocateDepth(t *testing.T) {
	deep := strings.Repeat("a.", maxNesting) + "a = 1\n"
	for _, text := range []string{deep, "[" + strings.TrimSuffix(deep, " = 1\n") + "]\n",
		"a = " + strings.Repeat("[", maxNesting+1), "a = " + strings.Repeat("{a = ", maxNesting+1)} {
		if p := locate([]byte("# first\n" + text)); p.tooDeep != 2 {
			t.Errorf("locate(%q): tooDeep = %d, want 2", text, p.tooDeep)
		}
	}
	if p := locate([]byte(strings.Repeat("a.", maxNesting-1) + "a = 1\n")); p.tooDeep != 0 {
		t.Errorf("tooDeep = %d for what is allowed", p.tooDeep)
	}
}

func TestLineOfMissing(t *testing.T) {
	p := locate([]byte("[log]\nlevel = 1\n\n[[network]]\n[[network]]\n\"o.[p\" = {}\n"))
	network := path{}.key("network").index(1)
	tests := []struct {
		at   path
		want int
	}{
		{path{}, 1},
		{path{}.key("database").key("path"), 1},
		{path{}.key("log").key("format"), 1},
		{path{}.key("log").key("level").key("x"), 2},
		{network.key("driver"), 5},
		{network.key("allow").index(3), 5},
		{network.key("o.[p").key("x"), 6},
		{network.key("o.[p").key(`"`), 6},
		{network.key("o.[p").key(`\`).index(0), 6},
		{network.key("o.[q"), 5},
	}
	for _, tt := range tests {
		if got := p.line(tt.at); got != tt.want {
			t.Errorf("line of %s = %d, want %d", tt.at.id, got, tt.want)
		}
	}
}

// FuzzLocate compares locate with the TOML library: every value that the library finds in
// a valid document must have a line.
func FuzzLocate(f *testing.F) {
	for _, seed := range []string{
		"", "a = 1", "[a]\nb = [1, {c = 2}]\n", "[[n]]\n[n.o]\na = 1\n[[n]]\n", "a.b = {c = \"\"\"\n\"\"\"}\n",
		"\"\\u0061\" = '''x'''\n", "[[a.b]]\n[a.b.c]\n", "x = [[\n1],\n]\n# [y]\n", "\"\\\"[0]\" = []\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := locate(data)
		lines := strings.Count(string(data), "\n") + 1
		for id, line := range p.lines {
			if line < 1 || line > lines {
				t.Errorf("%s on line %d of %d", id, line, lines)
			}
		}
		if p.tooDeep > 0 || len(data) > 1<<12 {
			return
		}
		var values map[string]any
		if _, err := toml.Decode(string(data), &values); err == nil {
			requirePlaces(t, p, path{}, values)
		}
	})
}

func requirePlaces(t *testing.T, p positions, at path, value any) {
	if at.id != "" && !p.has(at) {
		t.Errorf("%s has no place", at.id)
	}
	switch v := value.(type) {
	case map[string]any:
		for key, elem := range v {
			requirePlaces(t, p, at.key(key), elem)
		}
	case []map[string]any:
		for i, elem := range v {
			requirePlaces(t, p, at.index(i), elem)
		}
	case []any:
		for i, elem := range v {
			requirePlaces(t, p, at.index(i), elem)
		}
	}
}
