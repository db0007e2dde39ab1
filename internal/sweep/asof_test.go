package sweep_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

// What the table said at any moment can be asked for later, whatever the vendor
// has corrected, withdrawn and told again since.
func TestOwnerStatAsOf(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 6)
	v.spec.Window.Backfill, v.spec.Window.Lookback = 8, 8
	rng := rand.New(rand.NewPCG(7, 7))
	const table = `select coalesce(string_agg(concat_ws(' ', owner_id, day, msg_total), E'\n' order by owner_id, day), '') from `
	type snapshot struct {
		at   time.Time
		rows string
	}
	said := []snapshot{{v.clock().Add(-time.Hour), ""}}
	for day := range 12 {
		for i := range 5 { // the sixth owner's figures never change
			v.bonus[ownerName(i)] = rng.Int64N(3)
			v.silent[ownerName(i)] = rng.IntN(3) == 0
		}
		res := v.pass(sweep.Request{Full: day == 7})
		require.Equal(t, model.OutcomeComplete, res.Outcome)
		v.advance(time.Hour)
		said = append(said, snapshot{v.clock(), v.scalar(table + "groupchat.owner_stat")})
		v.advance(23 * time.Hour)
	}
	require.NotEqual(t, "0", v.scalar("select count(*) from groupchat.owner_stat_history"))
	for i, s := range said {
		at := s.at.Format(time.RFC3339)
		require.Equal(t, s.rows, v.scalar(table+fmt.Sprintf("bi.owner_stat_as_of('%s'::timestamptz)", at)), "snapshot %d of %s", i, at)
		onDay := s.at.In(china).Format(time.DateOnly)
		if i > 0 {
			require.Equal(t, s.rows, v.scalar(table+fmt.Sprintf("bi.owner_stat_as_of('%s'::date)", onDay)), "end of %s", onDay)
		}
	}
	require.Equal(t, said[len(said)-1].rows, v.scalar(table+"bi.owner_stat_as_of('infinity'::timestamptz)"))
}
