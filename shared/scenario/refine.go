package scenario

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Mismatch is a contradiction between what was declared and what was seen.
type Mismatch struct {
	// Field is "source.kind", "source.access", "target.access" or "runtimeServer".
	Field    string
	Leg      string
	Declared string
	Observed string
	// Evidence is what speaks for the observed side: a host name, or the way from it to its addresses.
	Evidence string
	// Told tells that a finding of the resolve layer says the same.
	Told bool
	// As is the placement as it would be with the observed value; its row can be another one.
	As *Placement
}

// Refine completes a placement by what was resolved, by leg, and finds what contradicts. What was declared stands: a
// contradiction is reported, not decided.
func (p Placement) Refine(seen map[string]Observed) (Placement, []Mismatch) {
	p.Declared, p.Inferred = maps.Clone(p.Declared), maps.Clone(p.Inferred)
	seen = p.withLiterals(seen)
	atSource, atTarget := p.look(source, seen), p.look(target, seen)
	wrong := slices.Concat(p.wrongKind(seen, atSource), p.wrongAccess(source, seen, atSource),
		p.wrongAccess(target, seen, atTarget), p.wrongAccess(runtime, seen, p.look(runtime, seen)))
	p.infer(atSource, atTarget)
	p = p.lookUp()
	for i := range wrong {
		wrong[i].As = p.with(wrong[i].Field, wrong[i].Observed)
	}
	return p, wrong
}

// withLiterals adds the legs that have an address in place of a name: nothing is resolved there.
func (p Placement) withLiterals(seen map[string]Observed) map[string]Observed {
	all := maps.Clone(seen)
	if all == nil {
		all = map[string]Observed{}
	}
	for leg, end := range p.given.ends {
		if literal, err := netip.ParseAddr(dialled(end)); err == nil {
			o := all[leg]
			o.Addresses = []netip.Addr{literal}
			all[leg] = o
		}
	}
	return all
}

// look is what a leg shows; a leg that was not resolved shows nothing.
func (p Placement) look(leg string, seen map[string]Observed) sight {
	o, resolved := seen[leg]
	if !resolved {
		return sight{}
	}
	return see(leg, p.given.ends[leg], o, p.SourceKind)
}

func (p Placement) wrongKind(seen map[string]Observed, at sight) []Mismatch {
	declared := request.Kind(p.Declared[sourceKindField])
	end := p.given.ends[source]
	fits, evidence := kindsOf(end.Host), normal(end.Host)
	if len(at.kinds) > 0 {
		fits, evidence = at.kinds, seen[source].shown(end)
	}
	if declared == "" || declared == request.Other || len(fits) == 0 || slices.Contains(fits, declared) {
		return nil
	}
	return []Mismatch{{Field: sourceKindField, Leg: source, Declared: string(declared), Observed: string(fits[0]),
		Evidence: evidence}}
}

func (p Placement) wrongAccess(leg string, seen map[string]Observed, at sight) []Mismatch {
	field, declared := leg+".access", request.Access(p.Declared[leg+".access"])
	if leg == runtime {
		// The page knows no other runtime server than a VNet-integrated one.
		field, declared = runtimeField, request.VNetIntegrated
	}
	if declared == "" || len(at.fits) == 0 || slices.Contains(at.fits, declared) {
		return nil
	}
	observed := at.seems
	if observed == "" {
		observed = string(at.access)
	}
	o := seen[leg]
	return []Mismatch{{Field: field, Leg: leg, Declared: string(declared), Observed: observed,
		Evidence: o.shown(p.given.ends[leg]), Told: o.Told}}
}

// with is the placement as it would be with another value.
func (p Placement) with(field, value string) *Placement {
	switch field {
	case sourceKindField:
		p.SourceKind = request.Kind(value)
	case sourceAccessField:
		p.SourceAccess = request.Access(value)
	case targetAccessField:
		p.TargetAccess = request.Access(value)
	default:
		return nil
	}
	other := p.lookUp()
	return &other
}
