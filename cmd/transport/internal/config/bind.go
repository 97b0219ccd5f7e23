package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// document is a TOML document during validation. The TOML library could decode it into
// a struct, but would stop at the first wrong type and accept keys in the wrong case.
// bind reports all mistakes, with their lines.
type document struct {
	file string
	positions
	problems Problems
	bad      map[string]bool   // paths whose value could not be used, by path.id
	homes    map[string]string // the table of a key, for a hint about a misplaced key
}

// fail adds a problem with the value at a path, unless the path already has one.
func (d *document) fail(at path, format string, args ...any) {
	if !d.bad[at.id] {
		d.note(at, format, args...)
	}
}

// note adds a problem with the value at a path.
func (d *document) note(at path, format string, args ...any) {
	d.bad[at.id] = true
	d.problems = append(d.problems, problem{d.file, d.line(at), at.shown, fmt.Sprintf(format, args...)})
}

// good reports whether a path is defined and has no problem.
func (d *document) good(at path) bool { return d.has(at) && !d.bad[at.id] }

var (
	durationType    = reflect.TypeFor[time.Duration]()
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// bind stores a decoded TOML value in dst. It adds a problem for each part with a wrong
// type.
func (d *document) bind(at path, value any, dst reflect.Value) {
	if dst.Kind() == reflect.Pointer {
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		}
		d.bind(at, value, dst.Elem())
		return
	}
	switch {
	case dst.Type() == durationType:
		d.bindDuration(at, value, dst)
		return
	case reflect.PointerTo(dst.Type()).Implements(unmarshalerType):
		text, ok := value.(string)
		if !ok {
			d.wrongType(at, value, "a string in quotes")
		} else if err := dst.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			d.fail(at, "%v", err)
		}
		return
	}
	switch dst.Kind() {
	case reflect.String:
		if v, ok := value.(string); ok {
			dst.SetString(v)
		} else {
			d.wrongType(at, value, "a string in quotes")
		}
	case reflect.Bool:
		if v, ok := value.(bool); ok {
			dst.SetBool(v)
		} else {
			d.wrongType(at, value, "true or false")
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		low, high := int64(math.MinInt64)>>(64-dst.Type().Bits()), int64(math.MaxInt64)>>(64-dst.Type().Bits())
		if v, ok := d.integer(at, value, low, high); ok {
			dst.SetInt(v)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		high := int64(math.MaxInt64) // TOML has no larger numbers
		if bits := dst.Type().Bits(); bits < 64 {
			high = 1<<bits - 1
		}
		if v, ok := d.integer(at, value, 0, high); ok {
			dst.SetUint(uint64(v))
		}
	case reflect.Float32, reflect.Float64:
		switch v := value.(type) {
		case float64:
			dst.SetFloat(v)
		case int64:
			dst.SetFloat(float64(v))
		default:
			d.wrongType(at, value, "a number")
		}
	case reflect.Slice:
		d.bindSlice(at, value, dst)
	case reflect.Map:
		d.bindMap(at, value, dst)
	case reflect.Struct:
		if table, ok := value.(map[string]any); ok {
			d.bindTable(at, table, dst)
		} else {
			d.wrongType(at, value, tableAt(at))
		}
	case reflect.Interface:
		dst.Set(reflect.ValueOf(value))
	default:
		panic("transport: configuration key " + at.shown + " has a type that bind does not support")
	}
}

// bindTable stores a table in a struct.
func (d *document) bindTable(at path, table map[string]any, dst reflect.Value) {
	fields := tableFields(dst)
	allowed := make([]string, 0, len(fields))
	for name := range fields {
		allowed = append(allowed, name)
	}
	slices.Sort(allowed)
	for name, value := range table {
		if field, ok := fields[name]; ok {
			d.bind(at.key(name), value, field)
			continue
		}
		hint := ""
		if home := d.homes[name]; home != "" && home != "["+at.shown+"]" {
			hint = "; it belongs below " + home
		} else if mean := Closest(name, allowed); mean != "" {
			hint = DidYouMean(name, allowed)
			d.bad[at.key(mean).id] = true // do not report it as missing, too
		}
		if len(allowed) == 0 {
			d.fail(at.key(name), "unknown key%s (no keys are allowed here)", hint)
		} else {
			d.fail(at.key(name), "unknown key%s (allowed: %s)", hint, strings.Join(allowed, ", "))
		}
	}
}

// tableFields returns a struct's fields by key, including those of embedded structs.
func tableFields(s reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value)
	for i := range s.NumField() {
		f := s.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			for name, field := range tableFields(s.Field(i)) {
				fields[name] = field
			}
		case name == "":
			fields[strings.ToLower(f.Name)] = s.Field(i)
		default:
			fields[name] = s.Field(i)
		}
	}
	return fields
}

func (d *document) bindSlice(at path, value any, dst reflect.Value) {
	var elems []any
	switch v := value.(type) {
	case []any:
		elems = v
	case []map[string]any:
		for _, table := range v {
			elems = append(elems, table)
		}
	default:
		if dst.Type().Elem().Kind() == reflect.Struct {
			d.wrongType(at, value, fmt.Sprintf("an array of tables: write [[%s]], in double brackets", at.shown))
		} else {
			d.wrongType(at, value, `an array, such as ["first", "second"]`)
		}
		return
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(elems), len(elems)))
	for i, elem := range elems {
		d.bind(at.index(i), elem, dst.Index(i))
	}
}

func (d *document) bindMap(at path, value any, dst reflect.Value) {
	table, ok := value.(map[string]any)
	if !ok {
		d.wrongType(at, value, tableAt(at))
		return
	}
	dst.Set(reflect.MakeMap(dst.Type()))
	for name, v := range table {
		elem := reflect.New(dst.Type().Elem()).Elem()
		d.bind(at.key(name), v, elem)
		dst.SetMapIndex(reflect.ValueOf(name).Convert(dst.Type().Key()), elem)
	}
}

func (d *document) bindDuration(at path, value any, dst reflect.Value) {
	text, ok := value.(string)
	if !ok {
		d.wrongType(at, value, `a duration in quotes, such as "30s" or "5m"`)
		return
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		d.fail(at, `%s is not a duration, such as "30s" or "5m"`, Quote(text))
		return
	}
	dst.SetInt(int64(v))
}

func (d *document) integer(at path, value any, low, high int64) (int64, bool) {
	v, ok := value.(int64)
	switch {
	case !ok:
		d.wrongType(at, value, "an integer")
	case v < low || v > high:
		d.fail(at, "%d is out of range (allowed: %d to %d)", v, low, high)
	default:
		return v, true
	}
	return 0, false
}

// wrongType adds a problem about a wrong TOML type. It does not quote the value, which
// may be a secret.
func (d *document) wrongType(at path, value any, want string) {
	d.fail(at, "is %s, must be %s", tomlType(value), want)
}

// tableAt describes how to write a table at a path.
func tableAt(at path) string {
	if strings.HasSuffix(at.id, "]") {
		return "a table"
	}
	return fmt.Sprintf("a table: write [%s] before its keys", at.shown)
}

// tomlType returns TOML's name of a decoded value's type.
func tomlType(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "an array of tables"
	}
	return "an array"
}
