package element

import (
	"slices"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	e := New("jabber:iq:version", "query").Set("node", "a").Set("x", "1").Set("node", "b").SetLang("de").
		AddText("t").AddText("").Add(New("", "a"), nil, New("n", "b").AddText("u")).Add()
	if got, want := dump(e), `{jabber:iq:version}query node="b" x="1" {`+XMLNamespace+`}lang="de"("t" {}a() {n}b("u"))`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if e.SetLang("").Unset("x"); e.Lang() != "" || len(e.Attrs) != 1 {
		t.Errorf("attributes %v", e.Attrs)
	}
}

func TestAccess(t *testing.T) {
	e, err := Parse(`<a b='1' c='' xml:lang='en' xmlns:p='n' p:d='2'>x<b/>y<n:b xmlns:n='n'>z</n:b><c>in</c></a>`, testSpace)
	if err != nil {
		t.Fatal(err)
	}
	names := func(space, name string) (out []string) {
		for c := range e.Children(space, name) {
			out = append(out, c.Space+" "+c.Name)
		}
		return out
	}
	b, nb, c := testSpace+" b", "n b", testSpace+" c"
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"Attr", e.Attr("b"), "1"},
		{"Attr of none", e.Attr("x"), ""},
		{"Attr with a prefix", e.Attr("d"), ""},
		{"Attr lang", e.Attr("lang"), ""},
		{"Lang", e.Lang(), "en"},
		{"Text", e.Text(), "xy"},
		{"ChildText", e.ChildText("n", "b"), "z"},
		{"ChildText of none", e.ChildText("n", "c"), ""},
		{"ChildText anywhere", e.ChildText("", "c"), "in"},
		{"Count", e.Count(), 3},
		{"First", e.First().Space + " " + e.First().Name, b},
		{"Child by space", e.Child("n", "").Name, "b"},
		{"Child of none", e.Child("m", "") == nil, true},
		{"Elements", slices.Equal(names("", ""), []string{b, nb, c}), true},
		{"Children by name", slices.Equal(names("", "b"), []string{b, nb}), true},
		{"Children by space", slices.Equal(names("n", ""), []string{nb}), true},
		{"Children", slices.Equal(names(testSpace, "b"), []string{b}), true},
		{"Is", e.Is(testSpace, "a"), true},
		{"Is any space", e.Is("", "a"), true},
		{"Is any name", e.Is(testSpace, ""), true},
		{"Is another", e.Is(testSpace, "b"), false},
		{"Is elsewhere", e.Is("n", "a"), false},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.what, tt.got, tt.want)
		}
	}
	if v, ok := e.AttrOK("c"); v != "" || !ok {
		t.Error("AttrOK of an empty attribute")
	}
	if _, ok := e.AttrOK("x"); ok {
		t.Error("AttrOK of none")
	}
	for c := range e.Elements() {
		if c.Name == "c" {
			t.Error("went on after break")
		}
		if c.Space == "n" {
			break
		}
	}
}

func TestNil(t *testing.T) {
	var e *Element
	for range e.Elements() {
		t.Error("child")
	}
	if e.Attr("a") != "" || e.Lang() != "" || e.Text() != "" || e.ChildText("", "") != "" || e.Count() != 0 ||
		e.Is("", "") || e.First().Child("", "") != nil || e.Clone() != nil || e.String() != "" || e.Append(nil, "") != nil {
		t.Error("a nil element has something")
	}
	if e.Set("a", "b").SetLang("c").Unset("a").SetLang("").Add(New("", "a")).AddText("t").Respace("", "n") != nil {
		t.Error("a nil element took something")
	}
	if _, err := e.Reader().Token(); err == nil {
		t.Error("a nil element has tokens")
	}
	if New("", "a").Add(e).Count() != 0 {
		t.Error("a nil child was added")
	}
}

func TestClone(t *testing.T) {
	e := New("n", "a").Set("b", "1").AddText("t").Add(New("n", "c").Set("d", "2").AddText("u"))
	want := dump(e)
	c := e.Clone()
	if got := dump(c); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	c.Set("b", "9").First().Set("d", "9").Nodes[0].Text = "9"
	c.Nodes[0].Text = "9"
	if got := dump(e); got != want {
		t.Errorf("changed to %s", got)
	}
}

func TestRespace(t *testing.T) {
	e, err := Parse("<a><b><c xmlns='n'><d xmlns='"+testSpace+"'/></c></b></a>", testSpace)
	if err != nil {
		t.Fatal(err)
	}
	want := "<a xmlns='jabber:client'><b><c xmlns='n'><d xmlns='jabber:client'/></c></b></a>"
	if got := e.Respace(testSpace, "jabber:client").String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParse(t *testing.T) {
	for in, ok := range map[string]bool{
		"<a/>":                    true,
		" \n<a> </a>\t":           true,
		"":                        false,
		" ":                       false,
		"<a>":                     false,
		"<a/><b/>":                false,
		"<a/>x":                   false,
		"<a/><":                   false,
		"<a/></stream:stream>":    false,
		"</stream:stream>":        false,
		strings.Repeat("<a>", 65): false,
		"<a>" + strings.Repeat("x", 3<<20) + "</a>": true,
	} {
		if e, err := Parse(in, ""); (err == nil) != ok || (e != nil) != ok {
			t.Errorf("%.20q: %v, %v", in, e != nil, err)
		}
	}
}
