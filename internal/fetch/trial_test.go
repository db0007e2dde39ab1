package fetch

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadClock(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 11, 1, 9, 0, 10, 700e6, time.UTC)
	for name, c := range map[string]struct {
		date string
		took time.Duration
		want Clock
	}{
		"the same second":         {"Sun, 01 Nov 2026 09:00:10 GMT", 0, Clock{Known: true}},
		"the next, after a while": {"Sun, 01 Nov 2026 09:00:12 GMT", 2 * time.Second, Clock{Known: true}},
		"ahead":                   {"Sun, 01 Nov 2026 09:00:12 GMT", 100 * time.Millisecond, Clock{Known: true, Ahead: 1200 * time.Millisecond}},
		"behind":                  {"Sun, 01 Nov 2026 08:59:10 GMT", time.Second, Clock{Known: true, Ahead: -59700 * time.Millisecond}},
		"none":                    {"", 0, Clock{}},
		"garbage":                 {"yesterday", 0, Clock{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, ReadClock(http.Header{"Date": {c.date}}, asked, asked.Add(c.took)))
		})
	}
}
