package config

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check holds the rules that look at more than one key. A key that already has a
// problem is left be.
func (d *decoder) check(c *Config) {
	d.checkDatabase(c.DatabaseURL)
	d.checkHTTP(c.HTTP)
	if len(c.Sources) == 0 && !d.bad["sources"] {
		d.add("sources", "no sources: add one, as syncd.example.yaml shows")
	}
	named := map[string]int{}
	for i := range c.Sources {
		s, path := &c.Sources[i], fmt.Sprintf("sources[%d]", i)
		d.checkName(s.Name, path, i, named)
		if _, known := vendors[s.Vendor]; !known && s.BaseURL == "" {
			continue // the default comes with the vendor
		}
		d.checkBaseURL(s, path)
		d.checkDingTalk(s, path)
		d.checkStreams(s, path)
	}
}

// checkDatabase looks at the form only: the store has the last word.
func (d *decoder) checkDatabase(url Secret) {
	text := url.Reveal()
	form := strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") || strings.Contains(text, "=")
	if text != "" && !form {
		d.add("database_url", "expected postgres://user@host/database or key=value pairs")
	}
}

func (d *decoder) checkHTTP(h HTTP) {
	if d.bad["http"] || d.bad["http.listen"] {
		return
	}
	host, port, err := net.SplitHostPort(h.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil:
		d.add("http.listen", "expected host:port such as 127.0.0.1:8686")
	case h.Token.Empty() && !loopback(host) && !d.bad["http.token"] && !d.bad["http.token_file"]:
		d.add("http.token", "is required because http.listen can be reached from other machines: set token or token_file, or listen on 127.0.0.1")
	}
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

func (d *decoder) checkName(name, path string, i int, named map[string]int) {
	key := join(path, "name")
	if d.bad[path] || d.bad[key] {
		return
	}
	first, taken := named[name]
	switch {
	case !namePattern.MatchString(name):
		d.add(key, "expected 1 to 63 of a-z 0-9 . _ - beginning with a letter or digit")
	case taken:
		d.add(key, "is the name of sources[%d] as well: choose another", first)
	default:
		named[name] = i
	}
}

func (d *decoder) checkBaseURL(s *Source, path string) {
	key := join(path, "base_url")
	if d.bad[path] || d.bad[key] {
		return
	}
	url, err := parseBaseURL(s.BaseURL)
	if err != nil {
		d.add(key, "%v", err)
	}
	s.BaseURL = url
}

// checkDingTalk asks for exactly one of the vendor's two sets of credentials.
func (d *decoder) checkDingTalk(s *Source, path string) {
	if s.Vendor != "dingtalk" || d.badUnder(join(path, "credentials")) {
		return
	}
	c := s.Credentials
	internal := map[string]bool{"app_key": c.AppKey != "", "app_secret": !c.AppSecret.Empty()}
	suite := map[string]bool{
		"suite_key": c.SuiteKey != "", "suite_secret": !c.SuiteSecret.Empty(),
		"suite_ticket": !c.SuiteTicket.Empty(), "auth_corp_id": c.AuthCorpID != "",
	}
	missingInternal, missingSuite := missing(internal), missing(suite)
	usesInternal, usesSuite := len(missingInternal) < len(internal), len(missingSuite) < len(suite)
	switch {
	case usesInternal == usesSuite:
		d.add(join(path, "credentials"),
			"give either app_key and app_secret, or suite_key, suite_secret, suite_ticket and auth_corp_id")
	case usesInternal:
		d.require(join(path, "credentials"), missingInternal)
	default:
		d.require(join(path, "credentials"), missingSuite)
	}
}

func missing(given map[string]bool) []string {
	var out []string
	for key, ok := range given {
		if !ok {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

func (d *decoder) require(path string, keys []string) {
	for _, key := range keys {
		d.add(join(path, key), "is required beside the other keys of this kind of app")
	}
}

// badUnder reports whether path or a key below it has a problem.
func (d *decoder) badUnder(path string) bool {
	for key := range d.bad {
		if key == path || strings.HasPrefix(key, path+".") {
			return true
		}
	}
	return false
}

func (d *decoder) checkStreams(s *Source, path string) {
	for name, st := range s.Streams {
		stream := join(join(path, "streams"), name)
		if key := join(stream, "lookback_days"); st.LookbackDays > st.BackfillDays && !d.badUnder(stream) {
			d.add(key, "is more than backfill_days (%d): days beyond it are never fetched", st.BackfillDays)
		}
		if key := join(stream, "query_dsl"); st.QueryDSL != "" && !d.bad[key] && !json.Valid([]byte(st.QueryDSL)) {
			d.add(key, "expected a JSON text in single quotes, or \"\"")
		}
	}
}
