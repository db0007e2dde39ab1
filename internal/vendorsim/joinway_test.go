package vendorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// decodedWay is a join way as an outsider reads it.
type decodedWay struct {
	ID       string   `json:"config_id"`
	Scene    int      `json:"scene"`
	Type     *int     `json:"type"`
	Remark   *string  `json:"remark"`
	Auto     *int     `json:"auto_create_room"`
	BaseName string   `json:"room_base_name"`
	BaseID   int      `json:"room_base_id"`
	ChatIDs  []string `json:"chat_id_list"`
	QRCode   *string  `json:"qr_code"`
	State    *string  `json:"state"`
	Mark     *bool    `json:"mark_source"`
}

func (c *client) way(body string) (answer, decodedWay) {
	var got struct {
		answer

		Way decodedWay `json:"join_way"`
	}
	raw := c.raw(http.MethodPost, c.path(EndpointJoinWay), body)
	require.NoError(c.t, json.Unmarshal(raw, &got), "%s", raw)
	return got.answer, got.Way
}

func TestJoinWaysTellTheTruth(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 9, Chats: 600})
	c.advance(30 * 24 * time.Hour)
	c.login()
	seen := map[string]int{}
	count := func(name string, is bool) {
		if is {
			seen[name]++
		}
	}
	for want := range c.sim.JoinWays(c.sim.Now()) {
		status, got := c.way(`{"config_id":"` + want.ID + `"}`)
		if !want.DeletedAt.IsZero() {
			checkRefused(t, status, codeBadConfigID)
			seen["deleted"]++
			continue
		}
		require.Zero(t, status.Errcode, status.Errmsg)
		require.Nil(t, got.Type)
		require.Equal(t, want.State == "", got.State == nil)
		require.Equal(t, want.Scene == 1, got.QRCode == nil)
		state := ""
		if got.State != nil {
			state = *got.State
		}
		require.Equal(t,
			[]any{want.ID, want.Scene, want.Remark, want.AutoCreateRoom, want.RoomBaseName, want.RoomBaseID, want.ChatIDs, want.State, want.MarkSource},
			[]any{got.ID, got.Scene, *got.Remark, *got.Auto, got.BaseName, got.BaseID, got.ChatIDs, state, got.Mark})
		count("read", true)
		count("stateless", got.State == nil)
		count("code", got.QRCode != nil)
		count("rooms", got.BaseName != "" && got.BaseID > 0)
		count("no rooms", got.BaseName == "" && got.BaseID == 0)
		count("mark", got.Mark != nil)
	}
	for _, what := range []string{"deleted", "read", "stateless", "code", "rooms", "no rooms", "mark"} {
		require.Greater(t, seen[what], 1, "%s: %v", what, seen)
	}
	require.Greater(t, seen["read"], seen["mark"])
}

// What must hold for the join ways of any tenant at any moment: their chats exist
// and are in no other way, and every state of a member is that of his chat's way.
func TestJoinWaysAreConsistent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t, Options{Seed: rapid.Uint64().Draw(t, "seed"), Chats: rapid.IntRange(1, 120).Draw(t, "chats")})
		at := defaultStart.Add(time.Duration(rapid.IntRange(0, 300*day).Draw(t, "later")) * time.Second)
		inWay := map[string]string{}
		for w := range s.JoinWays(at) {
			require.LessOrEqual(t, len(w.ChatIDs), wayChatsMax)
			require.False(t, w.CreatedAt.After(at))
			require.False(t, w.DeletedAt.After(at))
			again, made := s.JoinWay(w.ID, at)
			require.True(t, made)
			require.Equal(t, w, again)
			_, made = s.JoinWay(w.ID, w.CreatedAt.Add(-time.Second))
			require.False(t, made, "not before its time")
			number, _ := s.tenant.wayNumber(w.ID)
			for _, chat := range s.tenant.wayChats(nil, number, at.Unix()) {
				id := s.tenant.chatID(chat)
				require.NotContains(t, inWay, id)
				inWay[id] = w.State
			}
			for _, id := range w.ChatIDs {
				_, alive := s.Chat(id, at)
				require.True(t, alive)
				require.Contains(t, inWay, id)
			}
		}
		for chat := range s.Chats(at) {
			for _, m := range chat.Members {
				if m.State != "" {
					require.Equal(t, inWay[chat.ID], m.State)
				}
			}
		}
	})
}

func TestRefusalsOfJoinWays(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	other := newClient(t, Options{CorpID: "ww0123456789abcdef"})
	refused := func(body string, code int) {
		got, _ := c.way(body)
		checkRefused(t, got, code)
	}
	refused(``, codeEmptyParameter)
	refused(`{}`, codeNoConfigID)
	refused(`{"config_id":""}`, codeNoConfigID)
	for _, id := range []string{"x", c.anyChat(), "9ad7fa5cdaa65112aaaaaaaaaaaaaaaa", other.anyWay()} {
		refused(`{"config_id":"`+id+`"}`, codeBadConfigID)
	}
	for _, body := range []string{
		`{"config_id":"` + c.anyWay() + `","cursor":"x"}`, `{"config_id":7}`, `config_id=` + c.anyWay(), `["` + c.anyWay() + `"]`,
	} {
		got, _ := c.way(body)
		require.Equal(t, codeBadRequest, got.Errcode, body)
		require.Contains(t, got.Errmsg, wrongJSON, body)
	}
	status, _ := c.way(`{"config_id":"` + c.anyWay() + `"}`)
	require.Zero(t, status.Errcode, status.Errmsg)
	checkRefused(t, c.parse(c.raw(http.MethodGet, c.path(EndpointJoinWay), "")), codeBadRequest)
	require.Equal(t, 1, c.sim.Calls()[EndpointJoinWay].Codes[codeOK])
}

// anyWay is the config_id of the first join way that can be read.
func (c *client) anyWay() string {
	for w := range c.sim.JoinWays(c.sim.Now()) {
		if w.DeletedAt.IsZero() {
			return w.ID
		}
	}
	return ""
}

func TestOddJoinWays(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 2000, Odd: true})
	all := ""
	for w := range c.sim.JoinWays(c.sim.Now()) {
		body := c.raw(http.MethodPost, c.path(EndpointJoinWay), fmt.Sprintf(`{"config_id":%q}`, w.ID))
		require.True(t, json.Valid(body), "%s", body)
		all += string(body)
	}
	for _, shape := range []string{`"type":3,"scene":3`, `"scene":"`, `"room_base_id":null`, `"is_temp":false`, `\u0000`} {
		require.True(t, strings.Contains(all, shape), "no %s in %d bytes", shape, len(all)) //nolint:testifylint // they are too many to print
	}
}

func TestControlOfJoinWays(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 4, Chats: 300})
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_sim/join_ways", http.NoBody))
	require.Equal(t, http.StatusOK, w.Code)
	var told []struct {
		ID        string     `json:"config_id"`
		State     string     `json:"state"`
		ChatIDs   []string   `json:"chat_id_list"`
		DeletedAt *time.Time `json:"deleted_at"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &told))
	ways := slices.Collect(c.sim.JoinWays(c.sim.Now()))
	require.Len(t, told, len(ways))
	deleted := 0
	for i, want := range ways {
		require.Equal(t, []any{want.ID, want.State, want.ChatIDs}, []any{told[i].ID, told[i].State, told[i].ChatIDs})
		require.Equal(t, want.DeletedAt.IsZero(), told[i].DeletedAt == nil)
		if told[i].DeletedAt != nil {
			require.True(t, want.DeletedAt.Equal(*told[i].DeletedAt))
			deleted++
		}
	}
	require.Positive(t, deleted)
}
