package lenient

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Text is a string that may come as a number. It is clean in the sense of
// [Clean].
type Text struct {
	Value string
	// Set is false when the member is absent, null or unreadable.
	Set bool
	// Bad is the member as it came when it is neither text nor number.
	Bad jsontext.Value
}

// Ptr returns the value, or nil when it is not set. It points into t.
func (t *Text) Ptr() *string {
	if !t.Set {
		return nil
	}
	return &t.Value
}

// ID returns the value as the id of another record, or what stood in the place of
// one, see [IsID]; the empty text is none. The id points into t.
func (t *Text) ID() (id *string, bad jsontext.Value) {
	switch {
	case !t.Set, IsID(t.Value):
		return t.Ptr(), t.Bad
	case t.Value == "":
		return nil, nil
	}
	return nil, Quoted(t.Value)
}

// UnmarshalJSONFrom fails on bad syntax only.
func (t *Text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = Text{}
	switch dec.PeekKind() {
	case jsontext.KindString:
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		t.Value, t.Set = Clean(token.String()), true
		return nil
	case jsontext.KindNumber:
		raw, err := dec.ReadValue()
		t.Value, t.Set = string(raw), err == nil
		return err
	}
	var err error
	t.Bad, err = readBad(dec)
	return err
}

// Int is a 64-bit integer that may come as 12, "12", 12.0 or 1.2e1. Null and ""
// are not set; a fraction is unreadable.
type Int struct {
	Value int64
	// Set is false when the member is absent, empty or unreadable.
	Set bool
	// Bad is the member as it came when no integer can be made of it.
	Bad jsontext.Value
}

// Ptr returns the value, or nil when it is not set. It points into n.
func (n *Int) Ptr() *int64 {
	if !n.Set {
		return nil
	}
	return &n.Value
}

// UnmarshalJSONFrom fails on bad syntax only.
func (n *Int) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*n = Int{}
	kind := dec.PeekKind()
	if kind != jsontext.KindNumber && kind != jsontext.KindString {
		var err error
		n.Bad, err = readBad(dec)
		return err
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	text := string(raw)
	if kind == jsontext.KindString {
		unquoted, _ := jsontext.AppendUnquote(nil, raw)
		if text = strings.TrimSpace(string(unquoted)); text == "" {
			return nil
		}
	}
	if n.Value, n.Set = parseInt(text); !n.Set {
		n.Bad = raw.Clone()
	}
	return nil
}

// parseInt reads an integer, also one written as a float. From 2⁵³ on a float
// does not say which integer it means.
func parseInt(text string) (int64, bool) {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return v, true
	}
	if !strings.ContainsAny(text, ".eE") {
		return 0, false
	}
	const exact = 1 << 53
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= exact {
		return 0, false
	}
	return int64(f), true
}

// readBad takes a value of the wrong kind; nil is null.
func readBad(dec *jsontext.Decoder) (jsontext.Value, error) {
	raw, err := dec.ReadValue()
	if err != nil || raw.Kind() == jsontext.KindNull {
		return nil, err
	}
	return raw.Clone(), nil
}
