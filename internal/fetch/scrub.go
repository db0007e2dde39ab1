package fetch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// tokensKept is how many rotating secrets a [Scrubber] remembers: an old token
// can turn up in a late answer.
const tokensKept = 80

// textBytesMax is what is left of a long text.
const textBytesMax = 400

const mask = "***"

// Scrubber replaces the secrets it knows by ***, in the forms in which they
// travel: as they are, escaped for a query, for a path, for JSON and for a Go
// string. It is safe for concurrent use.
type Scrubber struct {
	mu sync.Mutex
	// Functions, because fmt prints the strings of a struct that it meets with
	// a verb that does not fit, and asks no Format method then.
	fixed  []func() string
	tokens []func() string

	replacer atomic.Pointer[strings.Replacer]
	// holds tells whether a text holds any form of a secret.
	holds atomic.Pointer[func(text []byte) bool]
}

// NewScrubber returns a scrubber that never forgets the given secrets. Empty
// ones are ignored.
func NewScrubber(secrets ...string) *Scrubber {
	s := &Scrubber{}
	s.Keep(secrets...)
	return s
}

// Keep makes the scrubber know secrets that it must not forget.
func (s *Scrubber) Keep(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make(map[string]bool, len(s.fixed))
	for _, secret := range s.fixed {
		known[secret()] = true
	}
	for _, secret := range secrets {
		if !known[secret] { // a daemon names all of them again with each reload
			s.fixed, known[secret] = append(s.fixed, func() string { return secret }), true
		}
	}
	s.rebuild()
}

// Add makes the scrubber know a secret that rotates, such as a token. The
// newest 80 are remembered: more than can be in flight at once.
func (s *Scrubber) Add(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.tokens, func(known func() string) bool { return known() == token }) {
		return
	}
	s.tokens = append(s.tokens, func() string { return token })
	if over := len(s.tokens) - tokensKept; over > 0 {
		s.tokens = slices.Delete(s.tokens, 0, over)
	}
	s.rebuild()
}

// Format prints nothing of the content, in any verb.
func (s *Scrubber) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "Scrubber("+mask+")") }

func (s *Scrubber) rebuild() {
	var forms []string
	for _, secret := range slices.Concat(s.fixed, s.tokens) {
		forms = append(forms, formsOf(secret())...)
	}
	// At one place the replacer takes the first that fits: longest first, or a
	// secret that begins another one would leave its rest.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	forms = slices.Compact(forms)
	pairs := make([]string, 0, 2*len(forms))
	needles := make([][]byte, len(forms))
	for i, form := range forms {
		pairs = append(pairs, form, mask)
		needles[i] = []byte(form)
	}
	s.replacer.Store(strings.NewReplacer(pairs...))
	s.holds.Store(new(func(text []byte) bool {
		return slices.ContainsFunc(needles, func(needle []byte) bool { return bytes.Contains(text, needle) })
	}))
}

var upperHex = regexp.MustCompile(`%[0-9A-F]{2}`)

func formsOf(secret string) []string {
	if secret == "" {
		return nil
	}
	query := url.QueryEscape(secret)
	path := url.PathEscape(secret)
	forms := []string{
		secret, query, path, url.QueryEscape(query),
		upperHex.ReplaceAllStringFunc(query, strings.ToLower),
		upperHex.ReplaceAllStringFunc(path, strings.ToLower),
	}
	goQuoted := strconv.Quote(secret)
	forms = append(forms, goQuoted[1:len(goQuoted)-1])
	if quoted, err := json.Marshal(secret); err == nil {
		inner := string(quoted[1 : len(quoted)-1])
		forms = append(forms, inner, strings.ReplaceAll(inner, "/", `\/`))
	}
	return append(forms, strings.ReplaceAll(secret, "/", `\/`))
}

// Secrets replaces the secrets in a text and changes nothing else.
func (s *Scrubber) Secrets(text string) string { return s.replacer.Load().Replace(text) }

// Bytes replaces the secrets in raw text, such as a rejected element's. The result
// never shares memory with raw.
func (s *Scrubber) Bytes(raw []byte) []byte { return []byte(s.Secrets(string(raw))) }

// Body is [Scrubber.Bytes] for a JSON text that is large and hardly ever holds a
// secret: without one it returns raw itself. It also finds secrets of which JSON
// escapes make up characters.
func (s *Scrubber) Body(raw []byte) []byte {
	holds := *s.holds.Load()
	// First without escapes: the digits of one may look like the beginning of a secret.
	if plain := unescaped(raw); plain != nil && holds(plain) {
		return s.Bytes(plain)
	}
	if holds(raw) {
		return s.Bytes(raw)
	}
	return raw
}

// unescaped returns a JSON text that says the same without the escapes that need not
// be, or nil when it has none of them.
func unescaped(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u`)) {
		return nil
	}
	plain := make([]byte, 0, len(text))
	for len(text) > 0 {
		at := bytes.IndexByte(text, '\\')
		if at < 0 || at+1 == len(text) {
			return append(plain, text...)
		}
		plain, text = append(plain, text[:at]...), text[at:]
		switch r, ok := escapedRune(text); {
		case ok:
			plain, text = utf8.AppendRune(plain, r), text[len(`\u0000`):]
		case text[1] == '/':
			plain, text = append(plain, '/'), text[2:]
		default:
			plain, text = append(plain, text[:2]...), text[2:]
		}
	}
	return plain
}

// escapedRune reads the escape that a text begins with, if the character could stand
// in a string of JSON as it is.
func escapedRune(text []byte) (rune, bool) {
	if len(text) < len(`\u0000`) || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	r := rune(n)
	return r, err == nil && r >= ' ' && r != '"' && r != '\\' && utf8.ValidRune(r)
}

// address finds URLs; what follows the host may hold anything.
var address = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/"'?#]*@)?([^\s/"'?#]*)[^\s"']*`)

// Text makes a text of the vendor's or the transport's fit for an error: without
// secrets, without what follows the host of a URL, on one line, of bounded
// length, and valid UTF-8.
func (s *Scrubber) Text(text string) string {
	text = s.Secrets(text)
	text = address.ReplaceAllString(text, "$1$2")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > textBytesMax {
		text = strings.ToValidUTF8(text[:textBytesMax], "") + "…"
	}
	return text
}
