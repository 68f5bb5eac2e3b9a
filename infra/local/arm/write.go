package arm

import (
	"maps"
	"net/http"
	"strings"
)

func (p *Plane) write(w http.ResponseWriter, r *http.Request, at path, body map[string]any) {
	p.calls = append(p.calls, Call{Method: r.Method, ID: string(at), Type: at.resourceType(), Body: clone(body)})
	if missing := p.missing(at, body); missing != "" {
		p.refuse(w, r, http.StatusNotFound, missing+" does not exist")
		return
	}
	body = clone(body)
	if old := p.resources[at.key()]; old != nil && r.Method == http.MethodPatch {
		merged := clone(old)
		properties := object(merged["properties"])
		maps.Copy(properties, object(body["properties"]))
		maps.Copy(merged, body)
		merged["properties"] = properties
		body = merged
	}
	status := http.StatusOK
	switch at.resourceType() {
	case "microsoft.eventgrid/topics", "microsoft.eventgrid/eventsubscriptions", "microsoft.authorization/roledefinitions":
		status = http.StatusCreated // their clients take nothing else
	}
	reply(w, status, p.store(at, body))
}

// store keeps a resource with what Azure adds to it.
func (p *Plane) store(at path, resource map[string]any) map[string]any {
	properties := object(resource["properties"])
	kind := at.resourceType()
	if add := computed[kind]; add != nil {
		added := add(at.name())
		maps.Copy(added, properties)
		properties = added
	}
	if !strings.HasPrefix(kind, "microsoft.web/sites/config") {
		properties["provisioningState"] = "Succeeded"
	}
	if kind == "microsoft.authorization/roleassignments" {
		properties["scope"] = string(at.parent())
	}
	nest(kind, properties)
	addIdentity(resource)
	resource["properties"], resource["id"], resource["name"], resource["type"] = properties, string(at), at.name(), kind
	p.resources[at.key()] = resource
	return resource
}

// nest adds what Azure adds deeper inside.
func nest(kind string, properties map[string]any) {
	switch kind {
	case "microsoft.network/privateendpoints":
		for _, connection := range list(properties["privateLinkServiceConnections"]) {
			object(object(connection)["properties"])["privateLinkServiceConnectionState"] =
				map[string]any{"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"}
		}
	case "microsoft.eventgrid/eventsubscriptions":
		filter := map[string]any{"subjectBeginsWith": "", "subjectEndsWith": ""}
		maps.Copy(filter, object(properties["filter"]))
		properties["filter"] = filter
	}
}

// missing is what has to be there first and is not: the parent, or a resource that the body refers to.
func (p *Plane) missing(at path, body map[string]any) string {
	if parent := at.parent(); parent != "" && !parent.alwaysThere() && p.resources[parent.key()] == nil {
		return string(parent)
	}
	return p.dangling(at, body)
}

func (p *Plane) dangling(at path, v any) string {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			// the keys of userAssignedIdentities are ids
			if id := p.dangling(at, name); id != "" {
				return id
			}
			if id := p.dangling(at, member); id != "" {
				return id
			}
		}
	case []any:
		for _, member := range v {
			if id := p.dangling(at, member); id != "" {
				return id
			}
		}
	case string:
		to := path(v)
		// A resource may name itself and parts of itself; the scopes of a role are groups as well.
		if !strings.HasPrefix(to.key(), "/subscriptions/") || !strings.Contains(to.key(), "/providers/") ||
			strings.HasPrefix(to.key(), at.key()) || to.alwaysThere() || strings.Contains(to.key(), "/functions/") {
			return ""
		}
		if p.resources[to.key()] == nil {
			return v
		}
	}
	return ""
}

func (p *Plane) remove(w http.ResponseWriter, at path) {
	p.calls = append(p.calls, Call{Method: http.MethodDelete, ID: string(at), Type: at.resourceType()})
	for id := range p.resources {
		if id == at.key() || strings.HasPrefix(id, at.key()+"/") {
			delete(p.resources, id)
		}
	}
	status := http.StatusOK
	if at.resourceType() == "microsoft.eventgrid/topics" {
		status = http.StatusNoContent // again, its client takes no other
	}
	w.WriteHeader(status)
}

// clone copies JSON values, so that what was sent is kept as it was sent.
func clone(body map[string]any) map[string]any {
	copied := make(map[string]any, len(body))
	for name, member := range body {
		copied[name] = cloneAny(member)
	}
	return copied
}

func cloneAny(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return clone(v)
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = cloneAny(v[i])
		}
		return copied
	}
	return v
}

func object(v any) map[string]any {
	if o, ok := v.(map[string]any); ok && o != nil {
		return o
	}
	return map[string]any{}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
