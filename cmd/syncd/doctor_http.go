package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/config"
	"syncd/internal/store"
)

const (
	// tokenShort is less than what nobody guesses.
	tokenShort = 16
	// listenerMax is how long whoever listens on the port may take to say who it is.
	listenerMax = 10 * time.Second
)

// probeHTTP looks at where `syncd run` tells of itself. It only connects: a port
// that it opened itself could be in the way of another one's.
func probeHTTP(ctx context.Context, c config.HTTP) probe {
	const what = "http"
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return probed(healthFail, what, err.Error(), "")
	}
	found := c.Listen + ", which this machine alone reaches"
	if loopback(c.Listen) != nil {
		found = c.Listen + ", which other machines reach, with a token"
	} else if !c.Token.Empty() {
		found += ", with a token"
	}
	if !c.Token.Empty() && len(c.Token.Reveal()) < tokenShort {
		return probed(healthWarn, what, found+" that can be guessed", "openssl rand -hex 24 makes one")
	}
	if !ours(host) {
		return probed(healthFail, what, c.Listen+" is no address of this machine, syncd run would not start",
			"listen on 127.0.0.1:"+port+", or on 0.0.0.0:"+port+" for all addresses")
	}
	switch addr, err := shownAddr(c.Listen); {
	case err != nil: // any free port
		return probed(healthOK, what, found, "")
	default:
		return probeListener(ctx, addr, found)
	}
}

// probeListener says who has the port.
func probeListener(ctx context.Context, addr, found string) probe {
	const what = "http"
	ctx, cancel := context.WithTimeout(ctx, listenerMax)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil { // nobody
		return probed(healthOK, what, found+"; no syncd run answers there now", "")
	}
	_ = conn.Close() // nothing was sent
	if lives(ctx, addr) {
		return probed(healthOK, what, found+"; a syncd run answers", "")
	}
	return probed(healthWarn, what, found+"; another program has that port, syncd run would not start",
		"choose another port in http.listen")
}

// lives reports whether a syncd run answers on addr.
func lives(ctx context.Context, addr string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		return false
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, probeBytes))
	return err == nil && answer.StatusCode == http.StatusOK && strings.TrimSpace(string(text)) == "ok"
}

// ours reports whether this machine can listen on a host; names are believed.
func ours(host string) bool {
	ip := net.ParseIP(host)
	if ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// probePooler says what a pooler of transactions changes; nothing without one.
func probePooler(ctx context.Context, pool *pgxpool.Pool) []probe {
	const what = "pooler"
	pooled, err := store.Pooled(ctx, pool)
	if err != nil {
		return []probe{probed(healthFail, what, err.Error(), "")}
	}
	if !pooled {
		return nil
	}
	return []probe{probed(healthWarn, what,
		"a pooler stands before the database: syncd run looks for jobs four times a second instead of being told; "+
			"migrations, which hold a lock of their session, are not safe through it",
		"name PostgreSQL itself in database_url; or migrate so, with syncd migrate up, and start syncd run --no-migrate "+
			"through the pooler (PgBouncer 1.21 or newer, with max_prepared_statements)")}
}
