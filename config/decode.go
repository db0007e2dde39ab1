package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decoder walks the file and the structs of config.go side by side. The tags it
// reads are: key, the name in the file; of, the scopes that have the key (all
// where absent); required; min and max; oneof; bytes, the longest text; lines,
// for texts of more than one line; unset, for secrets whose variable may be unset.
//
// A scope is a vendor ("wecom"), a stream of one ("wecom/chats"), or "".
type decoder struct {
	getenv   func(string) (string, bool)
	readFile func(path string) (string, error)
	problems []Problem
	// at holds where each key of the file stands, by dotted key.
	at map[string][2]int
	// bad holds the keys that have a problem, so that later rules leave them be.
	bad map[string]bool
}

func newDecoder(getenv func(string) (string, bool), readFile func(string) (string, error)) *decoder {
	return &decoder{getenv: getenv, readFile: readFile, at: map[string][2]int{}, bad: map[string]bool{}}
}

// scopeUnknown is the scope of a source whose vendor cannot be told: what depends
// on the vendor is not looked at.
const scopeUnknown = "?"

// config decodes a whole file. Its result is meaningful only without problems.
func (d *decoder) config(data []byte) *Config {
	c := defaultConfig()
	root := parseYAML(data, func(line, col int, message string) { d.addAt(line, col, "", message) })
	if root == nil {
		return &c
	}
	if root.kind == kindNull {
		root.kind = kindMapping // an empty file has no keys, and all its problems
	}
	d.at[""] = [2]int{root.line, root.col}
	d.mapping(root, "", reflect.ValueOf(&c).Elem(), "")
	d.check(&c)
	return &c
}

func (d *decoder) addAt(line, col int, key, message string) {
	d.bad[key] = true
	d.problems = append(d.problems, Problem{Line: line, Column: col, Key: key, Message: message})
}

// add reports a problem with a key, at the key or the nearest parent the file has.
func (d *decoder) add(key, format string, args ...any) {
	at, found := d.at[key]
	for parent := key; !found && parent != ""; at, found = d.at[parent] {
		parent = parent[:max(strings.LastIndexAny(parent, ".["), 0)]
	}
	d.addAt(at[0], at[1], key, fmt.Sprintf(format, args...))
}

// field is one key that a mapping may have.
type field struct {
	key   string
	index int
	tag   reflect.StructTag
}

// fieldsOf lists the keys of struct type t in this scope, in declared order.
func fieldsOf(t reflect.Type, scope string) []field {
	var out []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		of := strings.Fields(tag.Get("of"))
		if key := tag.Get("key"); key != "" && (len(of) == 0 || scope == scopeUnknown || slices.Contains(of, scope)) {
			out = append(out, field{key: key, index: i, tag: tag})
		}
	}
	return out
}

var (
	secretType   = reflect.TypeFor[Secret]()
	scheduleType = reflect.TypeFor[Schedule]()
)

// keysOf lists what may be written in a mapping of these fields.
func keysOf(t reflect.Type, fields []field) []string {
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.key)
		if t.Field(f.index).Type == secretType {
			keys = append(keys, f.key+"_file")
		}
	}
	return keys
}

// mapping decodes n into the struct v, whose fields hold their defaults.
func (d *decoder) mapping(n *node, path string, v reflect.Value, scope string) {
	if n.kind != kindMapping {
		d.add(path, "expected a mapping of keys, got %s", n.kind)
		return
	}
	fields := fieldsOf(v.Type(), scope)
	given := d.entries(n, path, keysOf(v.Type(), fields))
	for _, f := range fields {
		key, fv := join(path, f.key), v.Field(f.index)
		if fv.Type() == secretType {
			fv.Set(reflect.ValueOf(d.secret(given, path, f)))
		} else if value := given[f.key]; value != nil {
			d.value(value, key, fv, f.tag, scope)
		} else if fv.Kind() == reflect.Struct && fv.Type() != scheduleType && scope != scopeUnknown {
			d.mapping(&node{kind: kindMapping}, key, fv, scope) // its required keys are missing
		}
		if f.tag.Get("required") != "" && empty(fv) && !d.bad[key] && !d.bad[key+"_file"] {
			or := ""
			if fv.Type() == secretType {
				or = " or " + f.key + "_file"
			}
			d.add(key, "is required and empty: set %s%s", f.key, or)
		}
	}
}

func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// entries returns the values of a mapping by key, without nulls, and reports keys
// that are unknown or written twice.
func (d *decoder) entries(n *node, path string, known []string) map[string]*node {
	given := make(map[string]*node, len(n.entries))
	first := make(map[string]int, len(n.entries))
	for _, e := range n.entries {
		key := join(path, e.key)
		switch line, twice := first[e.key]; {
		case !slices.Contains(known, e.key):
			d.unknown(e, path, known)
		case twice:
			d.addAt(e.line, e.col, key, fmt.Sprintf("is given twice, first on line %d: keep one", line))
		default:
			first[e.key], d.at[key] = e.line, [2]int{e.line, e.col}
			if e.value.kind != kindNull {
				given[e.key] = e.value
			}
		}
	}
	return given
}

var keyPattern = regexp.MustCompile(`^[a-z_]{1,40}$`)

// unknown reports a key that does not exist here. One that does not look like a
// key, or has no value, may be the end of a secret with a comma in it: it is not
// printed.
func (d *decoder) unknown(e entry, path string, known []string) {
	meant := nearest(e.key, known)
	switch {
	case meant != "":
		d.addAt(e.line, e.col, join(path, e.key), fmt.Sprintf("unknown key: did you mean %q?", meant))
	case !keyPattern.MatchString(e.key) || e.value.kind == kindNull:
		d.addAt(e.line, e.col, path, "holds a word that is no key: a text with a comma or colon in it needs quotes")
	default:
		d.addAt(e.line, e.col, join(path, e.key), "unknown key: known here are "+strings.Join(known, ", "))
	}
}

// value decodes n into v by v's type.
func (d *decoder) value(n *node, path string, v reflect.Value, tag reflect.StructTag, scope string) {
	container := v.Kind() == reflect.Struct || v.Kind() == reflect.Map
	switch target := v.Addr().Interface().(type) {
	case *[]Source:
		d.sources(n, path, target)
	case *map[string]Stream:
		d.streams(n, path, *target, scope)
	case *[]string, *[]int, *[]int64:
		d.list(n, path, v, tag, scope)
	case **int64:
		*target = new(int64)
		d.value(n, path, v.Elem(), tag, scope)
	case *Schedule, **time.Location:
		d.scalar(n, path, v, tag)
	default:
		switch {
		case container && scope == scopeUnknown:
		case container:
			d.mapping(n, path, v, scope)
		default:
			d.scalar(n, path, v, tag)
		}
	}
}

func (d *decoder) sources(n *node, path string, out *[]Source) {
	if n.kind != kindSequence {
		d.add(path, "expected a list of sources, each beginning with \"- name:\", got %s", n.kind)
		return
	}
	for i, item := range n.items {
		key := fmt.Sprintf("%s[%d]", path, i)
		d.at[key] = [2]int{item.line, item.col}
		scope := d.vendorOf(item)
		s := defaultSource(scope)
		d.mapping(item, key, reflect.ValueOf(&s).Elem(), scope)
		*out = append(*out, s)
	}
}

// vendorOf looks ahead for the vendor of a source, on which everything else in it
// depends. What is wrong with the key is reported when its turn comes.
func (d *decoder) vendorOf(n *node) string {
	for _, e := range n.entries {
		if e.key == "vendor" {
			name, _ := d.expand(e.value.text)
			if _, ok := vendors[name]; ok {
				return name
			}
		}
	}
	return scopeUnknown
}

// streams decodes the settings of streams over their defaults.
func (d *decoder) streams(n *node, path string, out map[string]Stream, vendor string) {
	if vendor == scopeUnknown {
		return
	}
	if n.kind != kindMapping {
		d.add(path, "expected a mapping of streams, got %s", n.kind)
		return
	}
	names := streamNames(vendor)
	given := d.entries(n, path, names)
	for _, name := range names {
		if settings := given[name]; settings != nil {
			st := out[name]
			d.mapping(settings, join(path, name), reflect.ValueOf(&st).Elem(), vendor+"/"+name)
			out[name] = st
		}
	}
}

// list decodes a list of scalars in place of the default one.
func (d *decoder) list(n *node, path string, v reflect.Value, tag reflect.StructTag, scope string) {
	if n.kind != kindSequence {
		d.add(path, "expected a list such as [a, b], got %s", n.kind)
		return
	}
	v.SetZero()
	seen := map[any]bool{}
	for i, item := range n.items {
		key := fmt.Sprintf("%s[%d]", path, i)
		d.at[key] = [2]int{item.line, item.col}
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(item, key, element, tag, scope)
		switch {
		case d.bad[key]:
		case element.Kind() == reflect.String && element.Len() == 0:
			d.add(key, "is empty: write a value or delete the item")
		case seen[element.Interface()]:
			d.add(key, "is in the list twice: keep one")
		}
		seen[element.Interface()] = true
		v.Set(reflect.Append(v, element))
	}
}

// scalar decodes one text, number, truth value, duration, schedule or zone.
func (d *decoder) scalar(n *node, path string, v reflect.Value, tag reflect.StructTag) {
	text, ok := d.text(n, path, false)
	if !ok {
		return
	}
	if n.kind == kindBool && v.Kind() == reflect.String {
		d.add(path, "expected text, got %s: put it in quotes", n.text)
		return
	}
	if message := set(v, text, tag, n.text == text); message != "" {
		d.add(path, "%s, got %s", message, quoted(n, text))
	}
}

// quoted shows a value for an error as the file has it. What a variable holds is
// not shown: it may be a secret in the wrong place.
func quoted(n *node, text string) string {
	if n.text != text {
		return "the value of " + shorten(n.text)
	}
	return strconv.Quote(shorten(n.text))
}

func shorten(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}
