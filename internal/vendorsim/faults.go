package vendorsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one thing that goes wrong: what, at which endpoints, at which calls.
// Arm it with [Sim.Arm]. It holds no state: one fault can be armed many times.
type Fault struct {
	text string
	when when
	// strike makes what the fault does, with a state of its own.
	strike func() strike
}

// strike bends one call. It is called before the call is looked at, by one
// goroutine at a time; what it puts into the verdict is used later by many.
type strike func(*Sim, *call, *Verdict)

func (f Fault) String() string { return f.text }

// FaultInfo describes a fault that [ParseFault] knows.
type FaultInfo struct {
	Name string `json:"name"`
	Does string `json:"does"`
	// On are the endpoints it strikes unless told otherwise, by short name.
	On []string `json:"on"`
	// Params are its own; all faults also have those that say when.
	Params []FaultParam `json:"params,omitempty"`
}

// FaultParam is a parameter of a fault.
type FaultParam struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	Meaning string `json:"meaning"`
}

// faultKind is a row of the catalogue.
type faultKind struct {
	name, does string
	// on are the endpoints unless told otherwise, only those at which it can do
	// anything; nil is all of them.
	on, only []string
	// page is the page it strikes unless told otherwise, see [when].
	page string
	// owner is the one it is about unless told otherwise, see [when].
	owner string
	// make reads the parameters.
	make func(p *faultParams) func() strike
}

// The short names of the endpoints in faults.
const (
	onToken  = "token"
	onOwners = "owners"
	onList   = "list"
	onGet    = "get"
)

var shortNames = map[string]string{
	onToken: EndpointToken, onOwners: EndpointFollowUsers, onList: EndpointChatList, onGet: EndpointChatGet,
}

var (
	everywhere = []string{onToken, onOwners, onList, onGet}
	business   = []string{onOwners, onList, onGet}
)

// Faults lists the catalogue.
func Faults() []FaultInfo {
	list := make([]FaultInfo, 0, len(faultKinds))
	for _, kind := range faultKinds {
		p := &faultParams{}
		kind.make(p)
		list = append(list, FaultInfo{Name: kind.name, Does: kind.does, On: kind.on, Params: p.known})
	}
	return list
}

// FaultWhen lists the parameters that every fault has: those that say which
// calls it strikes.
func FaultWhen() []FaultParam {
	p := &faultParams{}
	readWhen(p, &faultKind{on: everywhere})
	return p.known
}

// ParseFault reads NAME or NAME:KEY=VALUE,KEY=VALUE; see [Faults] and
// [FaultWhen]. The error lists all that is wrong with the text.
func ParseFault(text string) (Fault, error) {
	name, rest, _ := strings.Cut(text, ":")
	i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.name == name })
	if i < 0 {
		var names []string
		for _, kind := range faultKinds {
			names = append(names, kind.name)
		}
		return Fault{}, fmt.Errorf("there is no fault %q; there are %s", name, strings.Join(names, ", "))
	}
	kind := &faultKinds[i]
	p := &faultParams{given: map[string]string{}}
	for pair := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if _, twice := p.given[key]; rest != "" && (!ok || twice) {
			p.wrong("%q is not KEY=VALUE, or comes twice", pair)
		}
		if rest != "" {
			p.given[key] = value
		}
	}
	f := Fault{text: text, when: readWhen(p, kind), strike: kind.make(p)}
	if err := p.finish(); err != nil {
		return Fault{}, fmt.Errorf("fault %s: %w", name, err)
	}
	return f, nil
}

// faultParams are the parameters of one fault as they are read. Reading one makes
// it known.
type faultParams struct {
	given map[string]string
	known []FaultParam
	errs  []error
}

func (p *faultParams) wrong(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

func (p *faultParams) text(name, fallback, meaning string) string {
	p.known = append(p.known, FaultParam{Name: name, Default: fallback, Meaning: meaning})
	if value, ok := p.given[name]; ok {
		return value
	}
	return fallback
}

func (p *faultParams) count(name string, fallback, low, high int, meaning string) int {
	text := p.text(name, strconv.Itoa(fallback), meaning)
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		p.wrong("%s is %q, want a whole number from %d to %d", name, text, low, high)
		return fallback
	}
	return n
}

func (p *faultParams) duration(name string, fallback time.Duration, meaning string) time.Duration {
	text := p.text(name, fallback.String(), meaning)
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		p.wrong("%s is %q, want a duration like 90s", name, text)
		return fallback
	}
	return d
}

// choice takes the first option where none is given.
func (p *faultParams) choice(name, meaning string, options ...string) string {
	text := p.text(name, options[0], fmt.Sprintf("%s: %s", meaning, strings.Join(options, ", ")))
	if !slices.Contains(options, text) {
		p.wrong("%s is %q, want one of %s", name, text, strings.Join(options, ", "))
		return options[0]
	}
	return text
}

func (p *faultParams) finish() error {
	for _, name := range slices.Sorted(maps.Keys(p.given)) {
		if !slices.ContainsFunc(p.known, func(k FaultParam) bool { return k.Name == name }) {
			p.wrong("it has no parameter %q", name)
		}
	}
	return errors.Join(p.errs...)
}
