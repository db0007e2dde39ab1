package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/util"
	"github.com/silenceper/wechat/v2/work"
	"github.com/silenceper/wechat/v2/work/config"
	"github.com/silenceper/wechat/v2/work/externalcontact"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// Not parallel: where this client finds the vendor is a setting of the process.
//
//nolint:paralleltest // see above
func TestSilenceper(t *testing.T) {
	sim, base := serve(t)
	util.SetURIModifier(func(uri string) string {
		path, ok := strings.CutPrefix(uri, "https://qyapi.weixin.qq.com")
		require.True(t, ok, uri)
		return base + path
	})
	client := work.NewWork(&config.Config{
		CorpID:     vendorsim.DefaultCorpID,
		CorpSecret: vendorsim.DefaultSecret,
		AgentID:    "1000002",
		Cache:      cache.NewMemory(),
	}).GetExternalContact()

	users, err := client.GetFollowUserList()
	require.NoError(t, err)
	require.Equal(t, sim.FollowUsers(sim.Now()), users)

	listed := listAll(t, func(cursor string) ([]row, string, error) {
		page, err := client.GetGroupChatList(&externalcontact.GroupChatListRequest{Cursor: cursor, Limit: pageRows})
		if err != nil {
			return nil, "", err
		}
		var rows []row
		for _, chat := range page.GroupChatList {
			rows = append(rows, row{chat.ChatID, int64(chat.Status)})
		}
		return rows, page.NextCursor, nil
	})
	require.Equal(t, truth(sim), listed)

	for want := range sim.Chats(sim.Now()) {
		got, err := client.GetGroupChatDetail(&externalcontact.GroupChatDetailRequest{ChatID: want.ID, NeedName: 1})
		require.NoError(t, err)
		require.Equal(t, silenceperChat(want), got.GroupChat)
	}
	checkCalls(t, sim, vendorsim.EndpointToken, 1)
	checkCalls(t, sim, vendorsim.EndpointChatGet, len(listed))

	checkSilenceperStatistics(t, sim, client)
	checkSilenceperMessages(t, sim, client)
	checkSilenceperJoinWays(t, sim, client)

	_, err = client.GetGroupChatDetail(&externalcontact.GroupChatDetailRequest{ChatID: "wrTestChat0001"})
	require.Equal(t, int64(40050), as[*util.CommonError](t, err).ErrCode)
}

func silenceperChat(c vendorsim.Chat) externalcontact.GroupChat {
	chat := externalcontact.GroupChat{
		ChatID:        c.ID,
		Name:          c.Name,
		Owner:         c.Owner,
		CreateTime:    c.CreatedAt.Unix(),
		Notice:        text(c.Notice),
		MemberVersion: c.MemberVersion,
		MemberList:    []externalcontact.GroupChatMember{},
	}
	for _, m := range c.Members {
		chat.MemberList = append(chat.MemberList, externalcontact.GroupChatMember{
			UserID:        m.ID,
			Type:          m.Type,
			JoinTime:      int(m.JoinedAt.Unix()),
			JoinScene:     m.JoinScene,
			Invitor:       externalcontact.Invitor{UserID: m.Invitor},
			GroupNickname: m.GroupNickname,
			Name:          m.Name,
			UnionID:       m.UnionID,
			State:         m.State,
		})
	}
	if c.Admins != nil {
		chat.AdminList = []externalcontact.GroupChatAdmin{}
	}
	for _, id := range c.Admins {
		chat.AdminList = append(chat.AdminList, externalcontact.GroupChatAdmin{UserID: id})
	}
	return chat
}

// checkSilenceperStatistics compares each figure of every owner and day that this
// client is told with the simulator's truth. It sends 0 for an order_by that is
// not set.
func checkSilenceperStatistics(t *testing.T, sim *vendorsim.Sim, client *externalcontact.Client) {
	t.Helper()
	now := sim.Now()
	filter := externalcontact.OwnerFilter{UseridList: sim.FollowUsers(now)}
	first, last := now.AddDate(0, 0, -90), now.AddDate(0, 0, -61)
	for date := first; !date.After(last); date = date.AddDate(0, 0, 1) {
		told := 0
		for offset, total := 0, 1; offset < total; {
			page, err := client.GetGroupChatStat(&externalcontact.GetGroupChatStatRequest{
				DayBeginTime: int(date.Unix()), DayEndTime: int(date.Unix()), OwnerFilter: filter, Offset: offset, Limit: 2,
			})
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Items), 2)
			for _, item := range page.Items {
				want, row := sim.OwnerDay(item.Owner, date, now)
				require.True(t, row)
				require.Equal(t, silenceperFigures(want), item.Data)
				told++
			}
			require.Greater(t, page.NextOffset, offset)
			offset, total = page.NextOffset, page.Total
		}
		require.Positive(t, told)
	}
	days, err := client.GetGroupChatStatByDay(&externalcontact.GetGroupChatStatByDayRequest{
		DayBeginTime: int(first.Unix()), DayEndTime: int(last.Unix()), OwnerFilter: filter,
	})
	require.NoError(t, err)
	require.Len(t, days, 30)
	for i, item := range days {
		date := first.AddDate(0, 0, i)
		want, row := sim.DayTotal(filter.UseridList, date, now)
		require.True(t, row)
		require.Equal(t, silenceperFigures(want), item.Data)
		require.Equal(t, time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, date.Location()).Unix(), int64(item.StatTime))
	}
	_, err = client.GetGroupChatStatByDay(&externalcontact.GetGroupChatStatByDayRequest{
		DayBeginTime: int(now.Unix()), DayEndTime: int(now.Unix()), OwnerFilter: filter,
	})
	require.Equal(t, int64(600018), as[*util.CommonError](t, err).ErrCode)
}

func silenceperFigures(f vendorsim.Figures) externalcontact.GroupChatStatItemData {
	return externalcontact.GroupChatStatItemData{
		NewChatCnt:            f.NewChatCnt,
		ChatTotal:             f.ChatTotal,
		ChatHasMsg:            f.ChatHasMsg,
		NewMemberCnt:          f.NewMemberCnt,
		MemberTotal:           f.MemberTotal,
		MemberHasMsg:          f.MemberHasMsg,
		MsgTotal:              f.MsgTotal,
		MigrateTraineeChatCnt: f.MigrateTraineeChatCnt,
	}
}
