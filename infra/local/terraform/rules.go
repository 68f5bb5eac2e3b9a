package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/arm"
)

// Want is what a set of variables must lead to.
type Want struct {
	// Delegation of the function's subnet; empty where the subnet is given.
	Delegation                string
	SecurityGroup, RouteTable string
	// Flex tells Flex Consumption from Elastic Premium.
	Flex bool
	// Public are the types that may have public access: a Standard namespace always has.
	Public []string
	// Endpoints are the groups of our private endpoints.
	Endpoints []string
	// Roles are ROLE @ last part of the scope, one for each assignment.
	Roles []string
	// Settings are app settings that must be there with these values.
	Settings map[string]string
	// Events tells that Event Grid delivers to the queue.
	Events bool
}

// Violation is a rule that the bodies break.
type Violation struct{ Rule, Detail string }

func (v Violation) String() string { return v.Rule + ": " + v.Detail }

// The rules, by name.
const (
	RuleNoKey      = "no key in a body"
	RuleDelegation = "the function's subnet is delegated to the plan"
	RuleFilters    = "the function's subnet has the runtime's NSG and route table"
	RuleIdentity   = "the app has the identity that its settings name"
	RuleRuntime    = "the app is a custom handler, run from our container"
	RulePrivate    = "public access is off"
	RuleNoKeyAuth  = "keys open nothing"
	RuleQueue      = "the queue fits the handler"
	RuleRoles      = "exactly these roles"
	RuleEndpoints  = "exactly these private endpoints"
	RuleSettings   = "the app's settings"
	RuleEvents     = "events are delivered to the queue with an identity"
	RuleAlerts     = "alerts are there"
)

// Judge holds what was sent against what is wanted. It is pure: the same calls, the same violations.
func Judge(calls []arm.Call, want Want) []Violation {
	j := &judge{calls: calls, want: want, last: map[string]arm.Call{}}
	for _, call := range calls {
		if call.Method != "DELETE" {
			j.last[strings.ToLower(call.ID)] = call
		}
	}
	for _, rule := range []func(){j.noKey, j.subnet, j.site, j.settings, j.private, j.keyAuth, j.queue, j.roles,
		j.endpoints, j.events, j.alerts} {
		rule()
	}
	return j.found
}

type judge struct {
	calls []arm.Call
	want  Want
	// last is the last write of each resource: what Azure would be left with.
	last  map[string]arm.Call
	found []Violation
}

func (j *judge) expect(ok bool, rule, format string, args ...any) {
	if !ok {
		j.found = append(j.found, Violation{Rule: rule, Detail: fmt.Sprintf(format, args...)})
	}
}

// of are the last writes of a type, in the order of their ids.
func (j *judge) of(kind string) []arm.Call {
	var calls []arm.Call
	for _, id := range slices.Sorted(maps.Keys(j.last)) {
		if j.last[id].Type == kind {
			calls = append(calls, j.last[id])
		}
	}
	return calls
}

// one is the only one of its kind whose id ends so; another number is a violation of rule.
func (j *judge) one(rule, kind, ending string) (arm.Call, bool) {
	other := func(c arm.Call) bool { return !strings.HasSuffix(strings.ToLower(c.ID), ending) }
	calls := slices.DeleteFunc(j.of(kind), other)
	j.expect(len(calls) == 1, rule, "%d of %s…%s, not 1", len(calls), kind, ending)
	if len(calls) != 1 {
		return arm.Call{}, false
	}
	return calls[0], true
}

// noKey looks at every body ever sent, not only at the last ones.
func (j *judge) noKey() {
	for _, call := range j.calls {
		text, err := json.Marshal(call.Body)
		if err != nil {
			j.expect(false, RuleNoKey, "%s cannot be read: %v", call.ID, err)
			continue
		}
		for _, word := range []string{"AccountKey=", "SharedAccessKey=", "SharedAccessSignature", arm.Secret} {
			j.expect(!strings.Contains(string(text), word), RuleNoKey, "%s has %s", call.ID, word)
		}
	}
}

// At follows a path of members and indexes ("0") through JSON; nil where it ends early.
func At(v any, steps ...string) any {
	for _, step := range steps {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			if len(at) == 0 || step != "0" {
				return nil
			}
			v = at[0]
		default:
			return nil
		}
	}
	return v
}

func same(v any, text string) bool {
	s, ok := v.(string)
	return ok && strings.EqualFold(s, text)
}
