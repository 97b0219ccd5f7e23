package xep

import (
	"crypto/sha1" //nolint:gosec // what XEP-0115 prescribes
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"transport/component/element"
)

// The library's disco.Info hashes data forms that it does not write, so both hashes are
// computed here from the very element that is sent.

// CapsVer is the verification string of an answer to disco#info, "" for one that is ill
// formed. (XEP-0115 §5.1, §5.4)
func CapsVer(query *element.Element) string {
	identities := children(query, "identity", func(e *element.Element) string {
		return e.Attr("category") + "/" + e.Attr("type") + "/" + e.Lang() + "/" + e.Attr("name")
	})
	features := children(query, "feature", func(e *element.Element) string { return e.Attr("var") })
	forms := make(map[string]string) // by FORM_TYPE
	for x := range query.Children(NSDataForm, "x") {
		name, form, ok := verForm(x)
		if _, twice := forms[name]; twice || !ok {
			return ""
		}
		if name != "" {
			forms[name] = form
		}
	}
	if repeats(identities) || repeats(features) {
		return ""
	}
	text := ended(identities, "<") + ended(features, "<")
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		text += forms[name]
	}
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// verForm is a data form in a verification string, with its FORM_TYPE. A form without one
// is not part of it.
func verForm(x *element.Element) (name, form string, ok bool) {
	fields := make(map[string][]string)
	for f := range x.Children(NSDataForm, "field") {
		values := sortedValues(f)
		if f.Attr("var") != "FORM_TYPE" {
			fields[f.Attr("var")] = values
			continue
		}
		if len(slices.Compact(values)) != 1 {
			return "", "", false
		}
		if f.Attr("type") == "hidden" {
			name = values[0]
		}
	}
	if name == "" {
		return "", "", true
	}
	form = name + "<"
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		form += field + "<" + ended(fields[field], "<")
	}
	return name, form, true
}

// The separators of the hash input. (XEP-0390 §4.1)
const (
	unit   = "\x1f"
	record = "\x1e"
	group  = "\x1d"
	file   = "\x1c"
)

// CapsHash is the SHA-256 hash of an answer to disco#info. (XEP-0390 §4.1)
func CapsHash(query *element.Element) string {
	features := children(query, "feature", func(e *element.Element) string { return e.Attr("var") + unit })
	identities := children(query, "identity", func(e *element.Element) string {
		return e.Attr("category") + unit + e.Attr("type") + unit + e.Lang() + unit + e.Attr("name") + unit + record
	})
	var forms []string
	for x := range query.Children(NSDataForm, "x") {
		var fields []string
		for f := range x.Children(NSDataForm, "field") {
			fields = append(fields, f.Attr("var")+unit+ended(sortedValues(f), unit)+record)
		}
		slices.Sort(fields)
		forms = append(forms, strings.Join(fields, "")+group)
	}
	slices.Sort(forms)
	sum := sha256.Sum256([]byte(strings.Join(features, "") + file + strings.Join(identities, "") + file + strings.Join(forms, "") + file))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// CapsNode returns the disco#info node of a hash. (XEP-0390 §4.3)
func CapsNode(hash string) string { return NSCaps2 + "#sha-256." + hash }

// Caps are the payloads of a presence that announce both hashes of an answer to
// disco#info. node names the software. (XEP-0115 §4, XEP-0390 §5)
func Caps(node string, query *element.Element) []*element.Element {
	return []*element.Element{
		element.New(NSCaps, "c").Set("hash", "sha-1").Set("node", node).Set("ver", CapsVer(query)),
		element.New(NSCaps2, "c").Add(element.New(NSHashes, "hash").Set("algo", "sha-256").AddText(CapsHash(query))),
	}
}

// children are the children of a disco#info query with one name, written as one string
// each, in order.
func children(query *element.Element, name string, write func(*element.Element) string) []string {
	var all []string
	for e := range query.Children(NSDiscoInfo, name) {
		all = append(all, write(e))
	}
	slices.Sort(all)
	return all
}

// sortedValues are the values of a field, in order.
func sortedValues(field *element.Element) []string {
	var all []string
	for v := range field.Children(NSDataForm, "value") {
		all = append(all, v.Text())
	}
	slices.Sort(all)
	return all
}

// ended joins strings, each with a terminator. The strings are sorted without it: "a+b"
// sorts behind "a", although "+" sorts before "<".
func ended(all []string, end string) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s + end)
	}
	return b.String()
}

// repeats reports whether a sorted list has a duplicate.
func repeats(sorted []string) bool { return len(slices.Compact(slices.Clone(sorted))) != len(sorted) }
