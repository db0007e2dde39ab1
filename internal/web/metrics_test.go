package web

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
)

// exercise makes every figure of a process appear.
func exercise(m *Metrics) {
	m.PassEnded(Pass{"acme", "chats", "full", "complete", "drifted"}, time.Minute)
	m.Committed("acme", "chats", 1, 100, 7, 2)
	m.Called("acme", "groupchat/list", "ok", 1, time.Second)
	m.Called("acme", "groupchat/list", "throttled", 2, time.Second)
	m.Waiting("acme", "groupchat/list", 90*time.Second)
	m.Dispatched("acme", "chats", "", 2*time.Second)
	m.SliceBegan()
	m.SliceBegan()
	m.SliceEnded("acme", "chats", "done", 3*time.Second)
	m.Yielded("acme", "chats")
	m.Panicked("acme", "chats")
	m.Reloaded(true)
	m.Reloaded(false)
}

// figure is a family of figures, as the documents list it.
type figure struct{ Name, Type, Labels string }

// figures are those of the registry, but those of Go and of the process.
func figures(t *testing.T) map[string]figure {
	t.Helper()
	s, m := testServer(t, nil)
	exercise(m)
	require.Equal(t, http.StatusOK, get(s, "/healthz", nil).Code)
	families, err := m.registry.Gather()
	require.NoError(t, err)
	all := map[string]figure{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "syncd_") {
			continue
		}
		require.NotEmpty(t, f.GetHelp())
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		all[f.GetName()] = figure{f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", ")}
	}
	return all
}

func TestFigures(t *testing.T) {
	t.Parallel()
	s, m := testServer(t, nil)
	exercise(m)
	get(s, "/elsewhere/"+strings.Repeat("x", 100), nil)
	get(s, "/healthz", func(r *http.Request) { r.Host = "evil.example" })
	body := get(s, "/metrics", nil).Body.String()
	for _, want := range []string{
		`syncd_passes_total{mode="full",outcome="complete",source="acme",stream="chats",verdict="drifted"} 1`,
		`syncd_pass_duration_seconds_sum{stream="chats"} 60`,
		`syncd_pages_total{source="acme",stream="chats"} 1`,
		`syncd_rows_read_total{source="acme",stream="chats"} 100`,
		`syncd_rows_changed_total{source="acme",stream="chats"} 7`,
		`syncd_rejects_total{source="acme",stream="chats"} 2`,
		`syncd_calls_total{class="ok",endpoint="groupchat/list",source="acme"} 1`,
		`syncd_calls_total{class="throttled",endpoint="groupchat/list",source="acme"} 1`,
		`syncd_call_retries_total{endpoint="groupchat/list",source="acme"} 1`,
		`syncd_call_duration_seconds_count{endpoint="groupchat/list"} 2`,
		`syncd_call_waits_total{endpoint="groupchat/list",source="acme"} 1`,
		`syncd_call_wait_seconds_total{endpoint="groupchat/list",source="acme"} 90`,
		`syncd_run_dispatch_lag_seconds_sum 2`,
		`syncd_slices_in_flight 1`,
		`syncd_slices_total{kind="done",source="acme",stream="chats"} 1`,
		`syncd_slice_duration_seconds_sum{stream="chats"} 3`,
		`syncd_panics_total{source="acme",stream="chats"} 1`,
		`syncd_reloads_total{result="failed"} 1`,
		`syncd_http_requests_total{code="404",path="other"} 1`,
		`syncd_http_requests_total{code="421",path="/healthz"} 1`,
		`syncd_facts_up 1`,
		`syncd_freshness_lag_seconds{mode="",source="acme",stream="members"} 3600`,
		`syncd_next_run_lag_seconds{mode="",source="acme",stream="members"} 3`,
		`syncd_next_run_lag_seconds{mode="",source="acme",stream="owner_stats"} 0`,
		`syncd_late{mode="",source="acme",stream="owners"} 1`,
		`syncd_halted{mode="",source="acme",stream="owner_stats"} 1`,
		`syncd_held_back_records{mode="",source="acme",stream="members"} 100`,
		`syncd_items{source="acme",state="failing",stream="members"} 3`,
		`syncd_coverage_days{source="acme",state="lost",stream="owner_stats"} 5`,
		`syncd_coverage_days{source="acme",state="held",stream="owner_stats"} 179`,
		`syncd_source_paused{source="broken"} 1`,
		`syncd_budget_calls_left{lane="all",period="month",source="acme"} 1200`,
		`syncd_budget_calls_limit{lane="reads",period="day",source="acme"} 40`,
		`syncd_budget_hour_calls_left{endpoint="groupchat/get",source="acme"} 59000`,
		`syncd_jobs{state="ready"} 1`,
		`syncd_jobs{state="running"} 2`,
		`syncd_jobs{state="waiting"} 3`,
		`syncd_runs_due 4`,
		`syncd_runs_due_lag_seconds 5`,
		`syncd_db_connections{state="idle"} 2`,
		`syncd_db_acquires_waited_total 5`,
		`syncd_db_acquire_seconds_total 1`,
		`syncd_build_info{go_version="go`,
		`go_goroutines`,
		`process_start_time_seconds`,
	} {
		require.Contains(t, body, "\n"+want)
	}
	require.NotContains(t, body, `syncd_freshness_lag_seconds{mode="",source="acme",stream="owners"}`, "never is not 0")
	require.NotContains(t, body, "xxx", "a path that a client makes up is no label")

	problems, err := promlint.New(strings.NewReader(body)).Lint()
	require.NoError(t, err)
	for _, p := range problems { // days of statistics are things that are counted, no time that passes
		require.Equal(t, "syncd_coverage_days", p.Metric, p.Text)
	}
}

// The documents list every figure with its type and its labels, and no other.
func TestFiguresAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	documented := map[string]figure{}
	row := regexp.MustCompile("(?m)^\\| `(syncd_[a-z_]+)` \\| ([a-z]+) \\| ([a-z_, ]*?) ?\\| .+ \\|$")
	for _, found := range row.FindAllStringSubmatch(string(text), -1) {
		labels := strings.Split(found[3], ", ")
		slices.Sort(labels)
		documented[found[1]] = figure{found[1], found[2], strings.Join(labels, ", ")}
	}
	require.Equal(t, figures(t), documented)
}
