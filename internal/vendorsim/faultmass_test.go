package vendorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rowLists are what the paged endpoints beside the list of chats answer, with the
// ids of their rows and what else a row has.
var rowLists = map[string]struct{ list, id, fact string }{
	EndpointMessages: {"group_msg_list", "msgid", "create_time"},
	EndpointTasks:    {"task_list", "userid", "status"},
	EndpointResults:  {"send_list", "chat_id", "status"},
}

// massCalls are good calls of these endpoints with several pages, without cursor
// and closing brace.
func massCalls(c *client) map[string]string {
	now := c.sim.Now()
	m := c.message(func(m Message) bool {
		tasks := c.sim.Tasks(m.ID, now)
		return m.ChatType == "group" && len(tasks) > 2 && len(c.sim.Results(m.ID, tasks[0].Sender, now)) > 10
	})
	return map[string]string{
		EndpointMessages: fmt.Sprintf(`{"chat_type":"group","limit":3,"start_time":%d,"end_time":%d`, c.ago(8).Unix(), c.ago(2).Unix()),
		EndpointTasks:    `{"limit":1,"msgid":"` + m.ID + `"`,
		EndpointResults:  `{"limit":3,"msgid":"` + m.ID + `","userid":"` + c.sim.Tasks(m.ID, now)[0].Sender + `"`,
	}
}

// massPages follows a listing until it ends or goes on for too long; the rows are
// the JSON of their ids, or "" where there is none.
func massPages(c *client, endpoint, asked string) (pages [][]string, ended bool) {
	shape, cursor := rowLists[endpoint], ""
	for range 40 {
		raw := c.raw(http.MethodPost, c.path(endpoint), asked+`,"cursor":"`+cursor+`"}`)
		var got map[string]json.RawMessage
		require.NoError(c.t, json.Unmarshal(raw, &got), "%s", raw)
		require.JSONEq(c.t, "0", string(got["errcode"]), "%s", raw)
		var rows []json.RawMessage
		require.NoError(c.t, json.Unmarshal(got[shape.list], &rows))
		page := []string{}
		for _, row := range rows {
			var members map[string]json.RawMessage
			_ = json.Unmarshal(row, &members) // a stranger has none
			page = append(page, string(members[shape.id]))
		}
		pages = append(pages, page)
		cursor = ""
		_ = json.Unmarshal(got["next_cursor"], &cursor) // absent at the end
		if cursor == "" {
			return pages, true
		}
	}
	return pages, false
}

func TestFaultsOfMassListings(t *testing.T) {
	t.Parallel()
	options := Options{Seed: 6}
	names := map[string]string{EndpointMessages: onMessages, EndpointTasks: onTasks, EndpointResults: onResults}
	for endpoint, on := range names {
		undisturbed, _ := massPages(newClient(t, options), endpoint, massCalls(newClient(t, options))[endpoint])
		all, first := flat(undisturbed), len(undisturbed[0])
		require.Greater(t, len(undisturbed), 2)
		for text, check := range map[string]func(must *require.Assertions, pages [][]string, ended bool){
			"cursor-repeated": func(must *require.Assertions, pages [][]string, ended bool) {
				must.False(ended)
				must.Equal(pages[1], pages[39])
			},
			"empty-pages:from=2,times=3": func(must *require.Assertions, pages [][]string, ended bool) {
				must.True(ended)
				must.Empty(flat(pages[1:4]))
				must.Equal(all, flat(pages))
			},
			"rows-repeated:rows=1,times=1": func(must *require.Assertions, pages [][]string, ended bool) {
				must.True(ended)
				must.Equal(pages[0][first-1], pages[1][0])
				must.Len(flat(pages), len(all)+1)
			},
			"rows-skipped:rows=1,times=1": func(must *require.Assertions, pages [][]string, ended bool) {
				must.True(ended)
				must.Len(flat(pages), len(all)-1)
				must.NotContains(flat(pages), all[first])
			},
			"oversized-page:by=2,at=1": func(must *require.Assertions, pages [][]string, ended bool) {
				must.True(ended)
				must.Len(pages[0], 2*first)
				must.Equal(all, flat(pages))
			},
			"no-rows": func(must *require.Assertions, pages [][]string, ended bool) {
				must.True(ended)
				must.Equal([][]string{{}}, pages)
			},
			"rows-doubled": func(must *require.Assertions, pages [][]string, ended bool) {
				must.True(ended)
				must.Equal(pages[0][0], pages[0][1])
				must.Len(flat(pages), 2*len(all))
			},
			"unreadable:at=1": func(must *require.Assertions, pages [][]string, _ bool) {
				must.Equal(append([]string{""}, undisturbed[0]...), pages[0])
			},
			"unreadable:at=1,as=lost": func(must *require.Assertions, pages [][]string, _ bool) {
				must.JSONEq(`{"unexpected":true}`, pages[0][0])
				must.Equal(all[1:], flat(pages)[1:])
			},
			"unreadable:at=1,as=kept": func(must *require.Assertions, pages [][]string, _ bool) {
				must.Equal(all, flat(pages))
			},
		} {
			name, params, _ := strings.Cut(text, ":")
			t.Run(on+" "+text, func(t *testing.T) {
				t.Parallel()
				c := newClient(t, options)
				arm(t, c, strings.TrimSuffix(name+":on="+on+","+params, ","))
				pages, ended := massPages(c, endpoint, massCalls(c)[endpoint])
				check(require.New(t), pages, ended)
				require.Positive(t, struck(c)[0])
			})
		}
	}
}

func TestRowsOfMassMessagesLoseTheirFacts(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	arm(t, c, "unreadable:on=messages+tasks+results,as=kept")
	for endpoint, asked := range massCalls(c) {
		raw := string(c.raw(http.MethodPost, c.path(endpoint), asked+"}"))
		require.Equal(t, 1, strings.Count(raw, `"`+rowLists[endpoint].fact+`":{"unexpected":true}`), raw)
	}
}

func TestDeadCursorsOfMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	arm(t, c, "cursor-dead:on=messages+tasks+results")
	for endpoint, asked := range massCalls(c) {
		got := c.mass(endpoint, asked+"}")
		require.Zero(t, got.Errcode, got.Errmsg)
		checkRefused(t, c.mass(endpoint, asked+`,"cursor":"`+*got.NextCursor+`"}`).answer, codeBadArgument)
	}
}

func TestFaultsOfMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	calls := massCalls(c)
	codes := func() [2]int {
		return [2]int{c.mass(EndpointTasks, calls[EndpointTasks]+"}").Errcode, c.mass(EndpointResults, calls[EndpointResults]+"}").Errcode}
	}
	var asked struct {
		ID     string `json:"msgid"`
		Sender string `json:"userid"`
	}
	require.NoError(t, json.Unmarshal([]byte(calls[EndpointResults]+"}"), &asked))
	number, _ := c.sim.tenant.massNumber(asked.ID)
	for text, want := range map[string][2]int{
		"dispatching":                                                       {codeDispatching, codeDispatching},
		"dispatching:on=results":                                            {codeOK, codeDispatching},
		"cancelled:message=" + asked.ID:                                     {codeCancelled, codeCancelled},
		fmt.Sprintf("message-gone:message=#%d", number):                     {codeBadMessageID, codeBadMessageID},
		fmt.Sprintf("message-gone:message=#%d", number+1):                   {codeOK, codeOK},
		"bad-owner:on=results,owner=" + asked.Sender:                        {codeOK, codeBadUserID},
		"errcode:code=50002,on=tasks+results,owner=" + asked.Sender:         {codeOK, 50002},
		"errcode:code=50002,on=tasks+results,owner=nobody":                  {codeOK, codeOK},
		"errcode:code=-1,on=messages":                                       {codeOK, codeOK},
		"errcode:code=45009,on=tasks":                                       {45009, codeOK},
		"errcode:code=41063,on=tasks+results,page=next":                     {codeOK, codeOK},
		"errcode:code=41063,on=tasks+results,page=head,message=" + asked.ID: {codeDispatching, codeDispatching},
	} {
		c.sim.Disarm()
		arm(t, c, text)
		require.Equal(t, want, codes(), text)
	}
	c.sim.Disarm()
	arm(t, c, "limited:on=messages")
	require.Equal(t, codeTooOften, c.mass(EndpointMessages, calls[EndpointMessages]+"}").Errcode)
	require.Equal(t, [2]int{}, codes())
	c.sim.Disarm()
	c.advance(time.Minute)
	require.Zero(t, c.mass(EndpointMessages, calls[EndpointMessages]+"}").Errcode)
}

func TestMessagesAreListedLate(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6, GroupMessages: 50})
	now := c.sim.Now()
	list := func() (ids []string) {
		got := c.mass(EndpointMessages, fmt.Sprintf(`{"chat_type":"group","limit":100,"start_time":%d,"end_time":%d}`, now.Unix()-day, now.Unix()))
		require.Zero(t, got.Errcode, got.Errmsg)
		for _, m := range got.Messages {
			ids = append(ids, m.ID)
		}
		return ids
	}
	all := list()
	arm(t, c, "listed-late:by=6h")
	early := list()
	require.Equal(t, all[:len(early)], early)
	require.Less(t, len(early), len(all))
	for i, id := range all {
		m, _ := c.sim.Message(id, now)
		require.Equal(t, i < len(early), !m.CreatedAt.After(now.Add(-6*time.Hour)))
	}
	c.advance(6 * time.Hour)
	c.login()
	require.Equal(t, all, list())
}

func TestFaultsOfJoinWays(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	id := c.anyWay()
	read := func() answer {
		got, _ := c.way(`{"config_id":"` + id + `"}`)
		return got
	}
	arm(t, c, "way-gone:times=1,way="+id, "way-gone:way=9ad7fa5cdaa65112aaaaaaaaaaaaaaaa")
	checkRefused(t, read(), codeBadConfigID)
	require.Zero(t, read().Errcode)
	require.Equal(t, []int{1, 0}, struck(c))

	c.sim.Disarm()
	arm(t, c, "no-rows:on=join_way", "unknown-fields:on=join_way", "quoted-numbers:on=join_way")
	raw := string(c.raw(http.MethodPost, c.path(EndpointJoinWay), `{"config_id":"`+id+`"}`))
	require.Contains(t, raw, `"chat_id_list":[]`)
	require.Contains(t, raw, `"muted":false`)
	require.Regexp(t, `"scene":"\d"`, raw)
}

func TestBadTextsOfMassMessagesAndJoinWays(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	arm(t, c, "bad-text:on=messages+join_way")
	raw := string(c.raw(http.MethodPost, c.path(EndpointMessages), massCalls(c)[EndpointMessages]+"}"))
	require.Contains(t, raw, `"content":"\u0000`)
	raw = string(c.raw(http.MethodPost, c.path(EndpointJoinWay), `{"config_id":"`+c.anyWay()+`"}`))
	require.Contains(t, raw, `"remark":"\u0000`)
}

// The statistics have short names too.
func TestFaultsOfTheStatistics(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	owners := c.owners(2)
	asked := asking(c.ago(5), c.ago(3), owners, "")
	codes := func() [2]int {
		return [2]int{c.stat(EndpointStatistic, asked).Errcode, c.stat(EndpointStatisticByDay, asked).Errcode}
	}
	for text, want := range map[string][2]int{
		"busy:on=stats":     {codeBusy, 0},
		"busy:on=day_stats": {0, codeBusy},
		"busy:on=stats+day_stats,owner=" + owners[1]:     {codeBusy, codeBusy},
		"bad-owner:on=stats,owner=" + owners[0]:          {codeBadUserID, 0},
		"errcode:on=day_stats,code=60011,owner=somebody": {0, 0},
	} {
		c.sim.Disarm()
		arm(t, c, text)
		require.Equal(t, want, codes(), text)
	}
	c.sim.Disarm()
	arm(t, c, "no-rows:on=stats", "rows-doubled:on=day_stats")
	require.Empty(t, c.stat(EndpointStatistic, asked).Items)
	days := c.stat(EndpointStatisticByDay, asked).Items
	require.Len(t, days, 6)
	require.Equal(t, days[0], days[1])
	for as, want := range map[string]string{"lost": `"owner":{"unexpected":true}`, "kept": `"data":{"unexpected":true}`} {
		c.sim.Disarm()
		arm(t, c, "unreadable:on=stats,as="+as)
		require.Contains(t, string(c.raw(http.MethodPost, c.path(EndpointStatistic), asked)), want)
	}
}
