package fetch

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScrubberKnowsEveryForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9+/=&%"\\<> é密-]{6,24}x`).Draw(t, "secret")
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		s := NewScrubber("another")
		s.Add(secret)
		for _, form := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), fmt.Sprintf("%q", secret), string(quoted),
			url.Values{"k": {secret}}.Encode(), strings.ToLower(url.QueryEscape("=")) + secret,
		} {
			got := s.Secrets("before " + form + " after")
			if strings.Contains(got, strings.Trim(form, `"`)) || !strings.Contains(got, mask) {
				t.Fatalf("%q stays in %q", form, got)
			}
			if body := s.Body([]byte("before " + form + " after")); string(body) != got {
				t.Fatalf("%q is %q as a body", form, body)
			}
		}
	})
}

// JSON can write any character as an escape, and decoding would put the secret
// together again.
func TestScrubberKnowsEscapedText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9+/=&%<> é密_-]{6,24}x`).Draw(t, "secret")
		var text strings.Builder
		for _, r := range secret {
			switch form := rapid.SampledFrom([]string{"%c", `\u%04x`, `\u%04X`, `\/`}).Draw(t, "form"); {
			case form == `\/` && r == '/':
				text.WriteString(form)
			case form == `\/`:
				text.WriteRune(r)
			default:
				fmt.Fprintf(&text, form, r)
			}
		}
		s := NewScrubber(secret)
		before := `{"a":"\\\"\u0041\n\ud83d\ude00\u0022","b":"`
		var got, want struct{ A, B, C string }
		if err := json.Unmarshal(s.Body([]byte(before+text.String()+`","c":"\u00e9"}`)), &got); err != nil {
			t.Fatal(err)
		}
		want.A, want.B, want.C = "\\\"A\n😀\"", mask, "é"
		if got != want {
			t.Fatalf("%q becomes %q", text.String(), got)
		}
	})
	require.Equal(t, `{"a":"`+mask+`"}`, string(NewScrubber("0     x").Body([]byte(`{"a":"\u0030     x"}`))), "not from the last digit on")
	s := NewScrubber("hunter2")
	for _, untouched := range []string{`{"a":"\\u0068unter2"}`, `{"a":"\u0068unter3"}`, `\u00`, `\`, `\u`, `"\ud83d"`, ""} {
		require.Equal(t, untouched, string(s.Body([]byte(untouched))))
	}
}

func TestScrubberText(t *testing.T) {
	t.Parallel()
	s := NewScrubber("hunter2", "hunter2-longer", "")
	for in, want := range map[string]string{
		"plain":                        "plain",
		"x hunter2 y hunter2-longer":   "x *** y ***",
		"Get \"http://h:1/p?a=b\": no": "Get \"http://h:1\": no",
		"http://user:pw@host/path":     "http://host",
		"two\nlines\x00\x1b[31m":       "two lines  [31m",
		"bad \xff utf":                 "bad \uFFFD utf",
	} {
		require.Equal(t, want, s.Text(in))
	}
	long := s.Text(strings.Repeat("密", 1000))
	require.True(t, utf8.ValidString(long))
	require.LessOrEqual(t, len(long), textBytesMax+len("…"))
}

func TestScrubberPrintsNothing(t *testing.T) {
	t.Parallel()
	s := NewScrubber("hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		require.Equal(t, "Scrubber(***)", fmt.Sprintf(verb, s))
	}
}

func TestScrubberForgetsOldTokensButNeverSecrets(t *testing.T) {
	t.Parallel()
	s := NewScrubber("forever")
	for i := range 3 * tokensKept {
		s.Add(fmt.Sprintf("token-%03d", i))
	}
	require.Len(t, s.tokens, tokensKept)
	require.Equal(t, "*** ***", s.Secrets("forever token-200"))
	for range 3 {
		s.Keep("forever", "a day", "forever")
	}
	require.Len(t, s.fixed, 2, "each once, however often it is named")
	require.Equal(t, "*** and ***", s.Secrets("forever and a day"))
}
