package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// The rules of [Store.Verify]. Their names stand in sync.finding.kind.
const (
	// RuleNeverDetailed: a chat that was listed has been read.
	RuleNeverDetailed = "never_detailed"
	// RuleUnknownOwner: who has statistics is a known owner.
	RuleUnknownOwner = "unknown_owner"
	// RulePassTotal: a list had as many records as the vendor counted.
	RulePassTotal = "pass_total"
	// ruleSum and a figure: the owners of a day add up to the vendor's total.
	ruleSum = "sum_"
)

// VerifyRules lists all rules, in the order in which they are looked at. The last
// ones are sum_ and a figure of groupchat.owner_stat: its sum over the owners of
// a day is the day's total, or for people, who may be in chats of two owners, is
// not less.
func VerifyRules() []string {
	rules := []string{RuleNeverDetailed, RuleUnknownOwner, RulePassTotal}
	for _, figure := range ownerStatColumns[3:11] {
		rules = append(rules, ruleSum+figure)
	}
	return rules
}

// Finding is one thing that does not fit together: a row of sync.finding.
type Finding struct {
	Stream, Rule, Subject string
	// Detail says what is wrong, Remedy is the command that reads it again, "" where
	// the vendor does not tell it any more.
	Detail, Remedy string
}

// Verification is what a verify has looked at and found.
type Verification struct {
	Findings []Finding
	// DaysCompared is how many days have a total of the vendor's and the figures of
	// the same owners.
	DaysCompared int64
}

// Verify holds what is stored of a source against itself, by every rule but those
// to skip, and writes what it finds to sync.finding. Findings of earlier times
// that stand no more are marked as cleared. lists are the streams that are lists.
func (s *Store) Verify(ctx context.Context, source string, lists, skip []string, now time.Time) (Verification, error) {
	rules := slices.DeleteFunc(VerifyRules(), func(rule string) bool { return slices.Contains(skip, rule) })
	windows, err := s.WindowStatuses(ctx, source, now)
	if err != nil {
		return Verification{}, err
	}
	v := &verification{source: source, now: now, lists: lists, windows: windows}
	// All rules see the same moment, and sync.finding changes at once.
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		v.Findings, v.DaysCompared = nil, 0
		for _, look := range []func(context.Context, pgx.Tx) error{v.neverDetailed, v.unknownOwners, v.passTotals, v.sums} {
			if err := look(ctx, tx); err != nil {
				return err
			}
		}
		v.Findings = slices.DeleteFunc(v.Findings, func(f Finding) bool { return !slices.Contains(rules, f.Rule) })
		return putFindings(ctx, tx, source, v.Findings, rules, now)
	})
	if err != nil {
		return Verification{}, fmt.Errorf("verify %s: %w", source, err)
	}
	return v.Verification, nil
}

type verification struct {
	Verification
	source  string
	now     time.Time
	lists   []string
	windows map[string]WindowStatus
}

func (v *verification) add(stream, rule, subject, detail, remedy string) {
	v.Findings = append(v.Findings, Finding{Stream: stream, Rule: rule, Subject: subject, Detail: detail, Remedy: remedy})
}

func (v *verification) neverDetailed(ctx context.Context, tx pgx.Tx) error {
	var chat, code string
	var waits bool
	args := []any{v.source, v.now}
	return each(ctx, tx, "verify_never_detailed", args, []any{&chat, &code, &waits}, func() {
		detail, remedy := "listed, and its members were never read", "syncd sync "+v.source+"/members"
		if waits {
			remedy += " --full" // or it would be left alone
		}
		if code != "" {
			detail += "; the latest try ended with " + code
		}
		v.add("members", RuleNeverDetailed, chat, detail, remedy)
	})
}

func (v *verification) unknownOwners(ctx context.Context, tx pgx.Tx) error {
	var owner string
	var days, periods int64
	return each(ctx, tx, "verify_unknown_owner", []any{v.source}, []any{&owner, &days, &periods}, func() {
		v.add("owner_stats", RuleUnknownOwner, owner,
			fmt.Sprintf("has figures of %d days and %d periods, and is not in groupchat.owner", days, periods),
			"syncd sync "+v.source+"/owners")
	})
}

func (v *verification) passTotals(ctx context.Context, tx pgx.Tx) error {
	var stream string
	var pass, distinct int64
	var first, last *int64
	args := []any{v.source, v.lists}
	return each(ctx, tx, "verify_pass_total", args, []any{&stream, &pass, &distinct, &first, &last}, func() {
		told := func(n *int64) string {
			if n == nil {
				return "nothing"
			}
			return fmt.Sprint(*n)
		}
		v.add(stream, RulePassTotal, "", fmt.Sprintf("pass %d saw %d records; the vendor counted %s when it began and %s when it ended",
			pass, distinct, told(first), told(last)), "syncd sync "+v.source+"/"+stream)
	})
}

func (v *verification) sums(ctx context.Context, tx pgx.Tx) error {
	var rule string
	var day *time.Time
	var ours, theirs int64
	return each(ctx, tx, "verify_sums", []any{v.source}, []any{&rule, &day, &ours, &theirs}, func() {
		if rule == "" {
			v.DaysCompared = ours
			return
		}
		date := dayOf(*day)
		v.add("owner_stats", rule, date.String(),
			fmt.Sprintf("the owners' figures add up to %d, the vendor's total of the day is %d", ours, theirs), v.refetch(date))
	})
}

// refetch is the command that reads a day of both streams again.
func (v *verification) refetch(day model.Day) string {
	for _, stream := range []string{"owner_stats", "daily_stats"} {
		w, ok := v.windows[stream]
		if !ok || day.Compare(w.Oldest) < 0 || day.Compare(w.Newest) > 0 {
			return ""
		}
	}
	return fmt.Sprintf("syncd refetch %[1]s/owner_stats --from %[2]s --to %[2]s && syncd refetch %[1]s/daily_stats --from %[2]s --to %[2]s",
		v.source, day)
}

// putFindings writes what was found by the rules, and clears what was not.
func putFindings(ctx context.Context, tx pgx.Tx, source string, found []Finding, rules []string, now time.Time) error {
	list := slices.SortedFunc(slices.Values(found), func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject, b.Subject))
	})
	columns := [5][]string{}
	for _, f := range list {
		for i, text := range []string{f.Stream, f.Rule, f.Subject, f.Detail, f.Remedy} {
			columns[i] = append(columns[i], text)
		}
	}
	if _, err := exec(ctx, tx, "finding_put", source, now, columns[0], columns[1], columns[2], columns[3], columns[4]); err != nil {
		return err
	}
	_, err := exec(ctx, tx, "finding_clear", source, now, rules, columns[0], columns[1], columns[2])
	return err
}
