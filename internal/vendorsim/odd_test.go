package vendorsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestStringsSurviveJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "s")
		var got string
		require.NoError(t, json.Unmarshal(appendString(nil, want), &got))
		require.Equal(t, want, got)
	})
}

func TestStringsThatAreNoText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\x00b":          `"a\u0000b"`,
		"\xed\xa0\xbdx":   `"\ud83dx"`,
		"x\xed\xb8\x80":   `"x\ude00"`,
		"\xff\xfe":        "\"\xff\xfe\"",
		"\xed\xa0":        "\"\xed\xa0\"",
		"\xf0\x9f\x98":    "\"\xf0\x9f\x98\"",
		"\xed\x9f\xbf":    "\"\xed\x9f\xbf\"", // U+D7FF, the last before the surrogates
		"a\"\\\n/<&>\x1f": `"a\"\\\n/<&>\u001f"`,
	} {
		require.Equal(t, want, string(appendString(nil, in)))
	}
}

// Every odd shape that the package comment promises occurs, and none of them in
// a clean tenant.
func TestOddShapes(t *testing.T) {
	t.Parallel()
	shapes := map[string]*regexp.Regexp{
		"quoted time":     regexp.MustCompile(`"join_time":"\d+"`),
		"quoted type":     regexp.MustCompile(`"type":"2"`),
		"quoted creation": regexp.MustCompile(`"create_time":"\d+"`),
		"quoted status":   regexp.MustCompile(`"status":"\d"`),
		"unknown status":  regexp.MustCompile(`"status":4`),
		"unknown field":   regexp.MustCompile(`"group_flags":\{`),
		"unknown member":  regexp.MustCompile(`"corp_name":`),
		"null notice":     regexp.MustCompile(`"notice":null`),
		"null admins":     regexp.MustCompile(`"admin_list":null`),
		"null invitor":    regexp.MustCompile(`"invitor":null`),
		"NUL":             regexp.MustCompile(`\\u0000"`),
		"high surrogate":  regexp.MustCompile(`\\ud83d"`),
		"low surrogate":   regexp.MustCompile(`\\ude00x"`),
		"scene 0":         regexp.MustCompile(`"join_scene":0`),
		"scene 17":        regexp.MustCompile(`"join_scene":17`),
		"no join time":    regexp.MustCompile(`"join_time":0,`),
	}
	for _, odd := range []bool{false, true} {
		c := newClient(t, Options{Chats: 600, Odd: odd})
		var all bytes.Buffer
		all.Write(c.raw(http.MethodPost, c.path(EndpointChatList), `{"limit":1000}`))
		twice := 0
		for chat := range c.sim.Chats(c.sim.Now()) {
			all.Write(c.raw(http.MethodPost, c.path(EndpointChatGet), `{"need_name":1,"chat_id":"`+chat.ID+`"}`))
			ids := map[string]bool{}
			for _, m := range chat.Members {
				if ids[m.ID] {
					twice++
				}
				ids[m.ID] = true
			}
		}
		for name, shape := range shapes {
			require.Equal(t, odd, shape.Match(all.Bytes()), name)
		}
		require.Equal(t, odd, !utf8.Valid(all.Bytes()))
		require.Equal(t, odd, twice > 0)
		require.Equal(t, odd, shortPage(c))
	}
}

// shortPage reports whether a page has a cursor though it is not full.
func shortPage(c *client) bool {
	for limit := 2; limit < 60; limit++ {
		pages := c.pages(map[string]any{"limit": limit})
		for _, page := range pages[:len(pages)-1] {
			if len(page) < limit {
				return true
			}
		}
	}
	return false
}

func TestOddAnswersAreStillJSON(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300, Odd: true})
	for chat := range c.sim.Chats(c.sim.Now()) {
		body := c.raw(http.MethodPost, c.path(EndpointChatGet), `{"need_name":1,"chat_id":"`+chat.ID+`"}`)
		require.True(t, json.Valid(body), "%s", body)
		require.Equal(t, len(chat.Members), strings.Count(string(body), `"group_nickname":`))
	}
}
