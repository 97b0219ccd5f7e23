package xep

import (
	"maps"
	"slices"
	"testing"

	"transport/component/element"
)

// XEP-0004 §3.2: the values of a form, which may lack fields, repeat them, or have several
// values in one.
func TestAnswers(t *testing.T) {
	form := element.New(NSDataForm, "x").Set("type", "submit").Add(
		NewField("peer", "", "", "ann", "bob"), NewField("empty", "", ""), NewField("jids", "", "", " a@x \n\n\tb@x", "", "c@x\r\n"), NewField("jids", "", "", "d@x"))
	a := Values(form)
	for field, want := range map[string]string{"peer": "ann", "empty": "", "missing": "", "jids": " a@x \n\n\tb@x"} {
		if got := a.First(field); got != want {
			t.Errorf("the first value of %s is %q, want %q", field, got, want)
		}
	}
	if got := a.Lines("jids", "missing", "peer"); !slices.Equal(got, []string{"a@x", "b@x", "c@x", "d@x", "ann", "bob"}) {
		t.Errorf("the lines are %q", got)
	}
	if got := a.Joined(); !maps.Equal(got, map[string]string{"peer": "ann\nbob", "jids": " a@x \n\n\tb@x\n\nc@x\r\n\nd@x"}) {
		t.Errorf("joined: %q", got)
	}
	if none := Values(nil); len(none) != 0 || none.First("peer") != "" || none.Lines("peer") != nil {
		t.Errorf("no form: %v", none)
	}
}
