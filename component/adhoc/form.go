package adhoc

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"transport/component/element"
	"transport/component/xep"
)

// Data forms as text, and text as the answers to their fields. (XEP-0004)

// readAnswer parses a written answer to a field, or returns what is wrong with it.
func readAnswer(f *element.Element, text string) (values []string, why string) {
	switch f.Attr("type") {
	case "text-multi", "jid-multi":
		return strings.Split(text, "\n"), ""
	case "boolean":
		switch strings.ToLower(text) {
		case "yes", "on", "true", "1":
			return []string{"true"}, ""
		case "no", "off", "false", "0":
			return []string{"false"}, ""
		}
		return nil, "Write yes or no."
	case "list-single":
		for o := range f.Children(xep.NSDataForm, "option") {
			if value := o.ChildText(xep.NSDataForm, "value"); strings.EqualFold(value, text) || strings.EqualFold(o.Attr("label"), text) {
				return []string{value}, ""
			}
		}
		return nil, "Choose one of: " + strings.Join(choices(f), ", ") + "."
	}
	return []string{text}, ""
}

// question returns the question for a field.
func question(f *element.Element) string {
	text := f.Attr("label") + "?"
	if about := f.ChildText(xep.NSDataForm, "desc"); about != "" {
		text += " " + about
	}
	if all := choices(f); len(all) > 0 {
		text += " One of: " + strings.Join(all, ", ") + "."
	}
	if f.Attr("type") == "text-multi" {
		text += " Write all lines in one message."
	}
	return text + "\nWrite your answer, or cancel to stop."
}

// instructions returns the instructions of a form.
func instructions(form *element.Element) string {
	var lines []string
	for e := range form.Children(xep.NSDataForm, "instructions") {
		lines = append(lines, e.Text())
	}
	return strings.Join(lines, "\n")
}

func choices(f *element.Element) []string {
	var all []string
	for o := range f.Children(xep.NSDataForm, "option") {
		all = append(all, cmp.Or(o.ChildText(xep.NSDataForm, "value"), o.Attr("label")))
	}
	return all
}

func isPrivate(f *element.Element) bool { return f.Attr("type") == "text-private" }

func isRequired(f *element.Element) bool { return f.Child(xep.NSDataForm, "required") != nil }

// requiresAnswers reports whether a form has a required field.
func requiresAnswers(form *element.Element) bool {
	for f := range form.Children(xep.NSDataForm, "field") {
		if isRequired(f) {
			return true
		}
	}
	return false
}

// answerable returns the input fields of a form.
func answerable(form *element.Element) []*element.Element {
	var all []*element.Element
	for f := range form.Children(xep.NSDataForm, "field") {
		if typ := f.Attr("type"); typ != "hidden" && typ != "fixed" {
			all = append(all, f)
		}
	}
	return all
}

func fieldOf(fields []*element.Element, name string) *element.Element {
	i := slices.IndexFunc(fields, func(f *element.Element) bool { return f.Attr("var") == name })
	if i < 0 || name == "" {
		return nil
	}
	return fields[i]
}

// formText returns a form as text: its instructions, and its fields with their values,
// secrets excepted.
func formText(form *element.Element) string {
	var lines []string
	for e := range form.Elements() {
		switch {
		case e.Name == "instructions":
			lines = append(lines, e.Text())
		case e.Name == "item":
			var cells []string
			for f := range e.Children(xep.NSDataForm, "field") {
				if v := f.ChildText(xep.NSDataForm, "value"); v != "" {
					cells = append(cells, v)
				}
			}
			lines = append(lines, strings.Join(cells, ", "))
		case e.Name != "field" || e.Attr("type") == "hidden":
		case e.Attr("type") == "fixed":
			lines = append(lines, valueText(e))
		case form.Attr("type") == "form":
			lines = append(lines, e.Attr("var")+" = "+valueText(e)+": "+e.Attr("label"))
		default:
			lines = append(lines, e.Attr("label")+": "+valueText(e))
		}
	}
	return strings.Join(lines, "\n")
}

func valueText(f *element.Element) string {
	var values []string
	for v := range f.Children(xep.NSDataForm, "value") {
		values = append(values, v.Text())
	}
	text := strings.Join(values, ", ")
	switch {
	case isPrivate(f):
		return "(not shown)"
	case f.Attr("type") != "boolean":
		return text
	case xep.IsTrue(text):
		return "yes"
	}
	return "no"
}

// maxLines is the most lines of a table that is sent as text.
const maxLines = 100 // limit: lines of a table that is sent as text | "… and N more"

func truncateLines(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) <= maxLines {
		return text
	}
	return strings.Join(lines[:maxLines], "\n") + "\n… and " + strconv.Itoa(len(lines)-maxLines) + " more."
}
