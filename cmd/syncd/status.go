package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/config"
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
	late, err := s.print(ctx, h, db.pool, sources)
	if err != nil || !late || s.Watch {
		return err
	}
	return &exitError{code: exitLate}
}

// streamReport is one stream as `status --json` prints it. Times are UTC.
type streamReport struct {
	Source string `json:"source"`
	Stream string `json:"stream"`
	// Mode is "full" for the full passes of a stream that has others as well.
	Mode           string        `json:"mode,omitempty"`
	PassID         int64         `json:"pass_id,omitempty"`
	Outcome        model.Outcome `json:"outcome"`
	Verdict        model.Verdict `json:"verdict,omitempty"`
	StartedAt      *time.Time    `json:"started_at,omitempty"`
	FinishedAt     *time.Time    `json:"finished_at,omitempty"`
	ResumeAt       *time.Time    `json:"resume_at,omitempty"`
	Error          string        `json:"error,omitempty"`
	Pages          int64         `json:"pages"`
	RowsRead       int64         `json:"rows_read"`
	RowsChanged    int64         `json:"rows_changed"`
	Calls          int64         `json:"calls"`
	Rejects        int64         `json:"rejects"`
	Items          int64         `json:"items,omitempty"`
	ItemsNeverRead int64         `json:"items_never_read,omitempty"`
	ItemsOverdue   int64         `json:"items_overdue,omitempty"`
	ItemsFailing   int64         `json:"items_failing,omitempty"`
	// CompleteAt is when the latest complete pass ended, LagSeconds how long ago
	// it began.
	CompleteAt *time.Time `json:"complete_at,omitempty"`
	LagSeconds *int64     `json:"lag_seconds,omitempty"`
	// NextRunAt is when the schedule asks for the next pass.
	NextRunAt time.Time `json:"next_run_at"`
	// Late says that two scheduled runs have gone by without a complete pass.
	Late    bool   `json:"late"`
	Running string `json:"running_by,omitempty"`
	// HeldPassID is a pass that missed so many records, Candidates, that a person
	// has to approve it.
	HeldPassID int64 `json:"held_pass_id,omitempty"`
	Candidates int64 `json:"candidates,omitempty"`
	// Window is for streams of statistics that have had a pass.
	Window *windowReport `json:"window,omitempty"`

	zone *time.Location
}

func (s *statusCmd) print(ctx context.Context, h *host, pool *pgxpool.Pool, sources []*source) (late bool, err error) {
	now := h.now()
	var reports []streamReport
	for _, src := range sources {
		known, err := store.New(pool).Status(ctx, src.Name, now)
		if err != nil {
			return false, err
		}
		windows, err := store.New(pool).WindowStatuses(ctx, src.Name, now)
		if err != nil {
			return false, err
		}
		for _, spec := range src.specs {
			if _, ok := src.fresh[spec.Name]; ok {
				full := report(src.Source, spec.Name, modeFull, known, now)
				late = late || full.Late
				reports = append(reports, full)
			}
			r := report(src.Source, spec.Name, "", known, now)
			if w, ok := windows[spec.Name]; ok && spec.Window != nil {
				r.Window = reportWindow(src, spec, w, now)
				late = late || w.Lost > 0
			}
			late = late || r.Late || r.HeldPassID != 0
			reports = append(reports, r)
		}
	}
	if s.JSON {
		enc := json.NewEncoder(h.stdout)
		enc.SetIndent("", "  ")
		return late, enc.Encode(map[string]any{"now": now.UTC(), "late": late, "streams": reports})
	}
	return late, printReports(h.stdout, reports, now)
}

// report puts together what is stored of a stream and what its schedule wants. A
// mode of "" is the stream as a whole.
func report(src config.Source, stream, mode string, known map[string]store.StreamStatus, now time.Time) streamReport {
	schedule, key := src.Streams[stream].Schedule, stream
	if mode != "" {
		schedule, key = src.Streams[stream].FullSchedule, store.ModeKey(stream, mode)
	}
	r := streamReport{
		Source: src.Name, Stream: stream, Mode: mode, Outcome: "never", Late: true, zone: src.Timezone,
		NextRunAt: schedule.Next(now.In(src.Timezone)).UTC(),
	}
	t, ok := known[key]
	if !ok {
		return r
	}
	r.PassID, r.Outcome, r.Verdict, r.Error, r.Running = t.PassID, t.Outcome, t.Verdict, t.Error, t.Holder
	r.StartedAt, r.FinishedAt, r.ResumeAt = utc(&t.StartedAt), utc(t.FinishedAt), utc(t.ResumeAt)
	r.Pages, r.RowsRead, r.RowsChanged = t.Counts.Pages, t.Counts.RowsRead, t.Counts.RowsChanged
	r.Calls, r.Rejects = t.Counts.Calls, t.Counts.Rejects
	r.Items, r.ItemsNeverRead, r.ItemsOverdue, r.ItemsFailing = t.Items, t.NeverRead, t.Overdue, t.Failing
	r.HeldPassID, r.Candidates = t.HeldPassID, t.Candidates
	if t.CompleteFrom == nil {
		return r
	}
	lag := int64(now.Sub(*t.CompleteFrom).Seconds())
	r.CompleteAt, r.LagSeconds = utc(t.CompleteAt), &lag
	second := schedule.Next(schedule.Next(t.CompleteFrom.In(src.Timezone)))
	r.Late = now.After(second)
	return r
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func printReports(out io.Writer, reports []streamReport, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STREAM\tLAST PASS\tROWS\tCHANGED\tCOMPLETE\tNEXT RUN\tHELD\tLOST\tNOTE")
	for _, r := range reports {
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
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\tin %s\t%s\t%s\t%s\n", name, outcome, r.RowsRead, r.RowsChanged,
			complete, r.NextRunAt.Sub(now).Round(time.Second), r.Window.held(), r.Window.lost(), r.note())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printForecasts(out, reports)
}

// printForecasts says, below the table, what becomes of the days wanted.
func printForecasts(out io.Writer, reports []streamReport) error {
	t := columns{}
	for _, r := range reports {
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
	case r.ResumeAt != nil:
		return "resumes at " + r.ResumeAt.Format(time.RFC3339) + ": " + r.Error
	case r.HeldPassID != 0:
		return heldBack(r.Candidates, r.HeldPassID)
	case r.Error != "":
		return r.Error
	case r.Late:
		return "late: run syncd sync " + r.Source + "/" + r.Stream
	case r.ItemsFailing > 0:
		return fmt.Sprintf("%d of %d items failing, see sync.item", r.ItemsFailing, r.Items)
	}
	return ""
}

func ago(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return d.Round(time.Second).String() + " ago"
}
