package vendorsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// listing follows the list in pages of 10 until it ends or goes on for too long.
func listing(c *client) (pages [][]string, ended bool) {
	cursor := ""
	for range 30 {
		got := c.list(`{"limit":10,"cursor":"` + cursor + `"}`)
		require.Zero(c.t, got.Errcode, got.Errmsg)
		page := []string{}
		for _, row := range got.Chats {
			page = append(page, row.ID)
		}
		pages = append(pages, page)
		if got.NextCursor == nil || *got.NextCursor == "" {
			return pages, true
		}
		cursor = *got.NextCursor
	}
	return pages, false
}

func flat(pages [][]string) (ids []string) {
	for _, page := range pages {
		ids = append(ids, page...)
	}
	return ids
}

func TestFaultsOfTheList(t *testing.T) {
	t.Parallel()
	undisturbed, _ := listing(newClient(t, Options{Chats: 45}))
	all := flat(undisturbed)
	for text, check := range map[string]func(must *require.Assertions, pages [][]string, ended bool){
		"cursor-repeated": func(must *require.Assertions, pages [][]string, ended bool) {
			must.False(ended)
			must.Equal(pages[1], pages[29])
		},
		"cursor-repeated:at=2": func(must *require.Assertions, pages [][]string, ended bool) {
			must.True(ended)
			must.Equal(pages[2], pages[3])
			must.Len(pages, 6)
		},
		"cursor-repeated:back=2": func(must *require.Assertions, pages [][]string, ended bool) {
			must.False(ended)
			must.Equal(pages[1], pages[3])
			must.Equal(pages[2], pages[4])
		},
		"empty-pages": func(must *require.Assertions, pages [][]string, ended bool) {
			must.False(ended)
			must.Empty(flat(pages))
		},
		"empty-pages:from=2,times=3": func(must *require.Assertions, pages [][]string, ended bool) {
			must.True(ended)
			must.Len(pages, 8)
			must.Empty(flat(pages[1:4]))
			must.Equal(all, flat(pages))
		},
		"rows-repeated:rows=4": func(must *require.Assertions, pages [][]string, ended bool) {
			must.True(ended)
			must.Equal(pages[0][6:], pages[1][:4])
			must.Subset(flat(pages), all)
		},
		"rows-skipped:rows=4,times=1": func(must *require.Assertions, pages [][]string, ended bool) {
			must.True(ended)
			must.Len(flat(pages), len(all)-4)
			must.NotContains(flat(pages), all[10])
		},
		"oversized-page:by=2": func(must *require.Assertions, pages [][]string, ended bool) {
			must.True(ended)
			must.Len(pages[0], 20)
			must.Equal(all, flat(pages))
		},
		"no-rows": func(must *require.Assertions, pages [][]string, ended bool) {
			must.True(ended)
			must.Equal([][]string{{}}, pages)
		},
		"rows-doubled": func(must *require.Assertions, pages [][]string, ended bool) {
			must.True(ended)
			must.Len(pages[0], 20)
			must.Equal(pages[0][0], pages[0][1])
		},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, Options{Chats: 45})
			arm(t, c, text)
			pages, ended := listing(c)
			check(require.New(t), pages, ended)
			require.Positive(t, struck(c)[0])
		})
	}
}

func TestDeadCursor(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 45})
	arm(t, c, "cursor-dead:at=2")
	first := c.list(`{"limit":10}`)
	second := `{"limit":10,"cursor":"` + *first.NextCursor + `"}`
	require.Zero(t, c.list(second).Errcode)
	checkRefused(t, c.list(second), codeBadArgument)
	require.Zero(t, c.list(second).Errcode)
}

// detail is what a get answers, its rows raw.
type detail struct {
	ID      string            `json:"chat_id"`
	Owner   string            `json:"owner"`
	Members []json.RawMessage `json:"member_list"`
}

func TestFaultsOfTheDetail(t *testing.T) {
	t.Parallel()
	for text, check := range map[string]func(must *require.Assertions, was, is detail){
		"no-rows:on=get":      func(must *require.Assertions, _, is detail) { must.Empty(is.Members) },
		"rows-doubled:on=get": func(must *require.Assertions, was, is detail) { must.Len(is.Members, 2*len(was.Members)) },
		"no-owner": func(must *require.Assertions, was, is detail) {
			must.Len(is.Members, len(was.Members)-1)
			must.NotContains(string(mustJSON(is.Members)), `"userid":"`+was.Owner+`","type"`)
			must.Equal(was.Owner, is.Owner)
		},
		"other-chat": func(must *require.Assertions, was, is detail) {
			must.NotEqual(was.ID, is.ID)
			must.Len(is.ID, len(was.ID))
		},
		"unreadable:on=get,row=1": func(must *require.Assertions, was, is detail) {
			must.Len(is.Members, len(was.Members)+1)
			must.Equal("[17]", string(is.Members[1]))
		},
		"unreadable:on=get,as=nameless,row=999": func(must *require.Assertions, was, is detail) {
			must.Len(is.Members, len(was.Members)+1)
			must.NotContains(string(is.Members[len(was.Members)]), "userid")
		},
		"unreadable:on=get,as=lost": func(must *require.Assertions, was, is detail) {
			must.Len(is.Members, len(was.Members))
			must.Contains(string(is.Members[0]), `"userid":{"unexpected":true}`)
		},
		"unreadable:on=get,as=kept": func(must *require.Assertions, _, is detail) {
			must.Contains(string(is.Members[0]), `"join_time":{"unexpected":true}`)
		},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, Options{Chats: 5})
			ask := `{"need_name":1,"chat_id":"` + c.anyChat() + `"}`
			var was, is detail
			require.NoError(t, json.Unmarshal(c.get(ask).Chat, &was))
			arm(t, c, text)
			require.NoError(t, json.Unmarshal(c.get(ask).Chat, &is))
			check(require.New(t), was, is)
		})
	}
}

func TestFaultsOfTheText(t *testing.T) {
	t.Parallel()
	for text, check := range map[string]func(must *require.Assertions, body string){
		"bad-text": func(must *require.Assertions, body string) { must.Contains(body, `"name":"\u0000`) },
		"bad-text:text=bare-nul": func(must *require.Assertions, body string) {
			must.Contains(body, "\"name\":\"\x00")
			must.False(json.Valid([]byte(body)))
		},
		"bad-text:text=surrogate": func(must *require.Assertions, body string) { must.Contains(body, `"group_nickname":"\ud83d`) },
		"bad-text:text=utf8":      func(must *require.Assertions, body string) { must.False(utf8.ValidString(body)) },
		"unknown-fields": func(must *require.Assertions, body string) {
			must.True(strings.HasPrefix(body, `{"corp_full_name":"示例",`))
			must.Greater(strings.Count(body, `"muted":false`), 5)
			must.True(json.Valid([]byte(body)))
		},
		"quoted-numbers": func(must *require.Assertions, body string) {
			must.Contains(body, `"errcode":"0"`)
			must.NotRegexp(`":-?\d`, body)
			must.True(json.Valid([]byte(body)))
		},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, Options{Chats: 5})
			arm(t, c, text)
			check(require.New(t), string(c.raw(http.MethodPost, c.path(EndpointChatGet), `{"need_name":1,"chat_id":"`+c.anyChat()+`"}`)))
		})
	}
	t.Run("rows of the list", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, Options{Chats: 5})
		arm(t, c, "bad-text:on=list")
		require.Contains(t, string(c.raw(http.MethodPost, c.path(EndpointChatList), `{"limit":5}`)), `"remark":"\u0000"`)
	})
}

// Edits work on the answers of odd tenants, whose bytes they keep.
func TestEditsKeepOddBytes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300, Odd: true})
	lengths := map[string]int{}
	all := func(note func(id string, body []byte)) {
		for chat := range c.sim.Chats(c.sim.Now()) {
			note(chat.ID, c.raw(http.MethodPost, c.path(EndpointChatGet), `{"need_name":1,"chat_id":"`+chat.ID+`"}`))
		}
	}
	all(func(id string, body []byte) { lengths[id] = len(body) })
	arm(t, c, "unreadable:on=get")
	all(func(id string, body []byte) {
		require.Len(t, body, lengths[id]+len(",[17]"), id)
		require.True(t, json.Valid(body))
	})
}

func TestTimePasses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 5})
	arm(t, c, "time-passes:at=1,by=1h")
	require.Zero(t, c.get(`{"chat_id":"`+c.anyChat()+`"}`).Errcode)
	require.Equal(t, defaultStart.Add(3600e9), c.sim.Now())
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
