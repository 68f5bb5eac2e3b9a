package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Route is a route template without prefix: literals, {name}, and {name?} or {*name} as the last segment.
type Route struct {
	text     string
	segments []segment
}

type segment struct {
	literal  string
	name     string
	optional bool
	rest     bool
}

var placeholder = regexp.MustCompile(`^\{(\*?)([A-Za-z_][A-Za-z0-9_]*)(\??)\}$`)

// ParseRoute parses a template. Constraints, defaults and mixed segments are refused.
func ParseRoute(text string) (Route, error) {
	route := Route{text: text}
	parts := strings.Split(strings.Trim(text, "/"), "/")
	for i, part := range parts {
		match := placeholder.FindStringSubmatch(part)
		switch {
		case match != nil:
			route.segments = append(route.segments, segment{name: match[2], optional: match[3] != "", rest: match[1] != ""})
			if last := route.segments[i]; (last.optional || last.rest) && i < len(parts)-1 {
				return Route{}, fmt.Errorf("route %q: %s may only stand last", text, part)
			}
		case part == "" || strings.ContainsAny(part, "{}"):
			return Route{}, fmt.Errorf("route %q: segment %q is not simulated by the local host", text, part)
		default:
			route.segments = append(route.segments, segment{literal: part})
		}
	}
	return route, nil
}

// String is the template.
func (r Route) String() string { return r.text }

// Params names the placeholders in their order.
func (r Route) Params() []string {
	var names []string
	for _, s := range r.segments {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	return names
}

// Match matches an escaped path without prefix. Literals are compared without case, as ASP.NET does; a %2F does not
// split a segment. A missing optional parameter is absent from the result.
func (r Route) Match(escapedPath string) (map[string]string, bool) {
	parts := split(escapedPath)
	values := map[string]string{}
	for i, s := range r.segments {
		switch {
		case s.rest:
			if i < len(parts) {
				values[s.name] = strings.Join(parts[i:], "/")
			}
			return values, true
		case i >= len(parts):
			return values, s.optional
		case s.name != "":
			values[s.name] = parts[i]
		case !strings.EqualFold(s.literal, parts[i]):
			return nil, false
		}
	}
	return values, len(parts) == len(r.segments)
}

func split(escapedPath string) []string {
	trimmed := strings.Trim(escapedPath, "/")
	if trimmed == "" {
		return nil
	}
	parts := strings.Split(trimmed, "/")
	for i, part := range parts {
		if decoded, err := url.PathUnescape(part); err == nil {
			parts[i] = decoded
		}
	}
	return parts
}

// Before tells whether this route is tried before another: at the first difference a literal goes before a parameter
// and a parameter before the rest of the path.
func (r Route) Before(other Route) bool {
	for i := range min(len(r.segments), len(other.segments)) {
		if a, b := r.segments[i].rank(), other.segments[i].rank(); a != b {
			return a < b
		}
	}
	return len(r.segments) > len(other.segments)
}

func (s segment) rank() int {
	switch {
	case s.rest:
		return 2
	case s.name != "":
		return 1
	default:
		return 0
	}
}
