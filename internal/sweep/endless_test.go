package sweep_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

// passSoon runs a pass that is expected to end by itself; one that calls the
// vendor again and again is cut off after callsMax.
func (b *bench) passSoon(req sweep.Request, callsMax int64) sweep.Result {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	answer := b.source.answer
	b.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		if b.source.calls.Load() > callsMax {
			cancel()
		}
		return answer(chain, cursor)
	}
	res, err := b.runner().Pass(ctx, b.spec, req)
	require.NoError(b.t, err, "after %d calls", b.source.calls.Load())
	return res
}

// A circle of cursors that is longer than what one slice follows is noticed all
// the same.
func TestCircleLongerThanASlice(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(_ model.Chain, cursor string) (model.Page, error) {
		at, _ := strconv.Atoi(cursor)
		return model.Page{Chats: []model.Chat{{ID: "wr" + cursor}}, Next: strconv.Itoa(1 + (at+1)%60)}, nil
	})
	b.opts.SliceMax = time.Millisecond
	res := b.passSoon(sweep.Request{}, 3000)
	require.Equal(t, model.OutcomeFailed, res.Outcome)
	require.ErrorContains(t, res.Reason, "same cursor")
}
