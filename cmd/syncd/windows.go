package main

import (
	"slices"
	"strings"

	"syncd/config"
	"syncd/internal/model"
)

// windowStream finds a stream of statistics in the configuration. The caller
// closes the source's client.
func windowStream(cfg *config.Config, h *host, name, stream string) (*source, model.StreamSpec, error) {
	if strings.Contains(name, "/") {
		return nil, model.StreamSpec{}, usage("%s: want the name of a source; the stream is chosen by --stream", name)
	}
	chosen, err := choose(cfg, []string{name}, h.requests)
	if err != nil {
		return nil, model.StreamSpec{}, err
	}
	src := chosen[0]
	var have []string
	for _, spec := range src.enabled {
		if spec.Shape == model.ShapeWindow {
			have = append(have, spec.Name)
		}
	}
	at := slices.IndexFunc(src.enabled, func(spec model.StreamSpec) bool { return spec.Name == stream })
	switch {
	case at >= 0 && src.enabled[at].Shape == model.ShapeWindow:
		return src, src.enabled[at], nil
	case len(have) == 0:
		err = usage("%s/%s: %s has no stream of statistics that is switched on", name, stream, name)
	case at >= 0:
		err = usage("%s/%s is no stream of statistics; %s has %s", name, stream, name, strings.Join(have, ", "))
	default:
		err = usage("%s/%s: no such stream, or it is switched off; %s has %s", name, stream, name, strings.Join(have, ", "))
	}
	src.client.Close()
	return nil, model.StreamSpec{}, err
}
