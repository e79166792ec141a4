package gateway

import (
	"strings"

	"charter/pkg/sam"
)

// route is one of the template's, cut in segments.
type route struct {
	sam.Route
	function string
	segments []string
}

func newRoute(r sam.Route, function string) route {
	return route{Route: r, function: function, segments: split(r.Path)}
}

// split cuts a path in its segments. A slash at the end does not count: the
// gateway matches as if it were not there, though the event has it.
func split(path string) []string {
	return strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
}

// match finds the route of an escaped path, and its path parameters. Where
// several routes fit, fixed text goes before a parameter, the leftmost first.
// Parameters stay percent-encoded, as a REST API leaves them.
func match(routes []route, method, path string) (*route, map[string]string) {
	var best *route
	segments := split(path)
	for i := range routes {
		r := &routes[i]
		if r.Method == method && r.fits(segments) && (best == nil || r.goesBefore(best)) {
			best = r
		}
	}
	if best == nil {
		return nil, nil
	}
	var parameters map[string]string
	for i, s := range best.segments {
		if name, ok := parameter(s); ok {
			if parameters == nil {
				parameters = map[string]string{}
			}
			parameters[name] = segments[i]
		}
	}
	return best, parameters
}

func (r *route) fits(segments []string) bool {
	if len(r.segments) != len(segments) {
		return false
	}
	for i, s := range r.segments {
		if _, ok := parameter(s); ok && segments[i] != "" {
			continue
		}
		if s != segments[i] {
			return false
		}
	}
	return true
}

func (r *route) goesBefore(other *route) bool {
	for i, s := range r.segments {
		_, here := parameter(s)
		_, there := parameter(other.segments[i])
		if here != there {
			return there
		}
	}
	return false
}

// parameter is the name in a segment "{name}".
func parameter(segment string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(segment, "{"); ok {
		name, ok = strings.CutSuffix(name, "}")
	}
	return name, ok
}
