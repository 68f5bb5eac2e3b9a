package azure

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Judge holds a configuration against a case. It says what is wrong, what is right, and what cannot be told; a fault is
// found once, whoever meets it.
func Judge(c Configuration, q Case) Judgement {
	j := &judge{config: c, of: q}
	for _, w := range j.walks() {
		j.walk(w)
	}
	j.pageInbound()
	for _, leg := range j.legs() {
		j.server(leg)
		j.endpoints(leg)
		j.names(leg)
	}
	j.firewall()
	j.singleServer()
	j.vantageDiffers()
	j.unread()
	j.validations()
	return Judgement{Checks: j.checks, Findings: j.found}
}

// judge collects what a judgement comes to.
type judge struct {
	config Configuration
	of     Case
	checks []Check
	found  []finding.Finding
}

// legs are the ends that have a place, in the order of the report.
func (j *judge) legs() []string {
	return slices.DeleteFunc([]string{source, target, runtime}, func(leg string) bool {
		return j.config.place(leg).ResourceID == ""
	})
}

// connector is the role whose server makes the migration's connections; empty where it does so from no subnet of its
// own, which is how a target with public access does.
func (j *judge) connector() string {
	role := target
	if j.of.RuntimeServer {
		role = runtime
	}
	if j.config.place(role).SubnetID == "" {
		return ""
	}
	return role
}

// check keeps a check.
func (j *judge) check(c Check) { j.checks = append(j.checks, c) }

// find keeps a finding. The same fault on the other path is the same finding: its path then is each.
func (j *judge) find(f finding.Finding) {
	f.Layer = finding.Azure
	for i, other := range j.found {
		if other.Code == f.Code && other.Leg == f.Leg && sameFault(other.Args, f.Args) {
			j.found[i].Args["path"] = string(joined(pathOf(other), pathOf(f)))
			for _, name := range []string{"from", "to", "fromRanges", "toRanges", "subnets"} {
				if both, have := union(other.Args[name], f.Args[name]); have {
					j.found[i].Args[name] = both
				}
			}
			j.found[i].Advisory = other.Advisory && f.Advisory
			return
		}
	}
	j.found = append(j.found, f)
}

// union joins what two paths say of the same fault.
func union(a, b any) ([]string, bool) {
	first, have := a.([]string)
	second, too := b.([]string)
	out := slices.Clone(first)
	for _, text := range second {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out, have && too
}

// sameFault compares what is to be mended, not who meets it.
func sameFault(a, b finding.Args) bool {
	for _, name := range []string{"resourceId", "rule", "route", "otherId", "elsewhere", "back", "direction"} {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

func pathOf(f finding.Finding) Path {
	path, _ := f.Args["path"].(string)
	return Path(path)
}

func joined(a, b Path) Path {
	switch {
	case a == b:
		return a
	case a == ByPage:
		return b
	case b == ByPage:
		return a
	}
	return ByEach
}

// resource are the args that name what a command is about.
func resource(id string, more finding.Args) finding.Args {
	parsed := ParseID(id)
	args := finding.Args{"resourceId": id, "name": parsed.Name, "resourceGroup": parsed.ResourceGroup,
		"subscription": parsed.Subscription}
	for name, value := range more {
		args[name] = value
	}
	return args
}

// single tells whether the source is the retired Single Server.
func (q Case) single() bool { return q.SourceKind == request.AzureSingleServer }
