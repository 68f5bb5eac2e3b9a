package azure

import (
	"net/netip"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Case is what of a check bears on the configuration: where it stands in the scenario table and what the probes saw.
type Case struct {
	// Row is the row that the check is judged by, 0 where there is none.
	Row int
	// RuntimeServer tells that the runtime server connects, else the target does.
	RuntimeServer              bool
	SourceKind                 request.Kind
	SourceAccess, TargetAccess request.Access
	// Ends are by leg: source, target, runtime.
	Ends map[string]End
	// Vantage is our own address; invalid where it is not known.
	Vantage netip.Addr
}

// End is what is known of one end besides its configuration.
type End struct {
	Host string
	Port int
	// Addresses are those that the probe was led to, or the custom one.
	Addresses []netip.Addr
	// ByName tells that they are answers of DNS.
	ByName bool
	// SeenAs is the address that the server saw us come from; invalid where nothing told.
	SeenAs netip.Addr
}

// Path says whose connection a judgement is about.
type Path string

// The paths. ByPage is what the scenario's page asks for although neither connection needs it.
const (
	// ByMigration is the connection that the migration itself makes.
	ByMigration Path = "migration"
	// ByProbe is the one from our own vantage.
	ByProbe Path = "probe"
	// ByEach is for both of them.
	ByEach Path = "each"
	ByPage Path = "page"
)

// State is how one check of the configuration came out.
type State string

// The states. Undecided says why in Check.Why; Unread means that what it needs was not read.
const (
	Right      State = "right"
	Wrong      State = "wrong"
	CannotTell State = "undecided"
	Unread     State = "unread"
)

// Names of the legs, and of our own place beside them.
const (
	source  = "source"
	target  = "target"
	runtime = "runtime"
	vantage = "vantage"
)

// Check is one thing that was held against the configuration.
type Check struct {
	Leg string `json:"leg"`
	// About is what was checked: peering, route, route_back, nsg_outbound, nsg_inbound, endpoint_approved, zone_link,
	// zone, record, answer, zone_group, server_state, public_access, firewall_rule, vnet_rule.
	About string `json:"about"`
	Path  Path   `json:"path"`
	State State  `json:"state"`
	// Step is the key of the scenario's step that it decides, empty for none.
	Step string `json:"step,omitempty"`
	// Resource is the id of what decided, Rule the rule or route in it.
	Resource string `json:"resource,omitempty"`
	Rule     string `json:"rule,omitempty"`
	// Why says what keeps it from being decided, as keys or names of rules.
	Why []string `json:"why,omitempty"`
}

// Judgement is what a configuration means for a case.
type Judgement struct {
	Checks   []Check
	Findings []finding.Finding
}

// Observation is what the layer azure keeps in the report.
type Observation struct {
	Checks []Check `json:"checks,omitempty"`
	// Configuration stands at the target alone, whole.
	Configuration *Configuration `json:"configuration,omitempty"`
}

// Of is what of a judgement belongs to one leg.
func (j Judgement) Of(leg string) ([]Check, []finding.Finding) {
	var checks []Check
	for _, c := range j.Checks {
		if c.Leg == leg {
			checks = append(checks, c)
		}
	}
	var found []finding.Finding
	for _, f := range j.Findings {
		if f.Leg == leg {
			found = append(found, f)
		}
	}
	return checks, found
}

// Steps says of each step of the scenario what the configuration decides: Wrong where one check is wrong, Right where
// all of them are right, and nothing where some could not be told.
func Steps(checks []Check) map[string]State {
	all := map[string][]State{}
	for _, c := range checks {
		if c.Step != "" {
			all[c.Step] = append(all[c.Step], c.State)
		}
	}
	out := map[string]State{}
	for step, states := range all {
		if state, decided := sum(states); decided {
			out[step] = state
		}
	}
	return out
}

func sum(states []State) (State, bool) {
	right := true
	for _, s := range states {
		if s == Wrong {
			return Wrong, true
		}
		right = right && s == Right
	}
	return Right, right
}
