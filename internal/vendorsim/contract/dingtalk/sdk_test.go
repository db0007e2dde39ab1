// Package dingtalk lets the vendor's own Go client talk to the simulated DingTalk.
// It holds tests only.
package dingtalk

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	crm "github.com/alibabacloud-go/dingtalk/crm_1_0"
	oauth2 "github.com/alibabacloud-go/dingtalk/oauth2_1_0"
	robot "github.com/alibabacloud-go/dingtalk/robot_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/stretchr/testify/require"

	sim "syncd/internal/vendorsim/dingtalk"
)

// account is a tenant, the client's settings for it and a token.
type account struct {
	sim    *sim.Sim
	config *openapi.Config
	token  *string
	once   *util.RuntimeOptions // makes no call twice
}

func open(t *testing.T, o sim.Options) *account {
	t.Helper()
	s, err := sim.New(o)
	require.NoError(t, err)
	_, err = s.Advance(40 * 24 * time.Hour)
	require.NoError(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	a := &account{
		sim:    s,
		config: &openapi.Config{Protocol: tea.String("http"), Endpoint: tea.String(strings.TrimPrefix(server.URL, "http://"))},
		once:   (&util.RuntimeOptions{}).SetAutoretry(false),
	}
	client, err := oauth2.NewClient(a.config)
	require.NoError(t, err)
	got, err := client.GetAccessToken((&oauth2.GetAccessTokenRequest{}).SetAppKey(sim.DefaultAppKey).SetAppSecret(sim.DefaultAppSecret))
	require.NoError(t, err)
	require.Equal(t, int64(7200), *got.Body.ExpireIn)
	a.token = got.Body.AccessToken
	return a
}

func (a *account) crm(t *testing.T) *crm.Client {
	t.Helper()
	client, err := crm.NewClient(a.config)
	require.NoError(t, err)
	return client
}

// chat is what the client tells of a group.
type chat struct {
	id, set, owner, ownerName, name string
	members                         int
	created                         int64
}

func truth(c sim.Chat) chat {
	return chat{c.ID, c.SetID, c.OwnerID, c.OwnerName, c.Name, c.Members, c.CreatedAt.UnixMilli()}
}

func TestListEqualsTheTruth(t *testing.T) {
	t.Parallel()
	a := open(t, sim.Options{Chats: 300, Limits: sim.Limits{PerSecond: -1}})
	client := a.crm(t)
	for _, relation := range []string{sim.RelationCustomer, sim.RelationPersonal} {
		var got, want []chat
		request := (&crm.QueryCrmGroupChatsRequest{}).SetRelationType(relation).SetMaxResults(30).SetQueryDsl(
			`{"queryGroupList":[{"logicType":"AND","queryObjectList":[{"filterType":"LT","value":"2640002249001","fieldId":"gmtCreate"}]}],` +
				`"orderByFields":[{"orderByFieldId":"gmtCreate","orderByDirection":"ASC"}]}`)
		for range 30 {
			page, err := client.QueryCrmGroupChatsWithOptions(request, &crm.QueryCrmGroupChatsHeaders{XAcsDingtalkAccessToken: a.token}, a.once)
			require.NoError(t, err)
			for _, r := range page.Body.ResultList {
				got = append(got, chat{
					*r.OpenConversationId, tea.StringValue(r.OpenGroupSetId), *r.OwnerUserId, *r.OwnerUserName, *r.Name,
					int(*r.MemberCount), *r.GmtCreate,
				})
			}
			if !*page.Body.HasMore {
				require.Len(t, got, int(*page.Body.TotalCount))
				break
			}
			request.SetNextToken(*page.Body.NextToken)
		}
		for c := range a.sim.Chats(a.sim.Now()) {
			if c.RelationType == relation {
				want = append(want, truth(c))
			}
		}
		require.Equal(t, want, got)
	}
}

func TestReadsOfGroups(t *testing.T) {
	t.Parallel()
	a := open(t, sim.Options{Chats: 60, Limits: sim.Limits{PerSecond: -1}})
	client := a.crm(t)
	var ids []*string
	var want []chat
	for c := range a.sim.Chats(a.sim.Now()) {
		one, err := client.GetCrmGroupChatSingleWithOptions((&crm.GetCrmGroupChatSingleRequest{}).SetOpenConversationId(c.ID),
			&crm.GetCrmGroupChatSingleHeaders{XAcsDingtalkAccessToken: a.token}, a.once)
		require.NoError(t, err)
		b := one.Body
		require.Equal(t, truth(c), chat{
			*b.OpenConversationId, tea.StringValue(b.OpenGroupSetId), *b.OwnerUserId, *b.OwnerUserName, *b.Name, int(*b.MemberCount), *b.GmtCreate,
		})
		if len(ids) < 20 {
			ids, want = append(ids, tea.String(c.ID)), append(want, truth(c))
		}
	}
	many, err := client.GetCrmGroupChatMultiWithOptions((&crm.GetCrmGroupChatMultiRequest{}).SetOpenConversationIds(ids),
		&crm.GetCrmGroupChatMultiHeaders{XAcsDingtalkAccessToken: a.token}, a.once)
	require.NoError(t, err)
	var got []chat
	for _, r := range many.Body.Result {
		require.NotEmpty(t, *r.IconUrl)
		got = append(got, chat{
			*r.OpenConversationId, tea.StringValue(r.OpenGroupSetId), *r.OwnerUserId, *r.OwnerUserName, *r.Name, int(*r.MemberCount), *r.GmtCreate,
		})
	}
	require.Equal(t, want, got)
}

func TestSetsEqualTheTruth(t *testing.T) {
	t.Parallel()
	a := open(t, sim.Options{Chats: 200, Sets: 30, Limits: sim.Limits{PerSecond: -1}})
	client := a.crm(t)
	sets := map[string]sim.Set{}
	for _, s := range a.sim.Sets(a.sim.Now()) {
		sets[s.ID] = s
	}
	seen := 0
	for _, relation := range []string{sim.RelationCustomer, sim.RelationPersonal} {
		request := (&crm.ListGroupSetRequest{}).SetRelationType(relation).SetMaxResults(10)
		for range 30 {
			page, err := client.ListGroupSetWithOptions(request, &crm.ListGroupSetHeaders{XAcsDingtalkAccessToken: a.token}, a.once)
			require.NoError(t, err)
			for _, r := range page.Body.ResultList {
				want := sets[*r.OpenGroupSetId]
				seen++
				require.Equal(t, []any{
					want.Name, relation, want.Owner.ID, want.Owner.Name, want.MemberQuota, want.MemberCount, want.ChatCount, want.Notice, want.LastChatID,
					len(want.Managers), want.TemplateID, want.CreatedAt.UTC().Format("2006-01-02T15:04Z"), want.ModifiedAt.UTC().Format("2006-01-02T15:04Z"),
				}, []any{
					*r.Name, *r.RelationType, *r.Owner.UserId, *r.Owner.Name, int(*r.MemberQuota), int(*r.MemberCount), int(*r.GroupChatCount), *r.Notice,
					tea.StringValue(r.LastOpenConversationId), len(r.Manager), *r.TemplateId, *r.GmtCreate, *r.GmtModified,
				})
				require.Equal(t, want.NoticeOnTop, *r.NoticeToped == 1)
			}
			if !*page.Body.HasMore {
				break
			}
			request.SetNextToken(*page.Body.NextToken)
		}
	}
	require.Len(t, sets, seen)
	for id, want := range sets {
		one, err := client.GetGroupSetWithOptions((&crm.GetGroupSetRequest{}).SetOpenGroupSetId(id), &crm.GetGroupSetHeaders{XAcsDingtalkAccessToken: a.token}, a.once)
		require.NoError(t, err)
		require.Equal(t, []any{want.Name, want.InviteLink}, []any{*one.Body.Name, *one.Body.InviteLink})
	}
}

func TestReadersEqualTheTruth(t *testing.T) {
	t.Parallel()
	a := open(t, sim.Options{MessagesPerDay: 40, Limits: sim.Limits{PerSecond: -1}})
	client, err := robot.NewClient(a.config)
	require.NoError(t, err)
	read := 0
	for _, m := range a.sim.Messages(a.sim.Now()) {
		state, _ := a.sim.Message(m.Key, a.sim.Now())
		if !state.Ready || state.Expired {
			continue
		}
		read++
		got := []string{}
		request := (&robot.OrgGroupQueryRequest{}).SetProcessQueryKey(m.Key).SetOpenConversationId(m.ChatID).SetRobotCode(m.RobotCode).SetMaxResults(25)
		for range 30 {
			page, err := client.OrgGroupQueryWithOptions(request, &robot.OrgGroupQueryHeaders{XAcsDingtalkAccessToken: a.token}, a.once)
			require.NoError(t, err)
			require.Equal(t, state.Status, *page.Body.SendStatus)
			for _, id := range page.Body.ReadUserIds {
				got = append(got, *id)
			}
			if !*page.Body.HasMore {
				break
			}
			request.SetNextToken(*page.Body.NextToken)
		}
		require.Equal(t, state.Readers, got)
	}
	require.Greater(t, read, 20)
}

// The client finds the parts of an error where it looks for them.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, odd := range []bool{false, true} {
		a := open(t, sim.Options{Odd: odd})
		client := a.crm(t)
		for fault, want := range map[string]struct {
			status int
			code   string
		}{
			"token-expired":     {400, "InvalidAuthentication"},
			"permission-denied": {403, "Forbidden.AccessDenied.AccessTokenPermissionDenied"},
			"system-error":      {500, "systemError"},
			"cursor-dead":       {400, "invalidParameter"},
		} {
			for range 2 { // both spellings of an odd tenant
				require.NoError(t, a.sim.Arm(fault+":page=any"))
				_, err := client.QueryCrmGroupChatsWithOptions((&crm.QueryCrmGroupChatsRequest{}).SetRelationType(sim.RelationCustomer).SetMaxResults(1),
					&crm.QueryCrmGroupChatsHeaders{XAcsDingtalkAccessToken: a.token}, a.once)
				var refused *tea.SDKError
				require.True(t, errors.As(err, &refused), err)
				require.Equal(t, want.code, *refused.Code)
				require.Equal(t, want.status, *refused.StatusCode)
				a.sim.Disarm()
			}
		}
	}
}

func TestTokenOfASuite(t *testing.T) {
	t.Parallel()
	a := open(t, sim.Options{})
	client, err := oauth2.NewClient(a.config)
	require.NoError(t, err)
	request := (&oauth2.GetCorpAccessTokenRequest{}).SetSuiteKey(sim.DefaultSuiteKey).SetSuiteSecret(sim.DefaultSuiteSecret).
		SetAuthCorpId(sim.DefaultCorpID).SetSuiteTicket("any")
	got, err := client.GetCorpAccessToken(request)
	require.NoError(t, err)
	require.NotEqual(t, *a.token, *got.Body.AccessToken)
	_, err = client.GetCorpAccessToken(request.SetSuiteKey("other"))
	require.ErrorContains(t, err, "invalidSuiteKey")
}
