// Package fault makes simulated vendors go wrong on demand. A fault is one named
// thing that goes wrong, written NAME or NAME:KEY=VALUE,…: what it is, at which
// endpoints and at which calls.
//
// The engine reads faults, picks the calls they strike and counts. What a vendor's
// faults do is in the vendor's own [Catalogue]; those of the network are the same
// for all, see [Network].
package fault

import (
	"fmt"
	"slices"
	"strings"

	"syncd/internal/vendorsim/serve"
)

// Strike bends one call of a vendor, which holds it in a C. It is called before
// the call is looked at, by one goroutine at a time; what it puts into the verdict
// is used later by many.
type Strike[C any] func(C, *serve.Verdict)

// Kind is a row of a catalogue.
type Kind[C any] struct {
	Name, Does string
	// On are the endpoints it strikes unless told otherwise, Only those at which it
	// can do anything, by short name; no Only is all of them.
	On, Only []string
	// Defaults are other defaults for the parameters that say which calls, by name.
	Defaults map[string]string
	// Make reads the parameters. What it returns is called each time the fault is
	// armed, so that a strike has a state of its own.
	Make func(*Params) func() Strike[C]
}

// Endpoint is an endpoint of a vendor under the short name that faults use.
type Endpoint struct{ Short, Name string }

// Catalogue is what can go wrong at one vendor.
type Catalogue[C any] struct {
	// Kinds are in the order in which they are listed.
	Kinds     []Kind[C]
	Endpoints []Endpoint
	// EndpointOf is the full name of the endpoint that is called.
	EndpointOf func(C) string
	// Which reads the vendor's own parameters that say which calls are meant and
	// returns whether one is; it may be nil.
	Which func(*Params) func(C) bool
}

// Fault is a fault as it was read. It holds no state: one can be armed many times.
type Fault[C any] struct {
	text   string
	when   when[C]
	strike func() Strike[C]
}

func (f Fault[C]) String() string { return f.text }

// Endpoints are those it strikes.
func (f Fault[C]) Endpoints() []string { return slices.Clone(f.when.endpoints) }

// Info describes a fault that a catalogue knows.
type Info struct {
	Name string `json:"name"`
	Does string `json:"does"`
	// On are the endpoints it strikes unless told otherwise, by short name.
	On []string `json:"on"`
	// Params are its own; all faults also have those that say when.
	Params []Param `json:"params,omitempty"`
}

// List lists the catalogue.
func (c *Catalogue[C]) List() []Info {
	list := make([]Info, 0, len(c.Kinds))
	for _, kind := range c.Kinds {
		p := &Params{}
		kind.Make(p)
		list = append(list, Info{Name: kind.Name, Does: kind.Does, On: kind.On, Params: p.known})
	}
	return list
}

// When lists the parameters that every fault has: those that say which calls it
// strikes.
func (c *Catalogue[C]) When() []Param {
	p := &Params{}
	c.readWhen(p, &Kind[C]{On: c.shortNames()})
	return p.known
}

// Parse reads NAME or NAME:KEY=VALUE,KEY=VALUE. The error lists all that is wrong
// with the text.
func (c *Catalogue[C]) Parse(text string) (Fault[C], error) {
	name, rest, _ := strings.Cut(text, ":")
	i := slices.IndexFunc(c.Kinds, func(k Kind[C]) bool { return k.Name == name })
	if i < 0 {
		var names []string
		for _, kind := range c.Kinds {
			names = append(names, kind.Name)
		}
		return Fault[C]{}, fmt.Errorf("there is no fault %q; there are %s", name, strings.Join(names, ", "))
	}
	kind := &c.Kinds[i]
	p := &Params{given: map[string]string{}, defaults: kind.Defaults}
	for pair := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if _, twice := p.given[key]; rest != "" && (!ok || twice) {
			p.Wrong("%q is not KEY=VALUE, or comes twice", pair)
		}
		if rest != "" {
			p.given[key] = value
		}
	}
	f := Fault[C]{text: text, when: c.readWhen(p, kind), strike: kind.Make(p)}
	if err := p.finish(); err != nil {
		return Fault[C]{}, fmt.Errorf("fault %s: %w", name, err)
	}
	return f, nil
}

func (c *Catalogue[C]) shortNames() []string {
	var names []string
	for _, e := range c.Endpoints {
		names = append(names, e.Short)
	}
	return names
}
