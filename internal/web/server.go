package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of requests: they are short, and so are answers.
const (
	headerMax   = 5 * time.Second
	readMax     = 10 * time.Second
	writeMax    = 30 * time.Second
	idleMax     = 2 * time.Minute
	headerBytes = 16 << 10
	scrapesMax  = 4
)

// How facts are asked for: at most every factsFresh, and no more than a fiftieth of
// the time: a thousand sources take half a second.
const (
	factsFresh = 10 * time.Second
	factsMax   = 30 * time.Second
	factsShare = 50
	readyFresh = time.Second
)

// Options of a [Server]. All functions may be called at any time, also together.
type Options struct {
	// Listen is the address as configured, Token what readers must present; it is
	// required unless Listen is a loopback address.
	Listen, Token string
	// Version is this program's.
	Version string
	// Facts asks the database.
	Facts func(context.Context) (Facts, error)
	// Pool tells how the connections stand.
	Pool func() Pool
	// Hours tells what this process has left of limits per hour. Each source and endpoint is in it
	// once.
	Hours func() []HourBudget
	// Checks are those of /readyz.
	Checks []Check
	// Scrub masks secrets in a text. May be nil.
	Scrub func(string) string
}

// Server answers who asks how a syncd is.
type Server struct {
	opts  Options
	http  *http.Server
	facts *cached[Facts]
	ready *cached[readiness]
}

// New returns a server of these figures, to which it adds those that it asks the
// database for.
func New(m *Metrics, o Options) (*Server, error) {
	g := newGuard(o.Listen, o.Token)
	if g.token == "" && !g.loopback {
		return nil, errors.New("http.token is required: http.listen can be reached from other machines")
	}
	if o.Scrub == nil {
		o.Scrub = func(text string) string { return text }
	}
	s := &Server{opts: o}
	s.facts = newCached(factsMax, func(took time.Duration) time.Duration { return max(factsFresh, factsShare*took) }, o.Facts)
	s.ready = newCached(checkMax, func(time.Duration) time.Duration { return readyFresh },
		func(ctx context.Context) (readiness, error) { return look(ctx, o.Checks, o.Scrub), nil })
	if err := m.registry.Register(&collector{facts: s.facts.get, pool: o.Pool, hours: o.Hours, gauges: newGauges()}); err != nil {
		return nil, fmt.Errorf("register figures: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+livenessPath, healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesMax, Timeout: writeMax - readMax,
	}))
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /style.css", style)
	s.http = &http.Server{
		Handler:           m.counted(mux, g.over(mux)),
		ReadHeaderTimeout: headerMax, ReadTimeout: readMax, WriteTimeout: writeMax, IdleTimeout: idleMax,
		MaxHeaderBytes: headerBytes,
		ErrorLog:       log.New(io.Discard, "", 0), // broken connections are no news
	}
	return s, nil
}

// Handler answers requests as the server does.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Listen opens the configured address.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("http.listen %s is in use: another syncd, or another program, has that port; "+
			"stop it, or choose another port (0 is any free one)", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("http.listen %s: %w", addr, err)
	}
	return l, nil
}

// Serve answers until [Server.Stop].
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Stop lets requests in flight end until ctx is over, and cuts the others off.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	s.facts.close()
	s.ready.close()
	return err
}
