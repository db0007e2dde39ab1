package vendorsim

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// ArmedFault is a fault that is in force.
type ArmedFault struct {
	Fault string `json:"fault"`
	// Calls matched it, whether or not they were struck; Struck is how many were.
	Calls  int `json:"calls"`
	Struck int `json:"struck"`
}

// armed is a fault in force with what it has seen.
type armed struct {
	fault Fault

	mu     sync.Mutex
	strike strike
	calls  int
	struck int
}

// Arm puts a fault into force, for calls that arrive from now on, beside those
// that are: a call can be struck by many. See [ParseFault] for the text.
func (s *Sim) Arm(text string) error {
	f, err := ParseFault(text)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(slices.Clip(s.faults), &armed{fault: f, strike: f.strike()})
	return nil
}

// Disarm lifts all faults. What they have done lasts: an ended token, a block, a
// clock that was moved.
func (s *Sim) Disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Armed lists the faults in force, in the order in which they strike.
func (s *Sim) Armed() []ArmedFault {
	list := []ArmedFault{}
	for _, a := range s.inForce() {
		a.mu.Lock()
		list = append(list, ArmedFault{Fault: a.fault.text, Calls: a.calls, Struck: a.struck})
		a.mu.Unlock()
	}
	return list
}

func (s *Sim) inForce() []*armed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// bend lets the faults in force add to what the script wants.
func (s *Sim) bend(c *call, v *Verdict) {
	for _, a := range s.inForce() {
		a.meet(s, c, v)
	}
}

func (a *armed) meet(s *Sim, c *call, v *Verdict) {
	if !a.fault.when.matches(s, c.request) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if a.fault.when.picks(a.calls, a.struck) {
		a.struck++
		a.strike(s, c, v)
	}
}

// answer gives the answer, unless somebody has given one.
func (v *Verdict) answer(a Answer) {
	if v.Answer == nil {
		v.Answer = &a
	}
}

// edit adds a change to those there are.
func (v *Verdict) edit(change func(*Answer)) {
	first := v.Edit
	if first == nil {
		v.Edit = change
		return
	}
	v.Edit = func(a *Answer) {
		first(a)
		change(a)
	}
}

// block spends a limit of the endpoint.
func (s *Sim) block(endpoint string, hour bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.meters[endpoint]
	w := &m.minute
	if hour {
		w = &m.hour
	}
	w.until = s.serviceTime().Add(w.length)
}

func (s *Sim) replyFaults(w http.ResponseWriter) {
	reply(w, struct {
		Armed []ArmedFault `json:"armed"`
		Known []FaultInfo  `json:"known"`
		When  []FaultParam `json:"when"`
	}{s.Armed(), Faults(), FaultWhen()})
}

func (s *Sim) armFault(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Fault string `json:"fault"`
	}
	if !request(w, r, &want) {
		return
	}
	if err := s.Arm(want.Fault); err != nil {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	s.replyFaults(w)
}
