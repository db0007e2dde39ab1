package scrm

import (
	"fmt"
	"strconv"

	"syncd/internal/vendorsim/rawjson"
)

// The codes that public clients know, and codeTooOften, which stands beside HTTP
// 429 and is made up.
const (
	codeOK       = 0
	codeBadSign  = 1002
	codeBadTime  = 1003
	codeInvalid  = 40417
	codeTooOften = 429
	// codeNone stands for an answer that is not the simulator's own.
	codeNone = -1
)

// refusal is a code other than 0 and its message.
type refusal struct {
	code    int
	message string
}

// invalid is a parameter that breaks a rule.
func invalid(format string, args ...any) refusal {
	return refusal{codeInvalid, "parameter validation failed: " + fmt.Sprintf(format, args...)}
}

// refused is the body of an answer with an error: HTTP 200 and null data.
func refused(r refusal) []byte {
	body := append([]byte(`{"code":`), strconv.Itoa(r.code)...)
	body = append(body, `,"message":`...)
	body = rawjson.AppendString(body, r.message)
	return append(body, `,"data":null}`...)
}
