package sweep_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/sweep"
)

// rosterless is a store that cannot list owners, and that commits whatever it was
// given before the run learns of it.
type rosterless struct {
	*store.Store
	err error
}

func (s rosterless) Roster(context.Context, model.Pass, time.Time) ([]model.OwnerBatch, error) {
	return nil, s.err
}

func (s rosterless) Commit(ctx context.Context, lease model.Lease, pass model.Pass, steps []model.Step,
) ([]model.StepResult, model.Counts, error) {
	return s.Store.Commit(context.WithoutCancel(ctx), lease, pass, steps)
}

// A chain that is too large stays open where the database does not tell what is to
// take its place: a pass without it would find everything gone.
func TestRosterThatCannotBeRead(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 10)
	v.sync()
	v.tooLarge = true
	spec := v.specs()[1]
	broken := rosterless{v.store, errors.New("connection reset by peer")}
	_, err := sweep.NewRunner("acme", v.source, broken, v.opts).Pass(t.Context(), spec, sweep.Request{})
	require.ErrorIs(t, err, broken.err)
	require.Equal(t, "1", v.scalar("select count(*) from sync.checkpoint where subject = 'status/0'"))

	res := v.sync("chats")["chats"]
	require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
	require.Zero(t, res.Closing.Candidates)
	require.Equal(t, int64(10), res.Pass.Counts.RowsRead)
}
