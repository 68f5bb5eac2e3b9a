package rejudge

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
)

// answered reads the facts of a server. One that today's rules ask for and the report does not have counts as not read.
func answered(raw json.RawMessage, l plan.Leg) (observation, error) {
	o, err := strict[evidence.Prerequisites](raw)
	if err != nil {
		return observation{}, err
	}
	out := observation{}
	lost, err := lostFacts(raw, o, l)
	if err != nil {
		return out, err
	}
	o.NotRead = append(o.NotRead, lost...)
	out.value, out.judge = o, o.Judge
	var names []string
	for _, fact := range lost {
		names = append(names, fact.Question)
	}
	slices.Sort(names)
	if len(names) > 0 {
		out.lacks = "the report does not have the answers to " + strings.Join(slices.Compact(names), ", ")
	}
	if gone := lostDatabases(o, l); len(gone) > 0 {
		out.lacks = "the report does not have the databases " + strings.Join(gone, ", ")
	}
	return out, nil
}

// facts are an observation's by name. A fact has the name of its question; one that was answered is there, however
// empty.
type facts struct {
	Server    map[string]json.RawMessage
	Databases []map[string]json.RawMessage
}

func lostFacts(raw json.RawMessage, o evidence.Prerequisites, l plan.Leg) ([]prerequisites.NotRead, error) {
	var there facts
	if err := json.Unmarshal(raw, &there); err != nil {
		return nil, err
	}
	target := prerequisites.Target{Side: prerequisites.Side(l.Name), Mode: l.Mode, Databases: l.Migrated}
	var lost []prerequisites.NotRead
	look := func(id, database string, in map[string]json.RawMessage) {
		known := slices.ContainsFunc(o.NotRead, func(n prerequisites.NotRead) bool {
			return n.Question == id && (n.Database == database || database == "")
		})
		if in[id] == nil && !known {
			lost = append(lost, prerequisites.NotRead{Question: id, Database: database, Why: "the report does not have it"})
		}
	}
	for _, q := range prerequisites.Questions(target) {
		if q.Scope != prerequisites.PerDatabase {
			look(q.ID, "", there.Server)
			continue
		}
		for i, database := range there.Databases {
			look(q.ID, o.Databases[i].Name, database)
		}
	}
	return lost, nil
}

// lostDatabases are those that were asked, by the request, and of which the report says nothing.
func lostDatabases(o evidence.Prerequisites, l plan.Leg) []string {
	var lost []string
	for _, name := range l.Endpoint.Databases {
		var clean prerequisites.Text
		_ = clean.UnmarshalText([]byte(name)) // never fails
		asked := slices.ContainsFunc(o.Databases, func(d prerequisites.Database) bool { return d.Name == string(clean) })
		failed := slices.ContainsFunc(o.Further, func(f evidence.Further) bool { return f.Database == name })
		if !asked && !failed && !slices.Contains(slices.Concat(o.NotAsked, o.Late, o.Absent), name) {
			lost = append(lost, name)
		}
	}
	return lost
}
