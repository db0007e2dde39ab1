package contract

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xen0n/go-workwx"

	"syncd/internal/vendorsim"
)

func workwxApp(base, secret string) *workwx.WorkwxApp {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	corp := workwx.New(vendorsim.DefaultCorpID, workwx.WithQYAPIHost(base), workwx.WithHTTPClient(client))
	return corp.WithApp(secret, 1000002)
}

func TestWorkwx(t *testing.T) {
	t.Parallel()
	sim, base := serve(t)
	app := workwxApp(base, vendorsim.DefaultSecret)

	users, err := app.ExternalContactListFollowUser()
	require.NoError(t, err)
	require.Equal(t, sim.FollowUsers(sim.Now()), users.FollowUser)

	listed := listAll(t, func(cursor string) ([]row, string, error) {
		page, err := app.GetGroupChatList(workwx.ReqChatList{Cursor: cursor, Limit: pageRows})
		if err != nil {
			return nil, "", err
		}
		var rows []row
		for _, chat := range page.GroupChatList {
			rows = append(rows, row{chat.ChatID, chat.Status})
		}
		return rows, page.NextCursor, nil
	})
	require.Equal(t, truth(sim), listed)

	for want := range sim.Chats(sim.Now()) {
		got, err := app.GetGroupChatInfo(want.ID, workwx.ChatNeedName)
		require.NoError(t, err)
		checkWorkwxChat(t, want, got)
	}
	checkCalls(t, sim, vendorsim.EndpointToken, 1)
	checkCalls(t, sim, vendorsim.EndpointChatGet, len(listed))
}

func checkWorkwxChat(t *testing.T, want vendorsim.Chat, got *workwx.RespGroupChatInfo) {
	t.Helper()
	expected := &workwx.RespGroupChatInfo{
		ChatID:     want.ID,
		Name:       want.Name,
		Owner:      want.Owner,
		CreateTime: want.CreatedAt.Unix(),
		Notice:     text(want.Notice),
		MemberList: []*workwx.ChatMemberList{},
	}
	for _, m := range want.Members {
		expected.MemberList = append(expected.MemberList, &workwx.ChatMemberList{
			UserID:        m.ID,
			Type:          int64(m.Type),
			UnionID:       m.UnionID,
			JoinTime:      m.JoinedAt.Unix(),
			JoinScene:     int64(m.JoinScene),
			Invitor:       workwx.ChatMemberListInvitor{UserID: m.Invitor},
			GroupNickname: m.GroupNickname,
			Name:          m.Name,
		})
	}
	if want.Admins != nil {
		expected.AdminList = []*workwx.ChatAdminList{}
	}
	for _, id := range want.Admins {
		expected.AdminList = append(expected.AdminList, &workwx.ChatAdminList{UserID: id})
	}
	require.Equal(t, expected, got)
}

func TestWorkwxFilters(t *testing.T) {
	t.Parallel()
	sim, base := serve(t)
	app := workwxApp(base, vendorsim.DefaultSecret)
	owner := sim.FollowUsers(sim.Now())[0]
	page, err := app.GetGroupChatList(workwx.ReqChatList{
		StatusFilter: 3,
		OwnerFilter:  workwx.ReqChatListOwnerFilter{UserIDList: []string{owner}},
		Limit:        1000,
	})
	require.NoError(t, err)
	require.NotEmpty(t, page.GroupChatList)
	for _, listed := range page.GroupChatList {
		chat, alive := sim.Chat(listed.ChatID, sim.Now())
		require.True(t, alive)
		require.Equal(t, owner, chat.Owner)
		require.Equal(t, 3, chat.Status)
	}
}

func TestWorkwxErrors(t *testing.T) {
	t.Parallel()
	sim, base := serve(t)
	app := workwxApp(base, vendorsim.DefaultSecret)
	codes := func(want int, err error) {
		t.Helper()
		require.Equal(t, want, int(as[*workwx.WorkwxClientError](t, err).Code))
	}
	_, err := workwxApp(base, "guess").ExternalContactListFollowUser()
	codes(40001, err)
	_, err = app.GetGroupChatInfo("wrTestChat0001", 0)
	codes(40050, err)
	_, err = app.GetGroupChatList(workwx.ReqChatList{Limit: 1001})
	codes(40058, err)
	_, err = app.GetGroupChatList(workwx.ReqChatList{Limit: 10, Cursor: "made-up"})
	codes(40035, err)
	_, err = app.GetGroupChatList(workwx.ReqChatList{
		OwnerFilter: workwx.ReqChatListOwnerFilter{UserIDList: []string{"nobody"}}, Limit: 10,
	})
	codes(40003, err)
	_, err = sim.Advance(2 * time.Hour)
	require.NoError(t, err)
	_, err = app.GetGroupChatInfo("wrTestChat0001", 0)
	codes(42001, err)
}
