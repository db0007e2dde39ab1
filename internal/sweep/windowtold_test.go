package sweep

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
)

// An answer by day that is of other days than those that were asked for leaves no
// day empty: it may be another question's.
func TestAnswerOfOtherDaysIsNoEmptyDay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	today := model.DayOf(now, time.UTC)
	days := model.Span{From: today.Add(-3), To: today.Add(-1)}
	j := job{days: days, StatCall: model.StatCall{By: model.StatByDay, Owners: []string{"u1"}, From: days.From, To: days.To}}
	aside := func(day model.Day) []model.Reject {
		return []model.Reject{{Kind: "stat", ID: day.String(), Parent: "u1"}}
	}

	moves := outcomes(j, model.Page{Rejects: aside(today.Add(-30))}, today, now)
	require.Len(t, moves, 1)
	require.Equal(t, days, moves[0].Days)
	require.Equal(t, codeUnreadable, moves[0].RefusedCode)

	row := model.OwnerStat{OwnerID: "u1", Day: today.Add(-2)}
	moves = outcomes(j, model.Page{OwnerStats: []model.OwnerStat{row}, Rejects: aside(today)}, today, now)
	require.Len(t, moves, 3)
	require.Equal(t, []string{codeUnreadable, "", codeUnreadable},
		[]string{moves[0].RefusedCode, moves[1].RefusedCode, moves[2].RefusedCode})

	moves = outcomes(j, model.Page{Rejects: aside(today.Add(-1))}, today, now)
	require.Len(t, moves, 2)
	require.Equal(t, []string{"", codeUnreadable}, []string{moves[0].RefusedCode, moves[1].RefusedCode}, "that day alone")
	require.Empty(t, outcomes(j, model.Page{}, today, now)[0].RefusedCode, "nothing to tell is an answer")
}
