package dingtalk

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/lenient"
)

// moment is an instant: Unix milliseconds, as a number or as text, or text with a
// zone, to the minute as the vendor's samples have it or finer. Absent, 0 and ""
// are none.
type moment struct {
	Value time.Time
	// Set is false when there is none, or it is unreadable.
	Set bool
	// Bad is the member as it came when it is no time.
	Bad jsontext.Value
}

// Ptr returns the instant, or nil when it is not set. It points into m.
func (m *moment) Ptr() *time.Time {
	if !m.Set {
		return nil
	}
	return &m.Value
}

// layouts are the texts that are read. What has no zone is left alone, and so is what
// was before 1970: nobody meant that.
var layouts = []string{"2006-01-02T15:04Z07:00", time.RFC3339}

// millisMax is the last millisecond of the year 9999. A greater figure is no time
// in milliseconds, and PostgreSQL need not see it.
const millisMax = 253402300799999

// UnmarshalJSONFrom fails on bad syntax only.
func (m *moment) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*m = moment{}
	raw, err := dec.ReadValue()
	if err != nil || raw.Kind() == jsontext.KindNull {
		return err
	}
	var n lenient.Int
	if err := n.UnmarshalJSONFrom(jsontext.NewDecoder(bytes.NewReader(raw), dec.Options())); err != nil {
		return err
	}
	switch {
	case n.Set && n.Value > 0 && n.Value <= millisMax:
		m.Value, m.Set = time.UnixMilli(n.Value).UTC(), true
	case n.Set && n.Value == 0, !n.Set && len(n.Bad) == 0:
	default:
		if m.Value, m.Set = parseMoment(raw); !m.Set {
			m.Bad = raw.Clone()
		}
	}
	return nil
}

func parseMoment(raw jsontext.Value) (time.Time, bool) {
	if raw.Kind() != jsontext.KindString {
		return time.Time{}, false
	}
	unquoted, _ := jsontext.AppendUnquote(nil, raw)
	text := strings.TrimSpace(string(unquoted))
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && t.UnixMilli() > 0 && t.UnixMilli() <= millisMax {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
