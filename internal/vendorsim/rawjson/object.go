package rawjson

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object is a JSON object whose values are kept byte for byte.
type Object map[string]jsontext.Value

var anyBytes = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// Parse reads an object; false when the text is none.
func Parse(text []byte) (Object, bool) {
	var o Object
	err := json.Unmarshal(text, &o, anyBytes)
	return o, err == nil && o != nil
}

// Text is the object with its members sorted by name.
func (o Object) Text() []byte {
	out := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(o)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(AppendString(out, name), ':')
		out = append(out, o[name]...)
	}
	return append(out, '}')
}

// List returns the elements of a member that is an array.
func (o Object) List(name string) ([]jsontext.Value, bool) {
	var rows []jsontext.Value
	err := json.Unmarshal(o[name], &rows, anyBytes)
	return rows, err == nil && rows != nil
}

// SetList makes a member an array.
func (o Object) SetList(name string, rows []jsontext.Value) {
	out := []byte{'['}
	for i, row := range rows {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, row...)
	}
	o[name] = append(out, ']')
}
