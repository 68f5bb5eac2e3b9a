package resolve

import (
	"net/netip"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// difference is how servers disagree. The zero value is not at all.
type difference string

// The differences. A name that exists for one server only, or is private for one and public for another, makes the
// migration work or fail by chance. The rest may be meant so, or costs only time.
const (
	differExistence difference = "existence"
	differNature    difference = "nature"
	differAddresses difference = "addresses"
	differFailure   difference = "failure"
)

// differ compares the servers. Rotating or partly different public addresses are no difference: load balancers do that.
func (j judgement) differ() []finding.Finding {
	how := j.difference()
	if how == "" {
		return nil
	}
	args := j.args(func(i int) bool { return j.verdicts[i] != unheard })
	args["addresses"] = texts(j.Addresses)
	args["about"] = string(how)
	args["aboutExistence"], args["aboutNature"] = how == differExistence, how == differNature
	args["aboutAddresses"], args["aboutFailure"] = how == differAddresses, how == differFailure
	f := found(finding.DNSAnswersDiffer, args)
	// Where no server has an address, the primary finding fails the layer already.
	f.Advisory = how == differAddresses || how == differFailure || !slices.Contains(j.verdicts, good)
	return []finding.Finding{f}
}

func (j judgement) difference() difference {
	var definite []verdict
	var sets [][]netip.Addr
	anyBroken := false
	for i, v := range j.verdicts {
		anyBroken = anyBroken || v.broken()
		if v.definite() && !slices.Contains(definite, v) {
			definite = append(definite, v)
		}
		if v == good {
			sets = append(sets, fourOrAll(j.Servers[i].usable()))
		}
	}
	switch {
	case len(definite) > 1:
		return differExistence
	case differInNature(sets):
		return differNature
	case differInPrivate(sets):
		return differAddresses
	case len(sets) > 0 && anyBroken:
		return differFailure
	}
	return ""
}

func differInNature(sets [][]netip.Addr) bool {
	return slices.ContainsFunc(sets, func(set []netip.Addr) bool { return natureOf(set) != natureOf(sets[0]) })
}

// differInPrivate finds two servers whose private addresses have none in common.
func differInPrivate(sets [][]netip.Addr) bool {
	for i, one := range sets {
		for _, other := range sets[:i] {
			common := slices.ContainsFunc(one, func(a netip.Addr) bool { return slices.Contains(other, a) })
			if !common && (natureOf(one) == natures{private: true}) {
				return true
			}
		}
	}
	return false
}
