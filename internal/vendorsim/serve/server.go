package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server is a simulator on a port.
type Server struct {
	// Addr is host and port as bound.
	Addr string
	done chan error
}

// Start serves a simulator on addr ("127.0.0.1:0" for any free port) until ctx
// ends. When it returns, the port answers.
func Start(ctx context.Context, addr string, sim http.Handler) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	web := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	server := &Server{Addr: listener.Addr().String(), done: make(chan error, 1)}
	// Calls in flight when ctx ends are broken off, as by a vendor going away.
	stop := context.AfterFunc(ctx, func() { _ = web.Close() })
	go func() {
		err := web.Serve(listener)
		stop()
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		server.done <- err
	}()
	return server, nil
}

// URL is the base URL to give a client.
func (s *Server) URL() string { return "http://" + s.Addr }

// Wait returns when the server has stopped, nil after the end of its context. It
// is called at most once.
func (s *Server) Wait() error { return <-s.done }
