package sweep

import (
	"fmt"
	"slices"

	"syncd/internal/model"
)

// Order returns the specs with every stream after those it needs, and otherwise
// as they came. A need that is not among the specs is passed over; a circle is
// an error.
func Order(specs []model.StreamSpec) ([]model.StreamSpec, error) {
	ordered := make([]model.StreamSpec, 0, len(specs))
	placed := map[string]bool{}
	given := map[string]bool{}
	for _, s := range specs {
		given[s.Name] = true
	}
	ready := func(s model.StreamSpec) bool {
		return !slices.ContainsFunc(s.Needs, func(need string) bool { return given[need] && !placed[need] })
	}
	for len(ordered) < len(specs) {
		before := len(ordered)
		for _, s := range specs {
			if !placed[s.Name] && ready(s) {
				ordered = append(ordered, s)
				placed[s.Name] = true
			}
		}
		if len(ordered) == before {
			return nil, fmt.Errorf("streams need each other in a circle")
		}
	}
	return ordered, nil
}
