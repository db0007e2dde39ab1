package contract

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/silenceper/wechat/v2/util"
	"github.com/silenceper/wechat/v2/work/externalcontact"
	"github.com/stretchr/testify/require"
	"github.com/xen0n/go-workwx"

	"syncd/internal/vendorsim"
)

// checkSilenceperMessages compares mass messages of a month, and their tasks and
// results, with the truth.
func checkSilenceperMessages(t *testing.T, sim *vendorsim.Sim, client *externalcontact.Client) {
	t.Helper()
	now := sim.Now()
	from := now.AddDate(0, 0, -27)
	var wanted, told []string
	for m := range sim.Messages(now) {
		if !m.CreatedAt.Before(from) {
			wanted = append(wanted, m.ID)
		}
	}
	seen := map[int]int{}
	for _, chatType := range []string{"single", "group"} {
		for cursor, pages := "", 0; ; pages++ {
			page, err := client.GetGroupMsgListV2(&externalcontact.GetGroupMsgListV2Request{
				ChatType: chatType, StartTime: from.Unix(), EndTime: now.Unix(), FilterType: 2, Limit: 20, Cursor: cursor,
			})
			require.NoError(t, err)
			for _, got := range page.GroupMsgList {
				want, made := sim.Message(got.MsgID, now)
				require.True(t, made)
				require.Equal(t, want.ChatType, chatType)
				require.Equal(t, silenceperMessage(t, want), got)
				told = append(told, got.MsgID)
				checkSilenceperSends(t, sim, client, want, seen)
			}
			if cursor = page.NextCursor; cursor == "" {
				require.Positive(t, pages)
				break
			}
		}
	}
	require.ElementsMatch(t, wanted, told)
	for _, what := range []int{0, 1, 3, 41093} {
		require.Positive(t, seen[what], "%v", seen)
	}
	_, err := client.GetGroupMsgListV2(&externalcontact.GetGroupMsgListV2Request{ChatType: "group", StartTime: 1, EndTime: now.Unix()})
	require.Equal(t, int64(600018), as[*util.CommonError](t, err).ErrCode)
	_, err = client.GetGroupMsgTask(&externalcontact.GetGroupMsgTaskRequest{MsgID: "msgTest0001"})
	require.Equal(t, int64(41047), as[*util.CommonError](t, err).ErrCode)
}

func silenceperMessage(t *testing.T, m vendorsim.Message) *externalcontact.GroupMsg {
	t.Helper()
	told := &externalcontact.GroupMsg{
		MsgID:      m.ID,
		Creator:    m.Creator,
		CreateTime: m.CreatedAt.Unix(),
		CreateType: m.CreateType,
		Text:       externalcontact.MsgText{Content: text(m.Text)},
	}
	if m.Attachments != "" {
		require.NoError(t, json.Unmarshal([]byte(m.Attachments), &told.Attachments))
	}
	for _, a := range told.Attachments {
		require.NotEqual(t, externalcontact.Attachment{MsgType: a.MsgType}, *a, "the client reads what is in it")
	}
	return told
}

// checkSilenceperSends follows the tasks and results of one message in small pages.
func checkSilenceperSends(t *testing.T, sim *vendorsim.Sim, client *externalcontact.Client, m vendorsim.Message, seen map[int]int) {
	t.Helper()
	now := sim.Now()
	refused := 0
	switch {
	case !m.CancelledAt.IsZero():
		refused = 41093
	case m.TasksAt.After(now):
		refused = 41063
	}
	var tasks []*externalcontact.Task
	for cursor := ""; ; {
		page, err := client.GetGroupMsgTask(&externalcontact.GetGroupMsgTaskRequest{MsgID: m.ID, Limit: 2, Cursor: cursor})
		if refused != 0 {
			require.Equal(t, int64(refused), as[*util.CommonError](t, err).ErrCode)
			seen[refused]++
			return
		}
		require.NoError(t, err)
		tasks = append(tasks, page.TaskList...)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	truth := sim.Tasks(m.ID, now)
	require.Len(t, tasks, len(truth))
	for i, want := range truth {
		told := &externalcontact.Task{UserID: want.Sender, Status: want.Status}
		if !want.SentAt.IsZero() {
			told.SendTime = int(want.SentAt.Unix())
		}
		require.Equal(t, told, tasks[i])
		checkSilenceperResults(t, sim, client, m, want.Sender, seen)
	}
}

func checkSilenceperResults(t *testing.T, sim *vendorsim.Sim, client *externalcontact.Client, m vendorsim.Message, sender string, seen map[int]int) {
	t.Helper()
	var sends []*externalcontact.Send
	for cursor := ""; ; {
		page, err := client.GetGroupMsgSendResult(&externalcontact.GetGroupMsgSendResultRequest{
			MsgID: m.ID, UserID: sender, Limit: 50, Cursor: cursor,
		})
		if !slices.Contains(sim.FollowUsers(sim.Now()), sender) {
			require.Equal(t, int64(40003), as[*util.CommonError](t, err).ErrCode, "resigned since")
			return
		}
		require.NoError(t, err)
		sends = append(sends, page.SendList...)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	truth := sim.Results(m.ID, sender, sim.Now())
	require.Len(t, sends, len(truth))
	for i, want := range truth {
		told := &externalcontact.Send{ExternalUserID: want.ExternalID, ChatID: want.ChatID, UserID: want.Sender, Status: want.Status}
		if !want.SentAt.IsZero() {
			told.SendTime = int(want.SentAt.Unix())
		}
		require.Equal(t, told, sends[i])
		seen[want.Status]++
	}
}

func checkSilenceperJoinWays(t *testing.T, sim *vendorsim.Sim, client *externalcontact.Client) {
	t.Helper()
	read, deleted := 0, 0
	for want := range sim.JoinWays(sim.Now()) {
		got, err := client.GetJoinWay(&externalcontact.JoinWayConfigRequest{ConfigID: want.ID})
		if !want.DeletedAt.IsZero() {
			require.Equal(t, int64(41044), as[*util.CommonError](t, err).ErrCode)
			deleted++
			continue
		}
		require.NoError(t, err)
		require.Equal(t, externalcontact.JoinWay{
			ConfigID:       want.ID,
			Scene:          want.Scene,
			Remark:         want.Remark,
			AutoCreateRoom: want.AutoCreateRoom,
			RoomBaseName:   want.RoomBaseName,
			RoomBaseID:     want.RoomBaseID,
			ChatIDList:     want.ChatIDs,
			QrCode:         want.QRCode,
			State:          want.State,
			MarkSource:     want.MarkSource != nil && *want.MarkSource,
		}, got.JoinWay)
		read++
	}
	require.Positive(t, read)
	require.Positive(t, deleted)
}

func TestWorkwxJoinWays(t *testing.T) {
	t.Parallel()
	sim, base := serve(t)
	app := workwxApp(base, vendorsim.DefaultSecret)
	read, deleted := 0, 0
	for want := range sim.JoinWays(sim.Now()) {
		got, err := app.ExternalContactGetGroupChatJoinWay(want.ID)
		if !want.DeletedAt.IsZero() {
			require.Equal(t, 41044, int(as[*workwx.WorkwxClientError](t, err).Code))
			deleted++
			continue
		}
		require.NoError(t, err)
		require.Equal(t, &workwx.ExternalContactGroupChatJoinWay{
			ConfigID: want.ID,
			QRCode:   want.QRCode,
			ExternalGroupChatJoinWay: workwx.ExternalGroupChatJoinWay{
				Scene:          want.Scene,
				Remark:         want.Remark,
				AutoCreateRoom: want.AutoCreateRoom,
				RoomBaseName:   want.RoomBaseName,
				RoomBaseID:     want.RoomBaseID,
				ChatIDs:        want.ChatIDs,
				State:          want.State,
			},
		}, got)
		read++
	}
	require.Positive(t, read)
	require.Positive(t, deleted)
}
