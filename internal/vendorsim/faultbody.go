package vendorsim

import (
	"bytes"
	"compress/gzip"
	"math"
	"net/http"
	"strings"
)

// makeHuge fills a good answer up with a field of that size. It is made once.
func makeHuge(p *faultParams) func() strike {
	size := p.count("bytes", 64<<20, 1, math.MaxInt32, "how long, once it is unpacked")
	packed := p.choice("as", "how it is sent", "plain", "gzip") == "gzip"
	return func() strike {
		var answer *Answer
		return func(_ *Sim, _ *call, v *Verdict) {
			if answer == nil {
				answer = hugeAnswer(size, packed)
			}
			v.answer(*answer)
		}
	}
}

func hugeAnswer(size int, packed bool) *Answer {
	head, tail := `{"errcode":0,"errmsg":"ok","padding":"`, `"}`
	if !packed {
		body := make([]byte, 0, len(head)+size+len(tail))
		body = append(body, head...)
		body = append(body, bytes.Repeat([]byte{'0'}, size)...)
		return &Answer{Body: append(body, tail...)}
	}
	var body bytes.Buffer
	w, _ := gzip.NewWriterLevel(&body, gzip.BestSpeed) // the level is one of its own
	block := []byte(strings.Repeat("0", 1<<16))
	_, _ = w.Write([]byte(head)) // to memory
	for left := size; left > 0; left -= len(block) {
		_, _ = w.Write(block[:min(left, len(block))])
	}
	_, _ = w.Write([]byte(tail))
	_ = w.Close()
	return &Answer{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: body.Bytes()}
}

// badTexts are put before texts, as they stand in JSON.
var badTexts = map[string]string{
	"nul":       `\u0000`,
	"bare-nul":  "\x00", // no JSON either
	"surrogate": `\ud83d`,
	"utf8":      "\xff\xfe\xf0\x9f\x98",
}

// makeBadText spoils names in details, and an unknown field in each listed row:
// rows have no text but their id.
func makeBadText(p *faultParams) func() strike {
	bad := badTexts[p.choice("text", "what they begin with", "nul", "bare-nul", "surrogate", "utf8")]
	return editBytes(func(body []byte) []byte {
		for _, name := range []string{`"name":"`, `"group_nickname":"`} {
			body = bytes.ReplaceAll(body, []byte(name), []byte(name+bad))
		}
		if bytes.Contains(body, []byte(`"group_chat_list"`)) {
			body = bytes.ReplaceAll(body, []byte(`{"chat_id":`), []byte(`{"remark":"`+bad+`","chat_id":`))
		}
		return body
	})
}

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

func withQuotedNumbers(body []byte) []byte {
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

func withUnknownFields(body []byte) []byte {
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
