package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type probeCmd struct {
	Ready bool `help:"Ask whether it can work, not only whether it lives."`
}

// probeMax is how long the daemon may take to answer, and probeBytes how much.
const (
	probeMax   = 5 * time.Second
	probeBytes = 64 << 10
)

// Run asks the daemon that serves http.listen on this machine, for health checks
// where there is no shell and no curl.
func (p *probeCmd) Run(ctx context.Context, c *cli, h *host) error {
	cfg, err := c.load(h)
	if err != nil {
		return err
	}
	addr, err := shownAddr(cfg.HTTP.Listen)
	if err != nil {
		return usage("%w", err)
	}
	path := "/healthz"
	if p.Ready {
		path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(ctx, probeMax)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	if p.Ready && !cfg.HTTP.Token.Empty() {
		request.Header.Set("Authorization", "Bearer "+cfg.HTTP.Token.Reveal())
	}
	// No proxy of the environment: it is this machine that is asked.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no syncd run answers on %s: %w", addr, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, probeBytes))
	if err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	text := strings.TrimSpace(string(body))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s: %s: %s", addr, path, answer.Status, text)
	}
	fmt.Fprintln(h.stdout, text)
	return nil
}
