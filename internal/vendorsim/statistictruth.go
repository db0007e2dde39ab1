package vendorsim

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"syncd/internal/vendorsim/serve"
)

// OwnerDay is what the vendor would tell of an owner's day when it is asked at
// an instant: nothing while the day lasts, zeros before the ready hour, figures
// that may be corrected later. date is any instant of the day in China. It is
// false where there is no row.
//
// It does not care whether the vendor would refuse the call, because the day is
// too old or the owner has resigned or is out of sight.
func (s *Sim) OwnerDay(owner string, date, at time.Time) (Figures, bool) {
	return s.OwnerRange(owner, date, date, at)
}

// OwnerRange is the same for all days from the first to the last together.
func (s *Sim) OwnerRange(owner string, first, last, at time.Time) (Figures, bool) {
	n, known := s.stats.directory.staff(s.tenant, owner, at.Unix())
	if !known {
		return Figures{}, false
	}
	return s.ownerRow(n, dates{dayOf(first.Unix()), dayOf(last.Unix())}, at.Unix())
}

// DayTotal is the same for one day of some owners together. Owners that are
// unknown count for nothing.
func (s *Sim) DayTotal(owners []string, date, at time.Time) (Figures, bool) {
	var numbers []int
	for _, id := range owners {
		if n, known := s.stats.directory.staff(s.tenant, id, at.Unix()); known {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return s.dayRow(slices.Compact(numbers), dayOf(date.Unix()), at.Unix())
}

// Hide moves owners out of sight: statistics whose owner_filter holds one of them
// are refused with the code (60011 and 50002 are documented; 0 is 60011), and
// those without owner_filter leave them out. The other endpoints go on showing them. An owner
// is a userid, or # and the number of a person of the staff. The error names
// those that nobody has ever heard of; none is hidden then.
func (s *Sim) Hide(code int, owners ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers, err := s.ownerNumbers(owners)
	if err != nil {
		return err
	}
	setDefault(&code, codeNoRight)
	for _, n := range numbers {
		s.stats.hidden[n] = code
	}
	return nil
}

// Unhide brings owners back into sight; with none given, everybody.
func (s *Sim) Unhide(owners ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers, err := s.ownerNumbers(owners)
	if err != nil {
		return err
	}
	if len(owners) == 0 {
		clear(s.stats.hidden)
	}
	for _, n := range numbers {
		delete(s.stats.hidden, n)
	}
	return nil
}

// Hidden are the owners out of sight with their codes.
func (s *Sim) Hidden() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]int, len(s.stats.hidden))
	for n, code := range s.stats.hidden {
		all[s.tenant.staffID(n)] = code
	}
	return all
}

// ownerNumbers finds owners by userid or #number. The caller holds mu.
func (s *Sim) ownerNumbers(owners []string) ([]int, error) {
	numbers := make([]int, 0, len(owners))
	for _, owner := range owners {
		n, known := s.stats.directory.staff(s.tenant, s.tenant.staffNamed(owner), s.Now().Unix())
		if !known {
			return nil, fmt.Errorf("there is no owner %q", owner)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// hiding are the control endpoints for owners out of sight.
func (s *Sim) hiding(mux *http.ServeMux) {
	list := func(w http.ResponseWriter) { serve.Reply(w, s.Hidden()) }
	mux.HandleFunc("GET /_sim/hidden", func(w http.ResponseWriter, _ *http.Request) { list(w) })
	mux.HandleFunc("POST /_sim/hidden", func(w http.ResponseWriter, r *http.Request) {
		var want struct {
			Owners []string `json:"owners"`
			Code   int      `json:"code"`
		}
		if !serve.ReadControl(w, r, &want) {
			return
		}
		if err := s.Hide(want.Code, want.Owners...); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		list(w)
	})
	mux.HandleFunc("DELETE /_sim/hidden", func(w http.ResponseWriter, _ *http.Request) {
		_ = s.Unhide() // nobody is named, so nobody is unknown
		list(w)
	})
}
