package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"syncd/internal/fetch"
)

// probes tries what a sync of the source needs and looks at its budgets. It takes
// a handful of calls.
func (s *source) probes(ctx context.Context) []probe {
	var list []probe
	var clock fetch.Clock
	for _, trial := range s.client.Try(ctx) {
		list = append(list, s.probeTrial(trial))
		if t := trial.Clock; t.Known && (!clock.Known || t.Ahead.Abs() > clock.Ahead.Abs()) {
			clock = t // each is off by at least so much: the most is the closest
		}
	}
	if clock.Known {
		list = append(list, probeClock(s.Name+": clock of the vendor", clock.Ahead))
	}
	return append(list, s.probeLimits())
}

// probeTrial judges one call.
func (s *source) probeTrial(trial fetch.Trial) probe {
	what := s.Name + ": " + trial.What
	bad, failed := errors.AsType[*fetch.Error](trial.Err)
	switch {
	case failed:
		return s.probeError(what, bad)
	case trial.Err != nil:
		return probed(healthFail, what, trial.Err.Error(), "")
	case trial.Advice != "":
		return probed(healthWarn, what, trial.Found, trial.Advice)
	}
	return probed(healthOK, what, trial.Found, "")
}

// probeError judges a call that was not answered well.
func (s *source) probeError(what string, bad *fetch.Error) probe {
	plain := *bad
	plain.Remedy = "" // it stands in its own place
	state, remedy := healthFail, bad.Remedy
	switch {
	case bad.Class == fetch.ClassThrottled:
		state = healthWarn
		if remedy == "" {
			remedy = "the budget of this call is used up at the vendor's: wait, or lower limits"
		}
	case remedy != "":
	case bad.Class == fetch.ClassTransient && strings.HasPrefix(bad.Code, "http "), bad.Class == fetch.ClassMalformed:
		remedy = "see whether base_url (" + s.BaseURL + ") is the vendor's, or a proxy answers in its place; otherwise try again later"
	case bad.Class == fetch.ClassTransient:
		remedy = "see whether base_url (" + s.BaseURL + ") can be reached from here: DNS, proxy, firewall"
	}
	return probed(state, what, plain.Error(), remedy)
}

// probeLimits compares the configured limits with those that the vendor
// publishes.
func (s *source) probeLimits() probe {
	documented := s.client.Documented()
	var have, remedies []string
	month := ""
	for _, limit := range []struct {
		key, per         string
		have, documented int
	}{
		{"per_second", "a second", s.Limits.PerSecond, documented.PerSecond},
		{"per_minute", "a minute", s.Limits.PerMinute, documented.PerMinute},
		{"per_hour", "an hour", s.Limits.PerHour, documented.PerHour},
		{"per_month", "a month", s.Limits.PerMonth, documented.PerMonth},
	} {
		if limit.have == 0 && limit.documented == 0 {
			continue
		}
		text := fmt.Sprintf("%d calls %s", limit.have, limit.per)
		if limit.have == 0 {
			text = "no limit " + limit.per
		}
		if limit.documented > 0 {
			text += fmt.Sprintf(" (the vendor's: %d)", limit.documented)
			if limit.have == 0 || limit.have > limit.documented {
				remedies = append(remedies, fmt.Sprintf("set limits.%s below %d", limit.key, limit.documented))
			}
		}
		if limit.key == "per_month" { // that is shared, whatever the scope
			month = ", and " + text + " in all"
			continue
		}
		have = append(have, text)
	}
	if len(have) == 0 {
		have = []string{"no limits"}
	}
	what, found := s.Name+": budget", strings.Join(have, ", ")+" per "+s.Limits.Scope+month
	if len(remedies) > 0 {
		return probed(healthWarn, what, found, strings.Join(remedies, " and ")+": other apps share the vendor's limit")
	}
	return probed(healthOK, what, found, "")
}

// rounded cuts a duration to what a person reads.
func rounded(d time.Duration) time.Duration {
	if d > time.Hour {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}
