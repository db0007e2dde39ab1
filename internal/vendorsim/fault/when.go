package fault

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"syncd/internal/vendorsim/dice"
)

// when says which calls a fault strikes. Calls that match endpoint and whatever
// the vendor adds are counted from 1; the rest picks among the counted ones.
type when[C any] struct {
	endpointOf func(C) string
	endpoints  []string
	which      func(C) bool // nil is any

	at, every, from, to, times int
	probability                float64
	seed                       uint64
}

func (c *Catalogue[C]) readWhen(p *Params, kind *Kind[C]) when[C] {
	w := when[C]{endpointOf: c.EndpointOf}
	for short := range strings.SplitSeq(p.Text("on", strings.Join(kind.On, "+"),
		"endpoints, joined by +: "+strings.Join(c.shortNames(), ", ")), "+") {
		i := slices.IndexFunc(c.Endpoints, func(e Endpoint) bool { return e.Short == short })
		switch {
		case i < 0:
			p.Wrong("on: there is no endpoint %q", short)
		case kind.Only != nil && !slices.Contains(kind.Only, short):
			p.Wrong("on: it does nothing at %s", short)
		default:
			w.endpoints = append(w.endpoints, c.Endpoints[i].Name)
		}
	}
	if c.Which != nil {
		w.which = c.Which(p)
	}
	w.at = p.Count("at", 0, 0, math.MaxInt32, "only the n-th matching call; 0 is all of them")
	w.every = p.Count("every", 1, 1, math.MaxInt32, "only every n-th matching call")
	w.from = p.Count("from", 1, 1, math.MaxInt32, "not before the n-th matching call")
	w.to = p.Count("to", 0, 0, math.MaxInt32, "not after the n-th matching call; 0 is no end")
	w.times = p.Count("times", 0, 0, math.MaxInt32, "at most so often; 0 is no bound")
	share := p.Text("p", "1", "with this probability")
	var err error
	if w.probability, err = strconv.ParseFloat(share, 64); err != nil || !(w.probability > 0 && w.probability <= 1) {
		p.Wrong("p is %q, want a number above 0 and up to 1", share)
	}
	w.seed = uint64(p.Count("seed", 1, 0, math.MaxInt32, "decides what p draws"))
	return w
}

// matches reports whether the call is one of those that are counted.
func (w *when[C]) matches(c C) bool {
	return slices.Contains(w.endpoints, w.endpointOf(c)) && (w.which == nil || w.which(c))
}

// picks reports whether the n-th matching call is struck, by a fault that has
// struck so often before.
func (w *when[C]) picks(n, struck int) bool {
	switch {
	case w.at > 0 && n != w.at, n%w.every != 0, n < w.from, w.to > 0 && n > w.to, w.times > 0 && struck >= w.times:
		return false
	}
	return w.probability >= 1 || dice.Unit(dice.Mix(w.seed<<32^uint64(n))) < w.probability
}

// The pages of a list, for [Pages].
const (
	pageAny  = "any"
	pageHead = "head"
	// PageNext is the default of faults that strike only where a list goes on.
	PageNext = "next"
)

// Pages reads the parameter page and returns whether a call is meant that does or
// does not continue a list. any is whether every call is meant.
func Pages(p *Params) (meant func(continues bool) bool, anyPage bool) {
	page := p.Choice("page", "which calls of a list", pageAny, pageHead, PageNext)
	return func(continues bool) bool { return page == pageAny || (page == PageNext) == continues }, page == pageAny
}
