// Package lenient reads the JSON of vendors, who send numbers as strings, bytes
// that are no UTF-8, names in another case and members nobody announced.
//
// A field that cannot be read never fails the answer it stands in: its value
// lands in Bad, byte for byte, and the caller decides. Whatever text or JSON
// leaves this package is accepted by PostgreSQL: valid UTF-8, no NUL, no lone
// surrogate, no number beyond numeric.
//
// Structs to decode into are made of [Text], [Int], [Object] and [Elements],
// with a field `Extra jsontext.Value` tagged `json:",embed"` for the rest.
// It knows no vendor.
package lenient

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrNotJSON is what [Decode] returns for a body that is not one JSON object:
// the page of a gateway, an answer cut short.
var ErrNotJSON = errors.New("not a JSON object")

// decoding accepts what one bad byte of a vendor must not turn into an outage.
var decoding = json.JoinOptions(
	jsontext.AllowInvalidUTF8(true),
	jsontext.AllowDuplicateNames(true),
	json.MatchCaseInsensitiveNames(true),
)

var utf8BOM = []byte("\xEF\xBB\xBF")

// Decode reads one JSON object into a T, a struct, and returns it with the text
// it was read from, into which the offsets of [Element] point. That is body
// itself, but for a byte order mark and for control characters that stood bare
// in a string: these are escaped first. The text shares memory with body.
//
// Of a name that comes twice the last value counts.
func Decode[T any](body []byte) (T, []byte, error) {
	var out T
	text := bytes.TrimPrefix(body, utf8BOM)
	err := json.Unmarshal(text, &out, decoding)
	if err == nil && isObject(text) {
		return out, text, nil
	}
	var again T
	if repaired, changed := escapeControls(text); changed && isObject(text) {
		if json.Unmarshal(repaired, &again, decoding) == nil {
			return again, repaired, nil
		}
	}
	return again, text, ErrNotJSON
}

// isObject is false for null, which any struct accepts.
func isObject(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == '{'
}

// escapeControls writes control characters inside strings as \u00XX.
func escapeControls(text []byte) (repaired []byte, changed bool) {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(text)+64)
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inString = !inString
			out = append(out, c)
		case inString && c == '\\' && i+1 < len(text) && text[i+1] >= ' ':
			i++
			out = append(out, c, text[i])
		case inString && c < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			changed = true
		default:
			out = append(out, c)
		}
	}
	return out, changed
}
