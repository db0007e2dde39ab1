package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when a stream is due: a cron expression of five fields (minute,
// hour, day, month, weekday) or a descriptor such as @hourly or @every 5m. The
// zero value is never due.
type Schedule struct {
	expr  string
	times cron.Schedule
}

// ParseSchedule reads a cron expression. It has no zone of its own: schedules
// are meant in the zone of their source.
func ParseSchedule(expr string) (Schedule, error) {
	if strings.Contains(expr, "TZ=") {
		return Schedule{}, errors.New("a schedule has no zone of its own: set timezone in the source")
	}
	times, err := cron.ParseStandard(expr)
	if err != nil {
		return Schedule{}, err
	}
	if times.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, errors.New("this day never comes")
	}
	return Schedule{expr: expr, times: times}, nil
}

func mustSchedule(expr string) Schedule {
	s, err := ParseSchedule(expr)
	if err != nil {
		panic(fmt.Sprintf("config: schedule %q: %v", expr, err))
	}
	return s
}

// Next returns the first due time after t, read in t's location: pass it a time
// in the source's zone. It is the zero time for the zero schedule.
func (s Schedule) Next(t time.Time) time.Time {
	if s.times == nil {
		return time.Time{}
	}
	return s.times.Next(t)
}

// String returns the expression as it was written.
func (s Schedule) String() string { return s.expr }

// MarshalText returns the expression as it was written.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.expr), nil }

// Equal reports whether both were written alike.
func (s Schedule) Equal(other Schedule) bool { return s.expr == other.expr }

var durationPattern = regexp.MustCompile(`^(?:(\d{1,5})d)?((?:\d+(?:\.\d+)?(?:h|m|s|ms))*)$`)

// ParseDuration reads what [time.ParseDuration] reads, with days of 24 hours in
// front: 90s, 24h, 30d, 1d12h. Signs and units below a millisecond are refused.
func ParseDuration(text string) (time.Duration, error) {
	m := durationPattern.FindStringSubmatch(text)
	if m == nil || text == "" {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 24h or 30d", text)
	}
	var total time.Duration
	if m[1] != "" {
		days, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, err
		}
		total = time.Duration(days) * day
	}
	if m[2] != "" {
		rest, err := time.ParseDuration(m[2])
		if err != nil {
			return 0, err
		}
		if rest > math.MaxInt64-total {
			return 0, fmt.Errorf("%q is out of range", text)
		}
		total += rest
	}
	return total, nil
}

// parseZone loads an IANA zone. "" and "Local" would hand the choice to the host.
func parseZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("no zone is named")
	}
	return time.LoadLocation(name)
}

func mustZone(name string) *time.Location {
	zone, err := parseZone(name)
	if err != nil {
		panic("config: " + err.Error())
	}
	return zone
}

// parseBaseURL returns the URL without a trailing slash. Its errors hold nothing
// of the URL: people put passwords there.
func parseBaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", errors.New("expected a URL such as https://api.example.com/path")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", errors.New("expected a port from 1 to 65535 in the URL")
		}
	}
	switch {
	case u.User != nil:
		return "", errors.New("a URL must hold no user or password: credentials have their own keys")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return "", errors.New("a base URL must hold no ?query and no #fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", errors.New("http:// would send the secret unencrypted and is for loopback only: write https://")
	}
	return strings.TrimRight(text, "/"), nil
}

// loopback reports whether host can only mean this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
