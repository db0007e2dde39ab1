package fault

import (
	"net/http"
	"slices"
	"sync"

	"syncd/internal/vendorsim/serve"
)

// Armed is a fault that is in force.
type Armed struct {
	Fault string `json:"fault"`
	// Calls matched it, whether or not they were struck; Struck is how many were.
	Calls  int `json:"calls"`
	Struck int `json:"struck"`
}

// Armory holds the faults that are in force at one simulator.
type Armory[C any] struct {
	catalogue *Catalogue[C]

	mu    sync.Mutex
	armed []*armed[C] // the slice is never changed in place
}

// armed is a fault in force with what it has seen.
type armed[C any] struct {
	fault Fault[C]

	mu     sync.Mutex
	strike Strike[C]
	calls  int
	struck int
}

// Armory makes one without a fault in force.
func (c *Catalogue[C]) Armory() *Armory[C] { return &Armory[C]{catalogue: c} }

// Arm puts a fault into force, for calls that arrive from now on, beside those
// that are: a call can be struck by many. See [Catalogue.Parse] for the text.
func (a *Armory[C]) Arm(text string) error {
	f, err := a.catalogue.Parse(text)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = append(slices.Clip(a.armed), &armed[C]{fault: f, strike: f.strike()})
	return nil
}

// Disarm lifts all faults. What they have done lasts: an ended token, a block, a
// clock that was moved.
func (a *Armory[C]) Disarm() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = nil
}

// Armed lists the faults in force, in the order in which they strike.
func (a *Armory[C]) Armed() []Armed {
	list := []Armed{}
	for _, one := range a.inForce() {
		one.mu.Lock()
		list = append(list, Armed{Fault: one.fault.text, Calls: one.calls, Struck: one.struck})
		one.mu.Unlock()
	}
	return list
}

func (a *Armory[C]) inForce() []*armed[C] {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.armed
}

// Bend lets the faults in force add to what is to happen to a call.
func (a *Armory[C]) Bend(c C, v *serve.Verdict) {
	for _, one := range a.inForce() {
		one.meet(c, v)
	}
}

func (a *armed[C]) meet(c C, v *serve.Verdict) {
	if !a.fault.when.matches(c) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if a.fault.when.picks(a.calls, a.struck) {
		a.struck++
		a.strike(c, v)
	}
}

// Controls adds the control endpoints of faults.
//
//	GET    /_sim/faults  the faults in force, and the catalogue
//	POST   /_sim/faults  {"fault":"slow:on=list,every=10"} puts one into force
//	DELETE /_sim/faults  lifts them all
func (a *Armory[C]) Controls(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { a.reply(w) })
	mux.HandleFunc("POST /_sim/faults", a.armOne)
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		a.Disarm()
		a.reply(w)
	})
}

func (a *Armory[C]) reply(w http.ResponseWriter) {
	serve.Reply(w, struct {
		Armed []Armed `json:"armed"`
		Known []Info  `json:"known"`
		When  []Param `json:"when"`
	}{a.Armed(), a.catalogue.List(), a.catalogue.When()})
}

func (a *Armory[C]) armOne(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Fault string `json:"fault"`
	}
	if !serve.ReadControl(w, r, &want) {
		return
	}
	if err := a.Arm(want.Fault); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.reply(w)
}
