package ticket

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Fields are the names of the fields of each system that are not named as the contract has them. The zero value maps
// nothing.
type Fields map[System]map[Name]string

// ParseFields reads TICKET_FIELDS: system → what it tells → name of the field, as in
// {"jira": {"sourceHost": "customfield_10042"}}. The error names the key that is wrong.
func ParseFields(raw json.RawMessage) (Fields, error) {
	var named map[string]map[string]string
	if err := json.Unmarshal(raw, &named); err != nil || named == nil {
		return nil, errors.New(`is not a JSON object such as {"jira": {"sourceHost": "customfield_10042"}}`)
	}
	fields := Fields{}
	for _, system := range slices.Sorted(maps.Keys(named)) {
		mapped, err := parseSystem(System(system), named[system])
		if err != nil {
			return nil, err
		}
		fields[System(system)] = mapped
	}
	return fields, nil
}

func parseSystem(system System, named map[string]string) (map[Name]string, error) {
	if system != Jira && system != ServiceNow {
		return nil, fmt.Errorf("%.40q has no fields to map; jira and servicenow have", system)
	}
	mapped, used := map[Name]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		field := named[name]
		if !slices.Contains(Names(), Name(name)) {
			return nil, fmt.Errorf("%s: %.40q is not known; known are %s", system, name, listed(Names()))
		}
		if field == "" || len(field) > 128 || strings.ContainsFunc(field, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("%s.%s: what is there is not the name of a field", system, name)
		}
		if before := used[field]; before != "" {
			return nil, fmt.Errorf("%s.%s: has the same field as %s", system, name, before)
		}
		mapped[Name(name)], used[field] = field, name
	}
	return mapped, nil
}

func listed(names []Name) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}

// of is the name of a system's field; empty where it has none.
func (f Fields) of(system System, name Name) string {
	if field := f[system][name]; field != "" {
		return field
	}
	switch {
	case name == Description:
		return "description"
	case system != ServiceNow:
		return ""
	}
	return serviceNowColumns()[name]
}

// serviceNowColumns are the contract's, and the one for Again.
func serviceNowColumns() map[Name]string {
	return map[Name]string{SourceHost: "u_source_host", SourcePort: "u_source_port", TargetHost: "u_target_host",
		TargetPort: "u_target_port", Route: "u_route", Mode: "u_mode", Depth: "u_depth", Again: "u_check_again"}
}

// record is a ticket's fields by their names.
type record map[string]json.RawMessage

// read takes values out of a record: its own fields first, then the lines of its description.
func (f Fields) read(system System, r record) (Values, error) {
	lines, err := Lines(written(r[f.of(system, Description)]))
	if err != nil {
		return nil, err
	}
	values := Values{}
	for _, name := range Names() {
		if name == Description || name == Again {
			continue
		}
		field := f.of(system, name)
		if text := clean(valueOf(r[field])); field != "" && text != "" {
			values[name] = Value{Text: number(name, text), From: field}
			continue
		}
		if said, there := lines[name]; there {
			values[name] = said
		}
	}
	return values, nil
}
