package lenient

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// replacement stands where something was that PostgreSQL refuses.
const replacement = "\uFFFD"

// Clean returns s as PostgreSQL accepts it: what is not UTF-8 and every NUL
// become U+FFFD.
func Clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, replacement)
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", replacement)
	}
	return s
}

// idBytesMax is far above any vendor's ids and below what a PostgreSQL index
// entry holds.
const idBytesMax = 256

// IsID reports whether a clean text can be an id. One that lost bytes to [Clean]
// cannot be sent back, and could equal another one.
func IsID(s string) bool {
	return s != "" && len(s) <= idBytesMax && !strings.Contains(s, replacement)
}

// Bounds of what is kept as JSON in an extra; what goes beyond becomes a string.
// PostgreSQL's numeric ends at 131072 digits, and its JSON reader at the depth
// of its stack.
const (
	numberBytesMax = 64
	exponentMax    = 1000
	depthMax       = 32
)

// Member is a named value that belongs into an extra.
type Member struct {
	Name  string
	Value jsontext.Value
}

// Extra makes one JSON object of the members a struct did not know (the field
// tagged embed) and some more, or nil when there are none. Members without a
// value are left out. The text is canonical (sorted names, no blanks), so equal
// content is equal bytes, and PostgreSQL takes it as jsonb.
func Extra(unknown jsontext.Value, more ...Member) []byte {
	var members []Member
	if len(unknown) > 0 {
		members = membersOf(unknown, 0)
	}
	for _, m := range more {
		if len(m.Value) > 0 {
			members = append(members, Member{Clean(m.Name), canonical(nil, m.Value, 1)})
		}
	}
	if len(members) == 0 {
		return nil
	}
	return appendObject(nil, members)
}

// Canonical returns one JSON value in the form that [Extra] gives its members.
func Canonical(value jsontext.Value) []byte { return canonical(nil, value, 1) }

// Quoted returns a text as a JSON string.
func Quoted(text string) jsontext.Value { return appendString(nil, text) }

// membersOf reads an object; its values are canonical.
func membersOf(object jsontext.Value, depth int) []Member {
	dec := jsontext.NewDecoder(bytes.NewBuffer(object), decoding)
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	var members []Member
	for dec.PeekKind() == jsontext.KindString {
		token, err := dec.ReadToken()
		if err != nil {
			return members
		}
		name := Clean(token.String())
		value, err := dec.ReadValue()
		if err != nil {
			return members
		}
		members = append(members, Member{name, canonical(nil, value, depth+1)})
	}
	return members
}

// appendObject writes the members in the order of their names. Of equal names
// the last one counts.
func appendObject(dst []byte, members []Member) []byte {
	slices.SortStableFunc(members, func(a, b Member) int { return cmp.Compare(a.Name, b.Name) })
	dst = append(dst, '{')
	for i, m := range members {
		if i+1 < len(members) && members[i+1].Name == m.Name {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = appendString(dst, m.Name)
		dst = append(dst, ':')
		dst = append(dst, m.Value...)
	}
	return append(dst, '}')
}

func canonical(dst []byte, value jsontext.Value, depth int) []byte {
	switch kind := value.Kind(); {
	case kind == jsontext.KindString:
		unquoted, _ := jsontext.AppendUnquote(nil, value)
		return appendString(dst, string(unquoted))
	case kind == jsontext.KindNumber && !storable(value):
		return appendString(dst, string(value))
	case (kind == jsontext.KindBeginObject || kind == jsontext.KindBeginArray) && depth > depthMax:
		return appendString(dst, string(value))
	case kind == jsontext.KindBeginObject:
		return appendObject(dst, membersOf(value, depth))
	case kind == jsontext.KindBeginArray:
		return appendArray(dst, value, depth)
	}
	return append(dst, bytes.TrimSpace(value)...)
}

func appendArray(dst []byte, value jsontext.Value, depth int) []byte {
	dec := jsontext.NewDecoder(bytes.NewBuffer(value), decoding)
	dst = append(dst, '[')
	if _, err := dec.ReadToken(); err != nil {
		return append(dst, ']')
	}
	for kind := dec.PeekKind(); kind != jsontext.KindEndArray && kind != jsontext.KindInvalid; kind = dec.PeekKind() {
		item, err := dec.ReadValue()
		if err != nil {
			break
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = canonical(dst, item, depth+1)
	}
	return append(dst, ']')
}

func appendString(dst []byte, s string) []byte {
	out, err := jsontext.AppendQuote(dst, Clean(s))
	if err != nil {
		return append(dst, '"', '"')
	}
	return out
}

// storable reports whether a number fits into PostgreSQL's numeric.
func storable(number jsontext.Value) bool {
	if len(number) > numberBytesMax {
		return false
	}
	at := bytes.IndexAny(number, "eE")
	if at < 0 {
		return true
	}
	exponent, err := strconv.Atoi(string(number[at+1:]))
	return err == nil && exponent >= -exponentMax && exponent <= exponentMax
}
