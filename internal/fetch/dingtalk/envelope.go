package dingtalk

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
)

// envelope is the body of an error. A good answer has none of it. The vendor's
// own client takes every name in two spellings, code and Code, which makes no
// difference to us.
type envelope struct {
	Code        lenient.Text                 `json:"code"`
	Message     lenient.Text                 `json:"message"`
	RequestID   lenient.Text                 `json:"requestid"`
	Description lenient.Text                 `json:"description"`
	Denied      lenient.Object[accessDenied] `json:"accessdenieddetail"`
	// Punish and Status are of the gate in front, when it bans an address.
	Punish lenient.Text `json:"punish"`
	Status lenient.Int  `json:"status"`
}

type accessDenied struct {
	Scopes lenient.Elements[lenient.Text] `json:"requiredScopes"`
}

// refused reports whether the vendor says no. Its older interfaces send a code
// with good answers, too.
func (e *envelope) refused() bool {
	return !slices.Contains([]string{"", "0", "ok", "success"}, strings.ToLower(e.Code.Value))
}

// statusPunished is in the body of an answer to a banned address.
const statusPunished = 1111

func (e *envelope) punished() bool {
	return strings.EqualFold(e.Punish.Value, "deny") || e.Status.Value == statusPunished
}

// text is what the vendor says about a refusal, with the id of the request, which
// is what its support asks for.
func (e *envelope) text() string {
	text := e.Message.Value
	if text == "" {
		text = e.Description.Value
	}
	if e.RequestID.Value != "" {
		text += " (requestid " + e.RequestID.Value + ")"
	}
	return strings.TrimSpace(text)
}

// scopes are the permission points that the vendor misses, or those that the
// endpoint needs.
func (e *envelope) scopes(endpoint string) string {
	var names []string
	for i := range e.Denied.Value.Scopes.Items {
		if name := e.Denied.Value.Scopes.Items[i].Value.Value; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return defaultScopes[endpoint]
	}
	return strings.Join(names, ", ")
}

// isPage reports whether an answer is a page for people in the place of JSON, as
// the gate sends to a banned address. One of a gateway that is down says so by
// its status, and a wrong path by its own.
func isPage(a fetch.Answer) bool {
	switch s := a.Status; {
	case s/100 == 2, s == http.StatusForbidden, s == http.StatusMethodNotAllowed, s == http.StatusTooManyRequests:
		return bytes.HasPrefix(bytes.TrimLeft(a.Body, "\xEF\xBB\xBF \t\r\n"), []byte("<"))
	}
	return false
}

// banned is the error for an address that the vendor does not listen to.
func banned() *fetch.Error {
	return &fetch.Error{
		Class: fetch.ClassThrottled, Code: codeBanned, Scope: fetch.ScopeHost, RetryAfter: banRest,
		Message: "the vendor seems to ban this machine's address for some minutes", Remedy: fixBan,
	}
}

// malformed is an answer in JSON that does not hold what it must.
func malformed(message string) *fetch.Error {
	return &fetch.Error{Class: fetch.ClassMalformed, Code: "body", Message: message}
}

// truth is a boolean that may come as text.
type truth struct {
	Value bool
	// Set is false when the member is absent, null or unreadable.
	Set bool
	// Bad says that it is something else.
	Bad bool
}

// UnmarshalJSONFrom fails on bad syntax only.
func (f *truth) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*f = truth{}
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "true":
		f.Value, f.Set = true, true
	case "false":
		f.Set = true
	case "null":
	default:
		f.Bad = true
	}
	return nil
}
