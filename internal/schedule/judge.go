package schedule

import (
	"context"
	"errors"
	"fmt"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

// Judge is the verdict on a slice of a pass, from what sweep returned. away says
// whether an error only means that the database does not answer.
func Judge(res sweep.Result, err error, away func(error) bool) Verdict {
	if err != nil {
		return judgeOurs(err, away)
	}
	if res.More || res.Stopped {
		return Verdict{Kind: More}
	}
	if res.Outcome == model.OutcomeComplete {
		return Verdict{Kind: Done}
	}
	bad, vendors := errors.AsType[*fetch.Error](res.Reason)
	switch {
	case !vendors && res.Outcome == model.OutcomePartial:
		// Over, but for records that have times of their own to be tried again at.
		return Verdict{Kind: Done}
	case !vendors:
		return Verdict{Kind: Unknown, Err: res.Reason}
	}
	switch bad.Class {
	case fetch.ClassTransient:
		return Verdict{Kind: Transient, At: res.ResumeAt, Err: res.Reason}
	case fetch.ClassThrottled, fetch.ClassNotReady, fetch.ClassOutside:
		return Verdict{Kind: Later, At: res.ResumeAt, Err: res.Reason}
	case fetch.ClassAuth:
		return Verdict{Kind: Auth, Err: res.Reason}
	case fetch.ClassRefused:
		if bad.Remedy != "" {
			return Verdict{Kind: Config, Err: res.Reason}
		}
	}
	return Verdict{Kind: Unknown, Err: res.Reason}
}

// judgeOurs is about trouble that is not the vendor's.
func judgeOurs(err error, away func(error) bool) Verdict {
	held, isHeld := errors.AsType[*model.LeaseHeldError](err)
	switch {
	case isHeld:
		return Verdict{Kind: Busy, Err: held}
	case errors.Is(err, model.ErrLeaseLost):
		return Verdict{Kind: Busy, Err: err}
	case errors.Is(err, sweep.ErrStopped), errors.Is(err, context.Canceled):
		return Verdict{Kind: Stopped}
	case away != nil && away(err):
		return Verdict{Kind: Outage, Err: fmt.Errorf("the database does not answer: %w", err)}
	}
	return Verdict{Kind: Unknown, Err: err}
}
