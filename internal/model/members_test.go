package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJudgeMembers(t *testing.T) {
	t.Parallel()
	people := func(ids ...string) (list []Member) {
		for _, id := range ids {
			list = append(list, Member{ID: id})
		}
		return list
	}
	owner := func(id string) Chat { return Chat{OwnerID: &id} }
	whole := ChatDetail{Chat: owner("li"), Members: people("li", "a")}
	for name, c := range map[string]struct {
		answer         ChatDetail
		known, missing int
		want           MemberVerdict
	}{
		"nobody is missing":                    {whole, 2, 0, MembersProven},
		"nobody is missing of nobody":          {ChatDetail{}, 0, 0, MembersProven},
		"one is missing":                       {whole, 3, 1, MembersProven},
		"nine of ten":                          {whole, 10, 9, MembersProven},
		"ten of eleven":                        {whole, 11, 10, MembersDoubtful},
		"ten of nineteen":                      {whole, 19, 10, MembersDoubtful},
		"half":                                 {whole, 20, 10, MembersProven},
		"less than half of many":               {whole, 500, 249, MembersProven},
		"more than half of many":               {whole, 500, 251, MembersDoubtful},
		"an empty list":                        {ChatDetail{Chat: owner("li")}, 2, 2, MembersDoubtful},
		"a list without the owner":             {ChatDetail{Chat: owner("li"), Members: people("a")}, 2, 1, MembersDoubtful},
		"no owner is told":                     {ChatDetail{Members: people("li")}, 2, 1, MembersDoubtful},
		"somebody is unreadable":               {ChatDetail{Chat: owner("li"), Members: people("li"), MembersUnread: 1}, 2, 1, MembersUnreadable},
		"somebody is unreadable, most missing": {ChatDetail{Chat: owner("li"), Members: people("li"), MembersUnread: 1}, 500, 499, MembersUnreadable},
		"somebody is unreadable, none missing": {ChatDetail{Chat: owner("li"), Members: people("li"), MembersUnread: 1}, 1, 0, MembersProven},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, JudgeMembers(c.answer, c.known, c.missing))
		})
	}
}
