package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"syncd/internal/store"
)

// probeMonth says whether the calls of the month do for what the schedules ask for,
// as far as groups are known. A month that the vendor says is spent was told before.
func (s *source) probeMonth(ctx context.Context, db *store.Store, now time.Time) []probe {
	what := s.Name + ": calls of the month"
	month, err := (&planner{store: db, source: s, now: now}).month(ctx)
	if err != nil {
		return []probe{probed(healthFail, what, err.Error(), "see `syncd plan`")}
	}
	if month == nil || month.BlockedUntil != nil {
		return nil
	}
	found := fmt.Sprintf("%s more are wanted until %s", withCommas(month.Wanted), month.Until.Format(time.RFC3339))
	remedy := month.remedy()
	if remedy == "" {
		return []probe{probed(healthOK, what, found+", and fit", "")}
	}
	var waiting []string
	for i := range month.Streams {
		if stream := &month.Streams[i]; stream.short() {
			waiting = append(waiting, stream.name(s.Name))
		}
	}
	found += fmt.Sprintf(", of which %s can be made; %s wait from %s", withCommas(month.Calls), strings.Join(waiting, ", "),
		month.WaitsAt.Format(time.DateOnly))
	return []probe{probed(healthWarn, what, found, remedy)}
}
