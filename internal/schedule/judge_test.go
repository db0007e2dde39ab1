package schedule

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	partial, failed := model.OutcomePartial, model.OutcomeFailed
	because := func(class fetch.Class, remedy string) error {
		return fmt.Errorf("page 7: %w", &fetch.Error{Class: class, Remedy: remedy})
	}
	gone := errors.New("connection refused")
	for name, c := range map[string]struct {
		res  sweep.Result
		err  error
		kind Kind
		at   time.Time
	}{
		"complete":              {res: sweep.Result{Outcome: model.OutcomeComplete}, kind: Done},
		"a slice":               {res: sweep.Result{Outcome: model.OutcomeRunning, More: true}, kind: More},
		"to be repeated":        {res: sweep.Result{Outcome: model.OutcomeComplete, More: true}, kind: More},
		"more":                  {res: sweep.Result{Outcome: partial, Stopped: true}, kind: More},
		"some items unreadable": {res: sweep.Result{Outcome: partial, Reason: errors.New("3 items could not be read")}, kind: Done},
		"transient":             {res: sweep.Result{Outcome: partial, Reason: because(fetch.ClassTransient, "")}, kind: Transient},
		"throttled":             {res: sweep.Result{Outcome: partial, Reason: because(fetch.ClassThrottled, "x"), ResumeAt: at}, kind: Later, at: at},
		"not ready":             {res: sweep.Result{Outcome: failed, Reason: because(fetch.ClassNotReady, "")}, kind: Later},
		"auth":                  {res: sweep.Result{Outcome: failed, Reason: because(fetch.ClassAuth, "check the secret")}, kind: Auth},
		"refused with a remedy": {res: sweep.Result{Outcome: failed, Reason: because(fetch.ClassRefused, "correct query_dsl")}, kind: Config},
		"refused without one":   {res: sweep.Result{Outcome: failed, Reason: because(fetch.ClassRefused, "")}, kind: Unknown},
		"denied":                {res: sweep.Result{Outcome: failed, Reason: because(fetch.ClassDenied, "ask for it")}, kind: Unknown},
		"malformed":             {res: sweep.Result{Outcome: failed, Reason: because(fetch.ClassMalformed, "")}, kind: Unknown},
		"too many pages":        {res: sweep.Result{Outcome: failed, Reason: errors.New("too many pages")}, kind: Unknown},
		"held":                  {err: fmt.Errorf("x: %w", &model.LeaseHeldError{}), kind: Busy},
		"lost":                  {err: model.ErrLeaseLost, kind: Busy},
		"stopped":               {err: fmt.Errorf("wait: %w", sweep.ErrStopped), kind: Stopped},
		"cancelled":             {err: context.Canceled, kind: Stopped},
		"database away":         {err: fmt.Errorf("commit: %w", gone), kind: Outage},
		"a bug":                 {err: errors.New("column does not exist"), kind: Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := Judge(c.res, c.err, func(err error) bool { return errors.Is(err, gone) })
			require.Equal(t, c.kind, v.Kind)
			require.Equal(t, c.at, v.At)
			if c.kind != Done && c.kind != More && c.kind != Stopped {
				require.Error(t, v.Err)
			}
		})
	}
}
