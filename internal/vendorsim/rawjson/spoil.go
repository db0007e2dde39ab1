package rawjson

import (
	"bytes"
	"strings"
)

// outsideStrings copies JSON and lets change replace what begins at a byte
// outside of every string: it returns what stands there instead and how many
// bytes that takes the place of, 0 for none.
func outsideStrings(body []byte, change func(rest []byte) (instead []byte, length int)) []byte {
	out := make([]byte, 0, 2*len(body))
	inside := false
	for i := 0; i < len(body); {
		c := body[i]
		if inside && c == '\\' && i+1 < len(body) {
			out = append(out, c, body[i+1])
			i += 2
			continue
		}
		if c == '"' {
			inside = !inside
		} else if !inside {
			if instead, n := change(body[i:]); n > 0 {
				out = append(out, instead...)
				i += n
				continue
			}
		}
		out = append(out, c)
		i++
	}
	return out
}

// QuoteNumbers makes every number of a JSON text a string.
func QuoteNumbers(body []byte) []byte {
	return outsideStrings(body, func(rest []byte) ([]byte, int) {
		n := 0
		for n < len(rest) && strings.IndexByte("-0123456789", rest[n]) >= 0 {
			n++
		}
		return []byte(`"` + string(rest[:n]) + `"`), n
	})
}

// The fields have names that sort among the documented ones.
const unknownFields = `"corp_full_name":"示例","limits":{"max":500,"tags":["a",1,null]},"muted":false`

// AddFields gives every object of a JSON text fields that no document knows.
func AddFields(body []byte) []byte {
	return outsideStrings(body, func(rest []byte) ([]byte, int) {
		switch {
		case bytes.HasPrefix(rest, []byte(`{"`)):
			return []byte("{" + unknownFields + ","), 1
		case bytes.HasPrefix(rest, []byte("{}")):
			return []byte("{" + unknownFields + "}"), 2
		}
		return nil, 0
	})
}
