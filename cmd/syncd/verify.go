package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"syncd/internal/model"
	"syncd/internal/store"
)

type verifyCmd struct {
	Source string   `arg:"" optional:"" help:"Configured name of a source; all of them by default."`
	Skip   []string `help:"Rules to leave out: never_detailed, unknown_owner, pass_total, or sum_ and a figure, such as sum_msg_total." placeholder:"RULE"`
}

// Run holds what is stored against itself, notes what does not fit and prints it.
func (v *verifyCmd) Run(ctx context.Context, c *cli, h *host) error {
	for _, rule := range v.Skip {
		if !slices.Contains(store.VerifyRules(), rule) {
			return usage("--skip %s: no such rule; there are %s", rule, strings.Join(store.VerifyRules(), ", "))
		}
	}
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	var targets []string
	if v.Source != "" {
		targets = []string{v.Source}
	}
	sources, err := choose(cfg, targets, h.requests)
	if err != nil {
		return err
	}
	defer closeSources(sources)
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		if err := store.CheckSchema(ctx, db.pool); err != nil {
			return err
		}
		found := 0
		for _, src := range sources {
			var lists []string
			skip := append(slices.Clone(v.Skip), store.RuleNeverDetailed)
			for _, spec := range src.enabled {
				if spec.Shape == model.ShapeList {
					lists = append(lists, spec.Name)
				}
				if spec.Shape == model.ShapeDetail && spec.Confirms != "" && spec.MaxAge > 0 {
					skip = v.Skip // here the detail of every chat is read
				}
			}
			got, err := store.New(db.pool).Verify(ctx, src.Name, lists, skip, h.now())
			if err != nil {
				return err
			}
			found += len(got.Findings)
			if err := printVerified(h.stdout, src.Name, got, skip); err != nil {
				return err
			}
		}
		if found > 0 {
			return &exitError{code: exitLate}
		}
		return nil
	})
}

// findingsShown is how many findings of one rule are printed.
const findingsShown = 20

func printVerified(out io.Writer, source string, got store.Verification, skip []string) error {
	byRule := map[string]int{}
	for _, f := range got.Findings {
		byRule[f.Rule]++
		if byRule[f.Rule] > findingsShown {
			continue
		}
		fmt.Fprintf(out, "%s/%s %s %s: %s\n", source, f.Stream, f.Rule, cmp.Or(f.Subject, "all"), f.Detail)
		if f.Remedy != "" {
			fmt.Fprintf(out, "    %s\n", f.Remedy)
		}
	}
	for _, rule := range store.VerifyRules() {
		if more := byRule[rule] - findingsShown; more > 0 {
			fmt.Fprintf(out, "%s %s: %d more in sync.finding\n", source, rule, more)
		}
	}
	looked := len(store.VerifyRules())
	var skipped string
	if len(skip) > 0 {
		list := slices.Compact(slices.Sorted(slices.Values(skip)))
		looked -= len(list)
		skipped = "; skipped: " + strings.Join(list, ", ")
	}
	noun := "findings"
	if len(got.Findings) == 1 {
		noun = "finding"
	}
	_, err := fmt.Fprintf(out, "%s: %d %s by %d rules; %d days of statistics compared with the vendor's totals%s\n",
		source, len(got.Findings), noun, looked, got.DaysCompared, skipped)
	return err
}
