package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"syncd/internal/model"
	"syncd/internal/store"
)

type statusCmd struct {
	JSON  bool `help:"Print JSON." name:"json"`
	Watch bool `help:"Print again every two seconds until interrupted."`
}

// watchEvery is the pause between two prints of --watch.
const watchEvery = 2 * time.Second

// Run prints how current every stream is.
func (s *statusCmd) Run(ctx context.Context, c *cli, h *host) error {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	sources, err := choose(cfg, nil, h.requests)
	if err != nil {
		return err
	}
	defer closeSources(sources)
	err = untilStopped(ctx, h, func(ctx context.Context) error {
		for {
			err := opener(joinDatabase).use(ctx, cfg, func(ctx context.Context, db *database) error {
				return s.once(ctx, h, db, sources)
			})
			if !s.Watch || err != nil {
				return err
			}
			// Between two prints nothing is held: others can have a private server.
			if err := pause(ctx, watchEvery); err != nil {
				return err
			}
		}
	})
	if s.Watch && errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// once prints one report. Without --watch its error is the exit code.
func (s *statusCmd) once(ctx context.Context, h *host, db *database, sources []*source) error {
	if err := store.CheckSchema(ctx, db.pool); err != nil {
		return err
	}
	r, err := gather(ctx, store.New(db.pool), sources, h.now())
	if err == nil {
		err = s.print(h.stdout, r)
	}
	if err != nil || !r.Late || s.Watch {
		return err
	}
	return &exitError{code: exitLate}
}

func (s *statusCmd) print(out io.Writer, r statusReport) error {
	if s.JSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return printReport(out, r)
}

func printReport(out io.Writer, r statusReport) error {
	now := r.Now
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STREAM\tLAST PASS\tROWS\tCHANGED\tCOMPLETE\tNEXT RUN\tHELD\tLOST\tNOTE")
	for _, r := range r.Streams {
		outcome := string(r.Outcome)
		if r.Verdict != "" && r.Verdict != model.VerdictComplete {
			outcome += " (" + string(r.Verdict) + ")"
		}
		complete := "never"
		if r.CompleteAt != nil {
			complete = ago(now.Sub(*r.CompleteAt))
		}
		name := r.Source + "/" + r.Stream
		if r.Mode != "" {
			name += " (" + r.Mode + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", name, outcome, r.RowsRead, r.RowsChanged,
			complete, r.nextRun(now), r.Window.held(), r.Window.lost(), r.note())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printBelow(out, r)
}

// printBelow says, below the table, what becomes of the days wanted, what is left of
// budgets, and who is paused.
func printBelow(out io.Writer, all statusReport) error {
	t := columns{}
	for _, src := range all.Sources {
		for _, sentence := range src.sentences() {
			t.add(src.Source+":", sentence)
		}
	}
	for _, r := range all.Streams {
		if r.Window != nil {
			t.add(r.Source+"/"+r.Stream+":", r.Window.sentence(r.zone))
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return t.print(out)
}

// note is what a person should know beside the figures.
func (r streamReport) note() string {
	switch {
	case r.Running != "":
		return "being synced by " + r.Running
	case r.HaltedAt != nil:
		return "does not run until the configuration changes: " + r.ScheduleError
	case r.ResumeAt != nil:
		return "resumes at " + r.ResumeAt.Format(time.RFC3339) + ": " + r.Error
	case r.HeldPassID != 0:
		return heldBack(r.Candidates, r.HeldPassID)
	case r.NeverProven != "":
		return r.NeverProven
	case r.Error != "":
		return r.Error
	case r.Late:
		return "late: run syncd sync " + r.Source + "/" + r.Stream
	case r.ItemsFailing > 0:
		return fmt.Sprintf("%d of %d items failing, see sync.item", r.ItemsFailing, r.Items)
	case r.Window != nil && r.Window.Refused > 0:
		return fmt.Sprintf("%s days refused, see syncd coverage %s --stream %s", withCommas(r.Window.Refused), r.Source, r.Stream)
	}
	return ""
}

func ago(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return d.Round(time.Second).String() + " ago"
}
