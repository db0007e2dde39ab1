package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// OpenPass resumes the open pass of the lease's stream, or opens a new one with
// its chains or items. An open pass of another scope, one whose seen ids were
// lost in a crash of PostgreSQL, and one that is not full where plan asks for
// it, is abandoned first.
func (s *Store) OpenPass(ctx context.Context, lease model.Lease, plan model.PassPlan) (model.Pass, error) {
	scope := hashBytes(model.ScopeOf(plan.Spec))
	pass := model.Pass{Source: lease.Source, Stream: lease.Stream, Mode: plan.Spec.Mode, Scope: scope}
	follow(&pass, plan.Spec)
	err := s.fenced(ctx, lease, func(tx pgx.Tx) error {
		open, err := openPass(ctx, tx, pass)
		if err != nil {
			return err
		}
		if open != nil {
			reason, err := open.unfit(ctx, tx, scope, plan)
			if err != nil {
				return err
			}
			if reason == "" {
				pass = open.pass
				pass.Scope = scope
				follow(&pass, plan.Spec)
				if _, err = exec(ctx, tx, "pass_mark", pass.ID, model.OutcomeRunning, nil, nil); err != nil {
					return err
				}
				if plan.Spec.Shape == model.ShapeDetail {
					_, err = exec(ctx, tx, "item_retry", pass.Source, pass.Stream, pass.StartedAt, plan.Now)
					return err
				}
				return seedWindow(ctx, tx, pass, plan)
			}
			end := model.Ending{Outcome: model.OutcomeAbandoned, Reason: reason, At: plan.Now}
			if err := endPass(ctx, tx, open.pass, end, model.Closing{}, seenIDs{}); err != nil {
				return err
			}
		}
		return startPass(ctx, tx, &pass, plan)
	})
	if err != nil {
		return pass, fmt.Errorf("open pass: %w", err)
	}
	return pass, nil
}

// follow takes over what commits must know of the spec.
func follow(pass *model.Pass, spec model.StreamSpec) {
	pass.ConfirmedBy, pass.Confirms = spec.ConfirmedBy, spec.Confirms
	if len(spec.Lists) > 0 {
		pass.Counted = spec.Lists[0]
	}
	if spec.Window != nil {
		pass.Subjects = spec.Window.Subjects
	}
}

// openRow is an open pass as stored.
type openRow struct {
	pass  model.Pass
	scope int64
	// idsKept says that all ids that were noted still are.
	idsKept bool
}

func openPass(ctx context.Context, tx pgx.Tx, of model.Pass) (*openRow, error) {
	r := openRow{pass: model.Pass{Source: of.Source, Stream: of.Stream, Mode: of.Mode, Resumed: true}}
	c := &r.pass.Counts
	err := tx.QueryRow(ctx, q("pass_open_get"), of.Source, of.Stream, of.Mode).Scan(
		&r.pass.ID, &r.scope, &r.pass.Full, &r.pass.StartedAt, &r.idsKept,
		&c.Pages, &c.RowsRead, &c.RowsChanged, &c.Calls, &c.Retries, &c.Restarts,
		&c.Rejects, &c.RejectsBlind, &c.ItemsFailed, &c.ItemsRefused, &c.TotalFirst, &c.TotalLast)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no open pass is an ordinary answer
	}
	if err != nil {
		return nil, fmt.Errorf("pass_open_get: %w", err)
	}
	return &r, nil
}

// unfit says why an open pass cannot be resumed under plan, or "".
func (r *openRow) unfit(ctx context.Context, tx pgx.Tx, scope int64, plan model.PassPlan) (string, error) {
	switch {
	case r.scope != scope:
		return "its filters have changed in the configuration", nil
	case plan.Full && !r.pass.Full:
		return "a full pass was asked for", nil
	case plan.Spec.Shape != model.ShapeList:
		return "", nil
	case !r.idsKept:
		return "the ids it had seen were lost when PostgreSQL crashed", nil
	}
	open, err := checkpoints(ctx, tx, r.pass)
	if err != nil {
		return "", err
	}
	for _, cp := range open {
		params := plan.Spec.ParamsOf(cp.Chain)
		switch {
		case params == nil:
			return "its chain " + cp.Chain.Subject + " is not in the configuration any more", nil
		case cp.SameParams(params) && plan.Spec.Ascends(cp): // needs no cursor
		case !cp.Usable(params, plan.Spec.CursorTTL, plan.Now):
			return "the cursor of its chain " + cp.Chain.Subject + " is too old, or was born with other params", nil
		}
	}
	return "", nil
}

func startPass(ctx context.Context, tx pgx.Tx, pass *model.Pass, plan model.PassPlan) error {
	pass.StartedAt, pass.Full = plan.Now, plan.Full
	err := tx.QueryRow(ctx, q("pass_open"), pass.Source, pass.Stream, pass.Mode, plan.Trigger, pass.Scope,
		plan.Full, plan.Now).
		Scan(&pass.ID)
	if err != nil {
		return fmt.Errorf("pass_open: %w", err)
	}
	if err := noteScope(ctx, tx, *pass, plan.Now); err != nil {
		return err
	}
	if plan.Spec.Shape == model.ShapeDetail {
		return seedItems(ctx, tx, *pass, plan)
	}
	if plan.Spec.Shape == model.ShapeWindow {
		return seedWindow(ctx, tx, *pass, plan)
	}
	if _, err := exec(ctx, tx, "checkpoint_clear", pass.Source, pass.Stream, pass.ID); err != nil {
		return err
	}
	subjects := plan.Spec.Subjects
	if plan.Spec.Roster {
		unlisted, err := roster(ctx, tx, *pass, plan.Now, true)
		if err != nil {
			return err
		}
		for i, batch := range unlisted {
			subjects = append(slices.Clip(subjects), model.Subject{
				Name: fmt.Sprintf("unlisted/%d", i), Owners: batch.Owners, Params: plan.Spec.ForOwners(batch.Owners),
			})
		}
	}
	return openChains(ctx, tx, *pass, plan.Now, subjects, plan.Spec.Bounds)
}

// noteScope leaves a finding when the filters are not those of the pass before:
// what the new ones do not reach is not gone.
func noteScope(ctx context.Context, tx pgx.Tx, pass model.Pass, now time.Time) error {
	var was int64
	err := tx.QueryRow(ctx, q("pass_scope_get"), pass.Source, pass.Stream, pass.Mode).Scan(&was)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && was == pass.Scope {
		return nil
	}
	if err != nil {
		return fmt.Errorf("pass_scope_get: %w", err)
	}
	return addFinding(ctx, tx, pass, findingScope, "",
		"the filters in the configuration have changed; records that they do not reach any more stay as they are", "", now)
}

// openChains adds chains to a pass, all at their heads. Those of bounded subjects
// are frozen to what was created by its start: a full pass begins at the first
// record, whatever is held.
func openChains(ctx context.Context, tx pgx.Tx, pass model.Pass, now time.Time, subjects []model.Subject,
	bounds *model.BoundsSpec,
) error {
	var marks map[string]time.Time
	if bounds != nil && bounds.FromWatermark && !pass.Full {
		var err error
		if marks, err = watermarks(ctx, tx, pass); err != nil {
			return err
		}
	}
	var names, params []string
	var owners []*string
	var after, until []*time.Time
	for _, s := range subjects {
		chains, spans := bounds.Spans(s.Name, marks[s.Lane], pass.StartedAt)
		var restricted *string
		if s.Owners != nil {
			text, err := json.Marshal(s.Owners)
			if err != nil {
				return fmt.Errorf("owners of chain %s: %w", s.Name, err)
			}
			restricted = new(string(text))
		}
		for i, span := range spans {
			names, params, owners = append(names, chains[i]), append(params, string(s.Params)), append(owners, restricted)
			after, until = append(after, timeOrNull(span.After)), append(until, timeOrNull(span.Until))
		}
	}
	_, err := exec(ctx, tx, "checkpoint_open", pass.Source, pass.Stream, pass.ID, now, names, params, owners, after, until)
	return err
}

// watermarks are those of the lanes of the pass's stream that hold under its scope.
func watermarks(ctx context.Context, db querier, pass model.Pass) (map[string]time.Time, error) {
	marks := map[string]time.Time{}
	var lane string
	var mark time.Time
	err := each(ctx, db, "watermark_get", []any{pass.Source, pass.Stream, pass.Scope}, []any{&lane, &mark}, func() {
		marks[lane] = mark
	})
	if err != nil {
		return nil, err
	}
	return marks, nil
}

// rosterKeeps is how long an owner who is gone is still asked about: what they
// owned may not have been handed over yet.
const rosterKeeps = 180 * 24 * time.Hour

// roster lists owners in batches of at most [model.OwnerBatchMax]: only the
// unlisted ones, packed, or all, by their batch numbers.
func roster(ctx context.Context, db querier, pass model.Pass, now time.Time, unlisted bool) ([]model.OwnerBatch, error) {
	var batches []model.OwnerBatch
	var id string
	var number int
	err := each(ctx, db, "roster_get", []any{pass.Source, pass.Stream, now, unlisted, now.Add(-rosterKeeps)},
		[]any{&id, &number}, func() {
			n := len(batches)
			if n == 0 || len(batches[n-1].Owners) == model.OwnerBatchMax || (!unlisted && number != batches[n-1].Number) {
				batches = append(batches, model.OwnerBatch{Number: number})
				n++
			}
			batches[n-1].Owners = append(batches[n-1].Owners, id)
		})
	if err != nil {
		return nil, err
	}
	return batches, nil
}

// Roster lists the owners of the pass's source in batches, without those that
// the vendor has refused lately.
func (s *Store) Roster(ctx context.Context, pass model.Pass, now time.Time) ([]model.OwnerBatch, error) {
	return roster(ctx, s.pool, pass, now, false)
}

// Checkpoints lists the chains of an open list pass that are not done.
func (s *Store) Checkpoints(ctx context.Context, pass model.Pass) ([]model.Checkpoint, error) {
	return checkpoints(ctx, s.pool, pass)
}

func checkpoints(ctx context.Context, db querier, pass model.Pass) ([]model.Checkpoint, error) {
	rows, err := db.Query(ctx, q("checkpoint_list"), pass.Source, pass.Stream, pass.ID)
	if err != nil {
		return nil, fmt.Errorf("checkpoint_list: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (model.Checkpoint, error) {
		cp := model.Checkpoint{PassID: pass.ID, Chain: model.Chain{Source: pass.Source, Stream: pass.Stream}}
		var params string
		var mark, after, until *time.Time
		err := row.Scan(&cp.Chain.Subject, &params, &cp.Cursor, &cp.Version, &cp.Pages, &cp.Restarts, &cp.UpdatedAt,
			&cp.Chain.Owners, &mark, &after, &until, &cp.Resumes, &cp.Unordered)
		cp.Chain.Params = json.RawMessage(params)
		cp.Watermark = timeOrZero(mark)
		cp.Chain.Bounds = model.Bounds{After: timeOrZero(after), Until: timeOrZero(until)}
		return cp, err
	})
	if err != nil {
		return nil, fmt.Errorf("checkpoint_list: %w", err)
	}
	return list, nil
}

// DueItems lists up to limit items that the pass still has to read, in the order
// in which to read them.
func (s *Store) DueItems(ctx context.Context, pass model.Pass, limit int) ([]model.Item, error) {
	rows, err := s.pool.Query(ctx, q("item_due"), pass.Source, pass.Stream, pass.StartedAt, limit)
	if err != nil {
		return nil, fmt.Errorf("item_due: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (model.Item, error) {
		var it model.Item
		var params *string
		var born *time.Time
		err := row.Scan(&it.Subject, &it.DueAt, &it.Failures, &it.Doubtful, &params, &born)
		it.BornAt = timeOrZero(born)
		if params != nil {
			it.Params = json.RawMessage(*params)
		}
		return it, err
	})
	if err != nil {
		return nil, fmt.Errorf("item_due: %w", err)
	}
	return list, nil
}

// CountDue counts the items that the pass still has to read.
func (s *Store) CountDue(ctx context.Context, pass model.Pass) (int64, error) {
	var n int64
	err := s.pool.QueryRow(ctx, q("item_count"), pass.Source, pass.Stream, pass.StartedAt).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("item_count: %w", err)
	}
	return n, nil
}

// CountUnread counts the items that failed in the pass and have not been read
// since. What the vendor says is gone or out of sight is not among them.
func (s *Store) CountUnread(ctx context.Context, pass model.Pass) (int64, error) {
	var n int64
	err := s.pool.QueryRow(ctx, q("item_unread"), pass.Source, pass.Stream, pass.StartedAt).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("item_unread: %w", err)
	}
	return n, nil
}

// Totals are the greatest totals that the vendor gave for the chains of an open
// list pass, by subject; a chain without is not among them.
func (s *Store) Totals(ctx context.Context, pass model.Pass) (map[string]int64, error) {
	totals := map[string]int64{}
	var subject string
	var total int64
	err := each(ctx, s.pool, "page_total_get", []any{pass.ID}, []any{&subject, &total}, func() {
		totals[subject] = total
	})
	if err != nil {
		return nil, err
	}
	return totals, nil
}

// Recounted adds calls to an open pass, and says whether records had moved.
func (s *Store) Recounted(ctx context.Context, lease model.Lease, pass model.Pass, calls int, moved bool) error {
	return s.fenced(ctx, lease, func(tx pgx.Tx) error {
		_, err := exec(ctx, tx, "pass_shift", pass.ID, calls, moved)
		return err
	})
}

// MarkPass says why an open pass does not go on just now.
func (s *Store) MarkPass(ctx context.Context, lease model.Lease, pass model.Pass, outcome model.Outcome,
	reason string, resumeAt time.Time,
) error {
	return s.fenced(ctx, lease, func(tx pgx.Tx) error {
		_, err := exec(ctx, tx, "pass_mark", pass.ID, outcome, textOrNull(reason), timeOrNull(resumeAt))
		return err
	})
}

// ClosePass ends a pass. A list pass that is complete gets the verdict that its
// facts allow; a complete verdict makes candidates of what it missed, which the
// breaker may hold back.
func (s *Store) ClosePass(ctx context.Context, lease model.Lease, pass model.Pass, spec model.StreamSpec,
	end model.Ending,
) (model.Closing, error) {
	var closing model.Closing
	err := s.fenced(ctx, lease, func(tx pgx.Tx) error {
		closing = model.Closing{}
		if spec.Shape != model.ShapeList {
			return endPass(ctx, tx, pass, end, closing, seenIDs{})
		}
		ids, err := countIDs(ctx, tx, pass)
		if err != nil {
			return err
		}
		if end.Outcome == model.OutcomeComplete {
			totals, err := certify(ctx, tx, pass, end, ids, &closing)
			if err != nil {
				return err
			}
			if err := judgeDrift(ctx, tx, pass, spec, end, totals, ids, &closing); err != nil {
				return err
			}
			if err := missed(ctx, tx, pass, spec, end, &closing); err != nil {
				return err
			}
			marks := spec.Marks(pass.StartedAt)
			for _, lane := range sortedKeys(marks) {
				if _, err := exec(ctx, tx, "watermark_raise", pass.Source, pass.Stream, lane, pass.Scope, marks[lane]); err != nil {
					return err
				}
			}
		}
		ended := end
		if closing.Why != "" {
			ended.Reason = closing.Why
		}
		return endPass(ctx, tx, pass, ended, closing, ids)
	})
	if err != nil {
		return closing, fmt.Errorf("close pass: %w", err)
	}
	return closing, nil
}

// seenIDs counts the ids that a list pass has noted: different ones, and all.
type seenIDs struct {
	distinct, all int64
	// counted are those that the vendor's totals count, nil without totals; moved
	// says that they do not agree.
	counted *int64
	moved   bool
}

func countIDs(ctx context.Context, tx pgx.Tx, pass model.Pass) (seenIDs, error) {
	var ids seenIDs
	if err := tx.QueryRow(ctx, q("page_count"), pass.ID).Scan(&ids.distinct, &ids.all); err != nil {
		return ids, fmt.Errorf("page_count: %w", err)
	}
	if err := tx.QueryRow(ctx, q("page_totals"), pass.ID).Scan(&ids.counted, &ids.moved); err != nil {
		return ids, fmt.Errorf("page_totals: %w", err)
	}
	return ids, nil
}

func endPass(ctx context.Context, tx pgx.Tx, pass model.Pass, end model.Ending, closing model.Closing, ids seenIDs) error {
	if _, err := exec(ctx, tx, "checkpoint_clear", pass.Source, pass.Stream, pass.ID); err != nil {
		return err
	}
	if _, err := exec(ctx, tx, "page_clear", pass.ID); err != nil {
		return err
	}
	_, err := exec(ctx, tx, "pass_close", pass.ID, end.Outcome, textOrNull(string(closing.Verdict)), textOrNull(end.Reason),
		end.At, ids.distinct, ids.all-ids.distinct, ids.counted, closing.Lacking)
	return err
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	s = cleanText(s)
	return &s
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func timeOrZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
