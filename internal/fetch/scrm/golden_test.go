package scrm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch/fetchtest"
	"syncd/internal/model"
)

// TestGolden reads recorded and composed answers and compares the page with the
// one beside them.
func TestGolden(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	files, err := filepath.Glob("testdata/groups/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			out, _, page, err := c.readGroups(body)
			require.NoError(t, err)
			require.Zero(t, out.code)
			requireSound(t, page)
			golden(t, strings.TrimSuffix(file, ".json")+".golden", page)
		})
	}
}

func golden(t *testing.T, file string, page model.Page) {
	t.Helper()
	fetchtest.Golden(t, file, readablePage(page))
}

// readablePage is what a page of this vendor holds, with the raw text of rejects
// in a form that can be read.
func readablePage(page model.Page) any {
	rejects := fetchtest.Rejects(page)
	return struct {
		Total     *int64
		Owners    []model.Owner
		Chats     []model.Chat
		SOPGroups []model.SOPGroup
		Rejects   []fetchtest.Reject
	}{page.Total, page.Owners, page.Chats, page.SOPGroups, rejects}
}

// The sample as a whole: what the reference counts in it.
func TestSample(t *testing.T) {
	t.Parallel()
	_, told, page, err := testClient(t, "http://vendor.invalid").readGroups([]byte(sample(t, "sample.json")))
	require.NoError(t, err)
	require.Equal(t, listing{page: 1, size: 10, total: 12, pages: 2, rows: 10, ids: told.ids}, told)
	require.Len(t, page.Chats, 10)
	require.Empty(t, page.Rejects)
	tasks, modes := 0, map[int64]int{}
	for _, g := range page.SOPGroups {
		tasks += len(g.Tasks)
		require.NotNil(t, g.Tags)
		require.NotNil(t, g.Calendars)
		for _, task := range g.Tasks {
			require.EqualValues(t, 1, *task.SendStatus)
			require.Equal(t, "454548673615872", *task.CreatorID)
			require.JSONEq(t, `{"owner":null,"qwSalesId":null,"sendStatusDetail":null,"startTimeExport":null}`, string(task.Extra))
			modes[*task.Mode]++
		}
	}
	require.Equal(t, 29, tasks)
	require.Equal(t, map[int64]int{0: 3, 1: 26}, modes)
	require.Equal(t, "2022-04-26T03:35:00Z", page.SOPGroups[0].Tasks[0].StartsAt.Format("2006-01-02T15:04:05Z07:00"))
}

func TestAnswersThatSayNothing(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	for name, tc := range map[string]struct{ body, want string }{
		"not JSON":         {`<html>`, "not a JSON object"},
		"no code":          {`{"data":{"totalCount":0,"pageNo":1,"result":[]}}`, "answer is JSON, but has no code"},
		"code, unreadable": {`{"code":"NO_ROUTE","message":"gone","data":{}}`, `answer has a code that is no number, "NO_ROUTE": gone`},
		"no data":          {`{"code":0}`, "answer holds no object data"},
		"data null":        {`{"code":0,"data":null}`, "answer holds no object data"},
		"data a list":      {`{"code":0,"data":[]}`, "answer holds no object data"},
		"no result":        {`{"code":0,"data":{"totalCount":0,"pageNo":1}}`, "answer holds no array result"},
		"result, text":     {`{"code":0,"data":{"totalCount":0,"pageNo":1,"result":"x"}}`, "answer holds no array result"},
		"no page number":   {`{"code":0,"data":{"totalCount":0,"result":[]}}`, "(pageNo)"},
		"no total":         {`{"code":0,"data":{"pageNo":1,"result":[]}}`, "(totalCount)"},
		"a total below 0":  {`{"code":0,"data":{"totalCount":-1,"pageNo":1,"result":[]}}`, "(totalCount)"},
		"a huge page":      {`{"code":0,"data":{"totalCount":1,"pageNo":1,"pageSize":99999,"result":[]}}`, "a page holds 99999 groups"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, told, page, err := c.readGroups([]byte(tc.body))
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, page)
			require.Empty(t, told)
		})
	}
}
