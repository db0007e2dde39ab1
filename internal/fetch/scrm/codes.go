package scrm

import (
	"strconv"

	"syncd/internal/fetch"
)

// The codes that change what is sent next.
const (
	codeSignature = "1002"
	codeClock     = "1003"
)

// remedies.
const (
	fixSigning = "check app_id and app_key, and scrm.sign"
	fixClock   = "set this machine's clock; a signature with the time that the vendor's answers tell was refused, too"
	fixParams  = "check user_ids, tag_group_ids, condition_op and page_size of the stream"
	fixTotals  = "ask the vendor why totalCount is not the length of its list"
	fixUnknown = "the code is unknown to syncd: ask the vendor what it means"
)

// validation is the family of codes for a parameter that is refused: 40400 to
// 40499. One of them, 40417, is known of another endpoint.
const validation = 404

// classify turns the envelope of an answer into an error, or nil for code 0. What
// is unknown is not repeated: the vendor's table of codes could not be read.
func classify(out outcome) *fetch.Error {
	if out.code == 0 {
		return nil
	}
	bad := &fetch.Error{Class: fetch.ClassUnknown, Code: strconv.FormatInt(out.code, 10), Message: out.message}
	switch {
	case bad.Code == codeSignature:
		bad.Class, bad.Remedy = fetch.ClassAuth, fixSigning
	case bad.Code == codeClock:
		bad.Class, bad.Remedy = fetch.ClassAuth, fixClock
	case out.code/100 == validation:
		bad.Class, bad.Remedy = fetch.ClassRefused, fixParams
	default:
		bad.Remedy = fixUnknown
	}
	return bad
}
