package fault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Param is a parameter of a fault.
type Param struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	Meaning string `json:"meaning"`
}

// Params are the parameters of one fault as they are read. Reading one makes it
// known; one that is given and never read is an error in the end.
type Params struct {
	given    map[string]string
	defaults map[string]string
	known    []Param
	errs     []error
}

// Wrong notes that something is wrong with what was given.
func (p *Params) Wrong(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

// Text reads any text.
func (p *Params) Text(name, fallback, meaning string) string {
	if other, ok := p.defaults[name]; ok {
		fallback = other
	}
	p.known = append(p.known, Param{Name: name, Default: fallback, Meaning: meaning})
	if value, ok := p.given[name]; ok {
		return value
	}
	return fallback
}

// Count reads a whole number from low to high.
func (p *Params) Count(name string, fallback, low, high int, meaning string) int {
	text := p.Text(name, strconv.Itoa(fallback), meaning)
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		p.Wrong("%s is %q, want a whole number from %d to %d", name, text, low, high)
		return fallback
	}
	return n
}

// Duration reads a duration above 0.
func (p *Params) Duration(name string, fallback time.Duration, meaning string) time.Duration {
	text := p.Text(name, fallback.String(), meaning)
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		p.Wrong("%s is %q, want a duration like 90s", name, text)
		return fallback
	}
	return d
}

// Choice reads one of the options, the first where none is given.
func (p *Params) Choice(name, meaning string, options ...string) string {
	text := p.Text(name, options[0], fmt.Sprintf("%s: %s", meaning, strings.Join(options, ", ")))
	if !slices.Contains(options, text) {
		p.Wrong("%s is %q, want one of %s", name, text, strings.Join(options, ", "))
		return options[0]
	}
	return text
}

func (p *Params) finish() error {
	for _, name := range slices.Sorted(maps.Keys(p.given)) {
		if !slices.ContainsFunc(p.known, func(k Param) bool { return k.Name == name }) {
			p.Wrong("it has no parameter %q", name)
		}
	}
	return errors.Join(p.errs...)
}
