package lenient

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object is a nested object.
type Object[T any] struct {
	Value T
	// Set is false when the member is absent, null or no object.
	Set bool
	// Bad is the member as it came when it is something else.
	Bad jsontext.Value
}

// UnmarshalJSONFrom fails on bad syntax only.
func (o *Object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*o = Object[T]{}
	var err error
	if dec.PeekKind() != jsontext.KindBeginObject {
		o.Bad, err = readBad(dec)
		return err
	}
	err = json.UnmarshalDecode(dec, &o.Value)
	o.Set = err == nil
	return err
}

// Elements is an array. One element that cannot be read does not spoil it.
type Elements[T any] struct {
	Items []Element[T]
	// Set is false when the member is absent or no array. Null is an empty one.
	Set bool
	// Bad is the member as it came when it is something else.
	Bad jsontext.Value
}

// Element is one element of an array, read and where it stands.
type Element[T any] struct {
	Value T
	// Bad says that the element is not of the expected kind; Value is zero.
	Bad bool
	// Start and End bound it in the text that [Decode] returns, together with
	// the comma and the blanks before it: see Raw.
	Start, End int64
}

// Raw returns the element as it stands in the text that [Decode] returned.
func (e *Element[T]) Raw(text []byte) []byte { return bytes.TrimLeft(text[e.Start:e.End], ", \t\r\n") }

// UnmarshalJSONFrom fails on bad syntax only. The elements are decoded once, in
// place: their own bytes are found again by their offsets when they are wanted.
func (l *Elements[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = Elements[T]{}
	var err error
	if dec.PeekKind() != jsontext.KindBeginArray {
		l.Bad, err = readBad(dec)
		l.Set = err == nil && l.Bad == nil
		return err
	}
	if _, err = dec.ReadToken(); err != nil {
		return err
	}
	var zero T
	_, anyKind := any(&zero).(json.UnmarshalerFrom)
	begin := dec.InputOffset()
	for dec.PeekKind() != jsontext.KindEndArray {
		if n := len(l.Items); n == cap(l.Items) && n >= growBlindly {
			l.Items = slices.Grow(l.Items, room(n, dec.InputOffset()-begin, len(dec.UnreadBuffer())))
		}
		l.Items = append(l.Items, Element[T]{Start: dec.InputOffset()})
		e := &l.Items[len(l.Items)-1]
		if anyKind || dec.PeekKind() == jsontext.KindBeginObject {
			err = json.UnmarshalDecode(dec, &e.Value)
		} else {
			e.Bad, err = true, dec.SkipValue()
		}
		if err != nil {
			return err
		}
		e.End = dec.InputOffset()
	}
	l.Set = true
	_, err = dec.ReadToken()
	return err
}

const (
	// growBlindly is how many elements are taken before the rest is reckoned up.
	growBlindly = 8
	// growMax is for how many more elements room is made at once: a text can be
	// made of very small ones.
	growMax = 1000
)

// room is how many more elements fit into the rest of a text if they are like the
// n before, which took so many bytes of it; at least half as many as those.
func room(n int, taken int64, rest int) int {
	return max(min(int(int64(n)*int64(rest)/max(taken, 1))+1, growMax), n/2)
}
