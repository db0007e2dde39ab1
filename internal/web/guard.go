package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// livenessPath needs no token: what it says, anybody who connects knows.
const livenessPath = "/healthz"

// guard lets requests through that may read.
type guard struct {
	// token is what must be presented; "" where nothing has to be.
	token string
	// loopback says that only this machine can connect, and listen is the host that
	// was configured.
	loopback bool
	listen   string
}

// newGuard judges the host of a listen address.
func newGuard(addr, token string) guard {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return guard{token: token, loopback: isLoopback(host), listen: host}
}

// over refuses what may not read, before next sees it.
func (g guard) over(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", contentPolicy)
		authorized := g.authorized(r)
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "nothing here can be changed", http.StatusMethodNotAllowed)
		case !sameOrigin(r):
			http.Error(w, "requests of other sites' pages are refused", http.StatusForbidden)
		case !g.knows(r, authorized):
			http.Error(w, "this server does not go by that name: use its address", http.StatusMisdirectedRequest)
		case !authorized && r.URL.Path != livenessPath:
			h.Set("WWW-Authenticate", `Bearer realm="syncd"`)
			http.Error(w, "the token of http.token is required: Authorization: Bearer …", http.StatusUnauthorized)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// authorized reports whether the request has the token, if there is one. It takes
// the same time for every wrong one.
func (g guard) authorized(r *http.Request) bool {
	if g.token == "" {
		return g.loopback
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, have := sha256.Sum256([]byte(g.token)), sha256.Sum256([]byte(strings.TrimSpace(given)))
	return subtle.ConstantTimeCompare(want[:], have[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// knows reports whether the request means this server. A page whose own name was
// made to point here carries that name; it cannot carry an address, nor the token.
func (g guard) knows(r *http.Request, authorized bool) bool {
	host := hostOf(r.Host)
	if isLoopback(host) {
		return true
	}
	if g.loopback {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return strings.EqualFold(host, g.listen) || authorized || r.URL.Path == livenessPath
}

// sameOrigin reports whether the request comes from no page, or from one of ours.
func sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	switch len(origins) {
	case 0:
		// Browsers tell of requests that pages make without an origin, too. Following a
		// link is a navigation, and harmless.
		return r.Header.Get("Sec-Fetch-Site") != "cross-site" || r.Header.Get("Sec-Fetch-Mode") == "navigate"
	case 1:
		origin, err := url.Parse(origins[0])
		return err == nil && (origin.Scheme == "http" || origin.Scheme == "https") && strings.EqualFold(origin.Host, r.Host)
	}
	return false
}

// hostOf is the host of "host", "host:port", "[::1]" or "[::1]:port".
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// isLoopback reports whether a host is this machine and nothing else.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
