package vendorsim

import "strconv"

// Figures are one row of the statistics, named as in vendor doc 92133. Chats and
// members are counted at the end of the day; who is in two chats is two members,
// as owner and staff are. So sums over owners are exact.
type Figures struct {
	// NewChatCnt is chats created that day that their owner has at its end.
	NewChatCnt int
	// ChatTotal is chats owned.
	ChatTotal int
	// ChatHasMsg is chats with a message that day.
	ChatHasMsg int
	// NewMemberCnt is members who joined that day and are in at its end.
	NewMemberCnt int
	// MemberTotal is the length of all member lists.
	MemberTotal int
	// MemberHasMsg is members who sent a message that day.
	MemberHasMsg int
	// MsgTotal is messages of that day.
	MsgTotal int
	// MigrateTraineeChatCnt is class groups that were migrated; 0, and not in the
	// answer, without [Options.Education].
	MigrateTraineeChatCnt int
}

// plus adds the figures of another owner, field by field.
func (f Figures) plus(g Figures) Figures {
	return Figures{
		NewChatCnt:            f.NewChatCnt + g.NewChatCnt,
		ChatTotal:             f.ChatTotal + g.ChatTotal,
		ChatHasMsg:            f.ChatHasMsg + g.ChatHasMsg,
		NewMemberCnt:          f.NewMemberCnt + g.NewMemberCnt,
		MemberTotal:           f.MemberTotal + g.MemberTotal,
		MemberHasMsg:          f.MemberHasMsg + g.MemberHasMsg,
		MsgTotal:              f.MsgTotal + g.MsgTotal,
		MigrateTraineeChatCnt: f.MigrateTraineeChatCnt + g.MigrateTraineeChatCnt,
	}
}

// most is the larger of each field.
func (f Figures) most(g Figures) Figures {
	return Figures{
		NewChatCnt:            max(f.NewChatCnt, g.NewChatCnt),
		ChatTotal:             max(f.ChatTotal, g.ChatTotal),
		ChatHasMsg:            max(f.ChatHasMsg, g.ChatHasMsg),
		NewMemberCnt:          max(f.NewMemberCnt, g.NewMemberCnt),
		MemberTotal:           max(f.MemberTotal, g.MemberTotal),
		MemberHasMsg:          max(f.MemberHasMsg, g.MemberHasMsg),
		MsgTotal:              max(f.MsgTotal, g.MsgTotal),
		MigrateTraineeChatCnt: max(f.MigrateTraineeChatCnt, g.MigrateTraineeChatCnt),
	}
}

// period collects the days of one owner into the one row of a range. The vendor's
// documents only say "new" of the new_* figures and "as of the day" of the rest.
type period struct {
	sum, peak, last Figures
	days            int
}

func (p *period) add(f Figures) {
	p.sum, p.peak, p.last = p.sum.plus(f), p.peak.most(f), f
	p.days++
}

// figures is the row: what flows is summed, stocks are those of the last day.
// Chats and members that had a message are counted once: one in three of those
// beyond the best day is somebody else. Of a single day it is that day.
func (p *period) figures() Figures {
	f := p.last
	f.NewChatCnt, f.NewMemberCnt, f.MsgTotal = p.sum.NewChatCnt, p.sum.NewMemberCnt, p.sum.MsgTotal
	f.ChatHasMsg = min((2*p.peak.ChatHasMsg+p.sum.ChatHasMsg)/3, p.peak.ChatTotal)
	f.MemberHasMsg = min((2*p.peak.MemberHasMsg+p.sum.MemberHasMsg)/3, p.peak.MemberTotal)
	return f
}

// appendFigures appends the data object of vendor doc 92133.
func appendFigures(dst []byte, f Figures, education bool, q quirks) []byte {
	fields := [...]struct {
		name string
		n    int
	}{
		{`{"new_chat_cnt":`, f.NewChatCnt},
		{`,"chat_total":`, f.ChatTotal},
		{`,"chat_has_msg":`, f.ChatHasMsg},
		{`,"new_member_cnt":`, f.NewMemberCnt},
		{`,"member_total":`, f.MemberTotal},
		{`,"member_has_msg":`, f.MemberHasMsg},
		{`,"msg_total":`, f.MsgTotal},
		{`,"migrate_trainee_chat_cnt":`, f.MigrateTraineeChatCnt},
	}
	shown := fields[:]
	if !education {
		shown = fields[:len(fields)-1]
	}
	for _, field := range shown {
		dst = append(dst, field.name...)
		dst = appendNumber(dst, int64(field.n), q)
	}
	if !education && q&quirkNull != 0 {
		dst = append(dst, `,"migrate_trainee_chat_cnt":null`...)
	}
	if q&quirkUnknown != 0 {
		dst = append(dst, `,"redpacket_cnt":`...)
		dst = strconv.AppendInt(dst, int64(f.ChatHasMsg), 10)
	}
	return append(dst, '}')
}
