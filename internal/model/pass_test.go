package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCertify(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		facts   PassFacts
		verdict Verdict
		why     string
		lacking bool
	}{
		"all is well": {PassFacts{SameScope: true}, VerdictComplete, "", false},
		"a cursor was lost": {
			PassFacts{SameScope: true, Restarts: 2}, VerdictDrifted, "its cursor was lost 2 times", true,
		},
		"records moved": {PassFacts{SameScope: true, Shifted: true}, VerdictDrifted, "records moved while it was read", true},
		"a total differs": {
			PassFacts{SameScope: true, TotalsMoved: true}, VerdictDrifted, "it has not shown as many records as the vendor counts", true,
		},
		"a total differs, by what cannot be named": {
			PassFacts{SameScope: true, TotalsMoved: true, RejectsBlind: 3},
			VerdictUnproven,
			"3 elements have no readable id, see sync.reject", true,
		},
		"PostgreSQL has crashed": {
			PassFacts{SameScope: true, IDsLost: true}, VerdictUnproven, "the ids it had seen were lost when PostgreSQL crashed", false,
		},
		"other filters": {PassFacts{}, VerdictUnproven, "the filters in the configuration have changed", false},
		"six hours":     {PassFacts{SameScope: true, StartedAt: began, FinishedAt: began.Add(6 * time.Hour)}, VerdictComplete, "", false},
		"a second more": {
			PassFacts{SameScope: true, StartedAt: began, FinishedAt: began.Add(6*time.Hour + time.Second)},
			VerdictUnproven,
			"it took more than 6 hours", false,
		},
		"days, in which a total moves by itself": {
			PassFacts{SameScope: true, TotalsMoved: true, StartedAt: began, FinishedAt: began.Add(48 * time.Hour)},
			VerdictDrifted,
			"it has not shown as many records as the vendor counts; it took more than 6 hours", false,
		},
		"much at once": {
			PassFacts{Shifted: true, RejectsBlind: 1}, VerdictDrifted, "records moved while it was read; " +
				"1 elements have no readable id, see sync.reject; the filters in the configuration have changed", true,
		},
	} {
		verdict, why := c.facts.Certify()
		require.Equal(t, c.verdict, verdict, name)
		require.Equal(t, c.why, why, name)
		require.Equal(t, c.lacking, c.facts.Lacking(), name)
	}
}
