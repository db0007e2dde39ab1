package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// victim is the chat that faults of one record strike: the one that has most
// members, 40.
const victim = "#7"

// What the vendor says against one chat stays at that chat: the others land in
// the same sync, and so does this one in the next.
func TestFaultsOfOneChat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault string
		code  int
		says  string
		// noted is last_error_code of the chat.
		noted string
	}{
		"unknown chat":         {"gone:code=40050", exitOK, "1 gone or out of sight", "40050"},
		"dismissed":            {"gone:code=49008", exitOK, "1 gone or out of sight", "49008"},
		"no customer group":    {"gone:code=90501", exitOK, "1 gone or out of sight", "90501"},
		"not of this vendor":   {"gone:code=90509", exitOK, "1 gone or out of sight", "90509"},
		"out of sight":         {"errcode:code=60011,on=get", exitOK, "1 gone or out of sight", "60011"},
		"busy three times":     {"busy:times=3", exitPartial, "1 items could not be read; each is due again after a pause", "-1"},
		"unknown code":         {"errcode:code=987654,on=get", exitPartial, "1 items could not be read", "987654"},
		"parameters refused":   {"errcode:code=40058,on=get", exitPartial, "1 items could not be read", "40058"},
		"a page of a gateway":  {"gateway:on=get", exitPartial, "1 items could not be read", "http 502"},
		"connection dropped":   {"drop:on=get", exitPartial, "1 items could not be read", "network"},
		"body beyond the cap":  {"huge:bytes=2000000", exitPartial, "1 items could not be read", "body"},
		"bomb":                 {"huge:bytes=5000000,as=gzip", exitPartial, "1 items could not be read", "body"},
		"answer about another": {"other-chat", exitPartial, "1 items could not be read", "body"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t, strikeVictim(c.fault))
			r := s.sync()
			require.Equal(t, c.code, r.code, r)
			require.Contains(t, r.stdout, c.says)
			s.allStruck()
			require.Equal(t, faultChats-1, scalar[int](s, "select count(*) from groupchat.chat where detail_at is not null"))
			require.Equal(t, faultChats, scalar[int](s, "select count(*) from groupchat.chat where gone_at is null"))
			require.Equal(t, c.noted, scalar[string](s, "select last_error_code from sync.item where failures = 1 and due_at > failed_at"))
			s.recovers()
			s.sameAsCalm()
		})
	}
}

func strikeVictim(fault string) string {
	if strings.Contains(fault, ":") {
		return fault + ",chat=" + victim
	}
	return fault + ":chat=" + victim
}

// What is strange within an answer is kept aside or mended; the rest of the
// answer lands, and the sync is complete.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []string
		// finds must return true right after the sync.
		finds string
		// lasting is what differs from a calm site for good.
		lasting []string
	}{
		"member without readable id": {
			[]string{"unreadable:on=get,as=lost,chat=" + victim},
			`select count(*) = 1 and min(raw) like '%"userid":{"unexpected":true}%' and min(id) = '' and min(parent) like 'wr%'
			   from sync.reject where kind = 'member' and reason = 'no readable userid'`, nil,
		},
		"member with readable id": {
			[]string{"unreadable:on=get,as=kept,row=2,chat=" + victim},
			`select count(*) = 1 and min(raw) like '%"join_time":{"unexpected":true}%' and min(id) <> ''
			   from sync.reject where kind = 'member' and reason = 'no readable join_time'`, nil,
		},
		"one more member that is none": {
			[]string{"unreadable:on=get,as=stranger", "unreadable:on=get,as=nameless,row=1"},
			`select count(*) = 50 from sync.reject where kind = 'member'`, nil,
		},
		"listed chat with unreadable status": {
			[]string{"unreadable:as=kept,page=next,at=1,row=2"},
			`select count(*) = 1 from groupchat.chat where extra->'status' = '{"unexpected": true}' and status is null`,
			[]string{"chat.extra", "chat_history"},
		},
		"NUL":            {[]string{"bad-text", "bad-text:on=list"}, replaced, spoiledNames},
		"bare NUL":       {[]string{"bad-text:text=bare-nul", "bad-text:text=bare-nul,on=list"}, replaced, spoiledNames},
		"lone surrogate": {[]string{"bad-text:text=surrogate", "bad-text:text=surrogate,on=list"}, replaced, spoiledNames},
		"bad UTF-8":      {[]string{"bad-text:text=utf8", "bad-text:text=utf8,on=list"}, replaced, spoiledNames},
		"unknown fields": {
			[]string{"unknown-fields"},
			`select (select bool_and(extra->'limits' = '{"max": 500, "tags": ["a", 1, null]}') from groupchat.chat)
			    and (select bool_and(extra->>'corp_full_name' = '示例') from groupchat.chat_member)`,
			[]string{"chat.extra"},
		},
		"members twice": {
			[]string{"rows-doubled:on=get"}, `select count(*) = 25 from groupchat.chat where detail_at is not null`, nil,
		},
		"no members":                {[]string{"no-rows:on=get,chat=" + victim}, `select max(member_count) < 40 from groupchat.chat`, nil},
		"members without the owner": {[]string{"no-owner"}, `select true`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t, c.faults...)
			r := s.sync()
			require.Equal(t, exitOK, r.code, r)
			s.allStruck()
			require.True(t, scalar[bool](s, c.finds), r)
			require.Equal(t, faultChats, scalar[int](s, "select count(*) from groupchat.chat where detail_at is not null and gone_at is null"))
			s.recovers()
			s.sameAsCalm(c.lasting...)
		})
	}
}

const replaced = `select (select bool_and(name like '�%') from groupchat.chat)
	and (select bool_and(name like '�%' and group_nickname like '�%') from groupchat.chat_member)
	and (select bool_and(extra->>'remark' like '�%') from groupchat.chat)`

// spoiledNames last: a field once seen stays, and a former name is history.
var spoiledNames = []string{"chat.extra", "chat_history"}
