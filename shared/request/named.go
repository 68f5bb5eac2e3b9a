package request

import "slices"

// Named asks for a check of a registered route by its name: {"route": NAME} in place of a whole request, alone or as an
// event's data.
type Named struct {
	// Route is a valid name; whether it is registered is the store's question.
	Route string

	message unwrapped
	members map[string]any
}

// ReadNamed reads a message that names a route; false where it is anything else, which Decode then judges. What
// describes a check by itself names no route, it belongs to one.
func ReadNamed(body []byte) (Named, bool) {
	tree, problem := parse(body)
	message := unwrap(tree)
	members, _ := message.request.(map[string]any)
	route, _ := members["route"].(string)
	if first(problem, message.problem) != nil || beName(route) != "" {
		return Named{}, false
	}
	for _, own := range []string{"version", "source", "target"} {
		if members[own] != nil {
			return Named{}, false
		}
	}
	return Named{Route: route, message: message, members: members}, true
}

// overNamed are the fields that whoever names a route may give: who asks and who wants the answer, not what is checked.
func overNamed() []string { return []string{"id", "notify", "requestedBy"} }

// On is the check of the route's registered request, with the event's own id, notify and requestedBy. The ids stand in
// as in Decode. Every error is a *Problem.
func (n Named) On(registered []byte, fallbackID string) (Check, error) {
	tree, problem := parse(registered)
	whole, isObject := tree.(map[string]any)
	if problem == nil && !isObject {
		problem = invalid("", "must be an object, not "+kindOf(tree))
	}
	if problem = first(n.unknown(), problem); problem != nil {
		return Check{}, salvage(*problem, n.message, fallbackID)
	}
	delete(whole, "id")
	for _, field := range overNamed() {
		if n.members[field] != nil {
			whole[field] = n.members[field]
		}
	}
	whole["route"] = n.Route
	check, problem := read(whole)
	if problem != nil {
		return Check{}, salvage(*problem, n.message, fallbackID)
	}
	check.ID = idOr(check.ID, fallbackID, n.message.eventID)
	return check, nil
}

// NotRegistered is the refusal of a name that no route has.
func (n Named) NotRegistered(fallbackID string) *Problem {
	return salvage(*invalid("route", "is not registered: PUT /api/routes/{name} registers a route"), n.message, fallbackID)
}

func (n Named) unknown() *Problem {
	for _, field := range sortedKeys(n.members) {
		if field != "route" && !slices.Contains(overNamed(), field) {
			return invalid(shown(field), "is an unknown field beside the name of a route; known here: route, id, notify, "+
				"requestedBy")
		}
	}
	return nil
}
