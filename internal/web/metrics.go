package web

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the figures of this process, in a registry of their own. Counters begin
// at 0 with the process. Calls may overlap.
type Metrics struct {
	registry *prometheus.Registry

	passes, pages, rowsRead, rowsChanged, rejects *prometheus.CounterVec
	passSeconds                                   *prometheus.HistogramVec

	calls, callRetries, waits, waitSeconds *prometheus.CounterVec
	callSeconds                            *prometheus.HistogramVec

	runs, slices, yields, panics *prometheus.CounterVec
	runLag                       prometheus.Histogram
	sliceSeconds                 *prometheus.HistogramVec
	inFlight                     prometheus.Gauge

	reloads, requests *prometheus.CounterVec
}

// Buckets, in seconds.
var (
	callBuckets  = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	sliceBuckets = []float64{.1, .5, 1, 2.5, 5, 10, 20, 30}
	passBuckets  = []float64{1, 5, 20, 60, 300, 1800, 7200, 21600, 86400}
	lagBuckets   = []float64{.5, 1, 2, 5, 10, 30, 60, 300, 3600}
)

// NewMetrics returns the figures of a process of that version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.passes = counter("syncd_passes_total",
		"Passes that ended, or that cannot go on just now.", "source", "stream", "mode", "outcome", "verdict")
	m.passSeconds = histogram("syncd_pass_duration_seconds",
		"From the beginning of a pass to its end, with all its pauses.", passBuckets, "stream")
	m.pages = counter("syncd_pages_total", "Pages committed.", "source", "stream")
	m.rowsRead = counter("syncd_rows_read_total", "Rows in pages that were committed.", "source", "stream")
	m.rowsChanged = counter("syncd_rows_changed_total", "Rows that were new or different, and written.", "source", "stream")
	m.rejects = counter("syncd_rejects_total", "Elements that could not be read and were set aside.", "source", "stream")

	m.calls = counter("syncd_calls_total", "Calls to vendors, every attempt, by how they ended.", "source", "endpoint", "class")
	m.callRetries = counter("syncd_call_retries_total", "Calls to vendors that repeated one before.", "source", "endpoint")
	m.callSeconds = histogram("syncd_call_duration_seconds", "How long vendors take to answer.", callBuckets, "endpoint")
	m.waits = counter("syncd_call_waits_total", "Waits of a second or more before a call.", "source", "endpoint")
	m.waitSeconds = counter("syncd_call_wait_seconds_total", "What waits of a second or more before a call add up to.", "source", "endpoint")

	m.runs = counter("syncd_runs_dispatched_total", "Runs that this process enqueued.", "source", "stream", "mode")
	m.runLag = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "syncd_run_dispatch_lag_seconds", Help: "How long after its time a run is enqueued.", Buckets: lagBuckets,
	})
	m.slices = counter("syncd_slices_total", "Slices that ended, by what they came to.", "source", "stream", "kind")
	m.sliceSeconds = histogram("syncd_slice_duration_seconds", "How long slices take.", sliceBuckets, "stream")
	m.yields = counter("syncd_yields_total", "Jobs that were put back, for it was another source's turn.", "source", "stream")
	m.panics = counter("syncd_panics_total", "Slices that ended in a panic: a bug.", "source", "stream")
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "syncd_slices_in_flight", Help: "Slices that this process works on.",
	})

	m.reloads = counter("syncd_reloads_total", "Times the configuration was read again.", "result")
	m.requests = counter("syncd_http_requests_total", "Requests to this server.", "path", "code")

	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "syncd_build_info", Help: "Always 1; the labels say what runs.",
	}, []string{"version", "go_version"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.runLag, m.inFlight, build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Pass is a pass that ended, or that cannot go on just now.
type Pass struct{ Source, Stream, Mode, Outcome, Verdict string }

// PassEnded counts a pass, which began so long ago.
func (m *Metrics) PassEnded(p Pass, took time.Duration) {
	m.passes.WithLabelValues(p.Source, p.Stream, p.Mode, p.Outcome, p.Verdict).Inc()
	m.passSeconds.WithLabelValues(p.Stream).Observe(took.Seconds())
}

// Committed counts what one commit added.
func (m *Metrics) Committed(source, stream string, pages, rowsRead, rowsChanged, rejects int64) {
	m.pages.WithLabelValues(source, stream).Add(float64(pages))
	m.rowsRead.WithLabelValues(source, stream).Add(float64(rowsRead))
	m.rowsChanged.WithLabelValues(source, stream).Add(float64(rowsChanged))
	m.rejects.WithLabelValues(source, stream).Add(float64(rejects))
}

// Called counts an attempt of a call, by its class: "ok", or what [fetch.Class]
// prints. try counts from 1.
func (m *Metrics) Called(source, endpoint, class string, try int, took time.Duration) {
	m.calls.WithLabelValues(source, endpoint, class).Inc()
	if try > 1 {
		m.callRetries.WithLabelValues(source, endpoint).Inc()
	}
	m.callSeconds.WithLabelValues(endpoint).Observe(took.Seconds())
}

// Waiting counts a wait before a call.
func (m *Metrics) Waiting(source, endpoint string, wait time.Duration) {
	m.waits.WithLabelValues(source, endpoint).Inc()
	m.waitSeconds.WithLabelValues(source, endpoint).Add(wait.Seconds())
}

// Dispatched counts a run that was enqueued so long after its time.
func (m *Metrics) Dispatched(source, stream, mode string, lag time.Duration) {
	m.runs.WithLabelValues(source, stream, mode).Inc()
	m.runLag.Observe(lag.Seconds())
}

// SliceBegan counts a slice in flight.
func (m *Metrics) SliceBegan() { m.inFlight.Inc() }

// SliceEnded counts a slice that is in flight no more.
func (m *Metrics) SliceEnded(source, stream, kind string, took time.Duration) {
	m.inFlight.Dec()
	m.slices.WithLabelValues(source, stream, kind).Inc()
	m.sliceSeconds.WithLabelValues(stream).Observe(took.Seconds())
}

// Yielded counts a job that was put back.
func (m *Metrics) Yielded(source, stream string) { m.yields.WithLabelValues(source, stream).Inc() }

// Panicked counts a panic.
func (m *Metrics) Panicked(source, stream string) { m.panics.WithLabelValues(source, stream).Inc() }

// Reloaded counts a reload.
func (m *Metrics) Reloaded(ok bool) {
	result := "ok"
	if !ok {
		result = "failed"
	}
	m.reloads.WithLabelValues(result).Inc()
}

// counted counts the requests that next answers, by the path of mux that they mean.
func (m *Metrics) counted(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := "other"
		if _, pattern := mux.Handler(r); pattern != "" {
			_, path, _ = strings.Cut(pattern, " ")
		}
		seen := &codeWriter{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		m.requests.WithLabelValues(path, strconv.Itoa(seen.code)).Inc()
	})
}

// codeWriter remembers the status.
type codeWriter struct {
	http.ResponseWriter
	code int
}

// WriteHeader remembers the status.
func (w *codeWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets [http.ResponseController] through.
func (w *codeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
