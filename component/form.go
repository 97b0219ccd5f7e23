package component

import (
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// formTypes maps field types to those of data forms. (XEP-0004 §3.3)
var formTypes = map[legacy.FieldType]string{
	legacy.FieldText: "text-single", legacy.FieldSecret: "text-private", legacy.FieldBool: "boolean",
	legacy.FieldList: "list-single", legacy.FieldLines: "text-multi", legacy.FieldSecretLines: "text-multi",
}

// sameAnswer reports whether an answer equals the value that the form showed.
func sameAnswer(f legacy.Field, shown, answer string) bool {
	switch {
	case f.Type == legacy.FieldBool:
		return xep.IsTrue(shown) == xep.IsTrue(answer)
	case isSecret(f):
		return shown == answer
	}
	return strings.TrimSpace(shown) == strings.TrimSpace(answer)
}

// isSecret reports whether the value of a field is never shown.
func isSecret(f legacy.Field) bool {
	return f.Type == legacy.FieldSecret || f.Type == legacy.FieldSecretLines
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// formField returns a form field with a value. (XEP-0004 §3.2)
func formField(f legacy.Field, value string) *element.Element {
	var values []string
	switch {
	case isSecret(f):
	case f.Type == legacy.FieldLines:
		values = strings.Split(strings.TrimRight(value, "\n"), "\n")
	default:
		values = []string{value}
	}
	if len(values) == 1 && values[0] == "" {
		values = nil
	}
	e := xep.NewField(f.Var, formTypes[f.Type], f.Label, values...)
	if f.Desc != "" {
		e.Add(element.New(xep.NSDataForm, "desc").AddText(f.Desc))
	}
	if f.Required {
		xep.Required(e)
	}
	for _, o := range f.Options {
		xep.Option(e, o.Label, o.Value)
	}
	return e
}

// fieldValue returns the submitted value of a field. Clients send several lines as one
// value or as several.
func fieldValue(f legacy.Field, given []string) string {
	switch f.Type {
	case legacy.FieldLines, legacy.FieldSecretLines:
		return body.Clean(strings.TrimSpace(strings.Join(given, "\n")))
	case legacy.FieldBool:
		return boolText(len(given) > 0 && xep.IsTrue(given[0]))
	}
	if len(given) == 0 {
		return ""
	}
	return body.Clean(strings.TrimSpace(given[0]))
}

// firstOf returns the first value of a field, "" if there is none.
func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
