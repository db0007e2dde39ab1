// Package rawjson writes and bends JSON byte for byte: what simulators send must
// be able to hold texts that no JSON library would write.
package rawjson

import (
	"encoding/binary"
	"unicode/utf8"
)

// AppendString appends a JSON string. Bytes that are no UTF-8 stay as they are,
// but for the three bytes of a surrogate, which become its escape.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, uint16(c))
		case c == 0xed && isSurrogate(s[i:]):
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, 0xd000|uint16(s[i+1]&0x3f)<<6|uint16(s[i+2]&0x3f))
			i += 2
		default:
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
			continue
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// isSurrogate reports whether s begins with a surrogate in the three bytes that
// UTF-8 would give it if it allowed surrogates.
func isSurrogate(s string) bool {
	return len(s) >= 3 && s[1] >= 0xa0 && s[1] <= 0xbf && s[2]&0xc0 == 0x80
}

func appendEscape(dst []byte, unit uint16) []byte {
	const digits = "0123456789abcdef"
	raw := binary.BigEndian.AppendUint16(nil, unit)
	return append(dst, '\\', 'u', digits[raw[0]>>4], digits[raw[0]&15], digits[raw[1]>>4], digits[raw[1]&15])
}
