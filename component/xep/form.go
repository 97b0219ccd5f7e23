package xep

import (
	"strings"

	"transport/component/element"
)

// NewForm starts a data form of type form, submit or result. title and
// instructions may be empty. (XEP-0004 §3.1)
func NewForm(typ, formType, title, instructions string) *element.Element {
	x := element.New(NSDataForm, "x").Set("type", typ)
	if title != "" {
		x.Add(element.New(NSDataForm, "title").AddText(title))
	}
	for line := range strings.SplitSeq(instructions, "\n") { // no newlines in one (§3.1)
		if line != "" {
			x.Add(element.New(NSDataForm, "instructions").AddText(line))
		}
	}
	if formType != "" {
		x.Add(NewField("FORM_TYPE", "hidden", "", formType))
	}
	return x
}

// NewField is a field of a form. (XEP-0004 §3.2, §3.3)
func NewField(name, typ, label string, values ...string) *element.Element {
	f := element.New(NSDataForm, "field")
	if name != "" {
		f.Set("var", name)
	}
	if typ != "" {
		f.Set("type", typ)
	}
	if label != "" {
		f.Set("label", label)
	}
	for _, v := range values {
		f.Add(element.New(NSDataForm, "value").AddText(v))
	}
	return f
}

// Required marks a field as such.
func Required(field *element.Element) *element.Element {
	return field.Add(element.New(NSDataForm, "required"))
}

// Option adds a choice to a list field.
func Option(field *element.Element, label, value string) *element.Element {
	return field.Add(element.New(NSDataForm, "option").Set("label", label).
		Add(element.New(NSDataForm, "value").AddText(value)))
}

// Reported starts the table of a result form; each column is a name and a label.
// (XEP-0004 §3.4)
func Reported(columns ...[2]string) *element.Element {
	r := element.New(NSDataForm, "reported")
	for _, c := range columns {
		r.Add(NewField(c[0], "text-single", c[1]))
	}
	return r
}

// Item is a row of the table.
func Item(columns [][2]string, values ...string) *element.Element {
	item := element.New(NSDataForm, "item")
	for i, c := range columns {
		item.Add(NewField(c[0], "", "", values[i]))
	}
	return item
}

// Answers are the values of a submitted form, by field name. They are not checked: a field
// may have no value or several, and any content.
type Answers map[string][]string

// Values returns the values of a submitted form; form may be nil.
func Values(form *element.Element) Answers {
	values := make(Answers)
	if form == nil {
		return values
	}
	for f := range form.Children(NSDataForm, "field") {
		name := f.Attr("var")
		for v := range f.Children(NSDataForm, "value") {
			values[name] = append(values[name], v.Text())
		}
	}
	return values
}

// First returns the first value of a field, "" if it has none.
func (a Answers) First(field string) string {
	if len(a[field]) == 0 {
		return ""
	}
	return a[field][0]
}

// Lines returns the lines of some text-multi or jid-multi fields without spaces around
// them, and without empty lines. Clients send several lines as one value or as several.
func (a Answers) Lines(fields ...string) []string {
	var lines []string
	for _, name := range fields {
		for _, v := range a[name] {
			for line := range strings.Lines(v) {
				if line = strings.TrimSpace(line); line != "" {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

// Joined returns the values of each field as one text.
func (a Answers) Joined() map[string]string {
	all := make(map[string]string, len(a))
	for name, v := range a {
		all[name] = strings.Join(v, "\n")
	}
	return all
}

// refilled are the field types that keep their values when a form is shown again: those
// without secrets.
var refilled = map[string]bool{"text-single": true, "boolean": true, "list-single": true, "list-multi": true, "jid-single": true, "jid-multi": true}

// Corrected returns a form to be shown again, with the entered values and a complaint: in
// the first line of the instructions, which every client shows, and at the invalid field,
// "" for none in particular.
func Corrected(form *element.Element, entered Answers, why, field string) *element.Element {
	again := element.New(NSDataForm, "x").Set("type", form.Attr("type"))
	if title := form.Child(NSDataForm, "title"); title != nil {
		again.Add(title)
	}
	for line := range strings.SplitSeq(why, "\n") {
		again.Add(element.New(NSDataForm, "instructions").AddText(line))
	}
	for e := range form.Elements() {
		switch {
		case e.Name == "title":
		case e.Name != "field":
			again.Add(e)
		default:
			again.Add(correctedField(e, entered, why, e.Attr("var") == field))
		}
	}
	return again
}

// correctedField returns a field of such a form. marked is set for the invalid field.
func correctedField(f *element.Element, entered Answers, why string, marked bool) *element.Element {
	values, given := entered[f.Attr("var")]
	given = given && refilled[f.Attr("type")]
	again := NewField(f.Attr("var"), f.Attr("type"), f.Attr("label"))
	if marked {
		again.Set("label", "⚠ "+f.Attr("label"))
		if about := f.ChildText(NSDataForm, "desc"); about != "" {
			why += "\n" + about
		}
		again.Add(element.New(NSDataForm, "desc").AddText(why))
	}
	for e := range f.Elements() {
		if e.Name == "value" && given || e.Name == "desc" && marked {
			continue
		}
		again.Add(e)
	}
	if given {
		for _, v := range values {
			again.Add(element.New(NSDataForm, "value").AddText(v))
		}
	}
	return again
}

// IsTrue reads the value of a boolean field. (XEP-0004 §3.3)
func IsTrue(value string) bool { return value == "1" || value == "true" }
