package scenario

import (
	"net/netip"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Placement is where source and target stand: as declared, completed by what their names and addresses show.
type Placement struct {
	SourceKind   request.Kind
	SourceAccess request.Access
	TargetAccess request.Access
	Declared     map[string]string
	Inferred     map[string]string
	// Row is 0 where no row covers the placement or where it is not known well enough.
	Row     int
	Support Support
	// RuntimeServer tells whether the row needs a migration runtime server.
	RuntimeServer bool
	// Nearest is the row that the placement is judged by where it stands in no row itself, or that its kind follows.
	Nearest int
	// Notes say why, as keys of the catalogue.
	Notes []Note
	given given
}

// Note is a key of a sentence about a placement.
type Note string

// The notes.
const (
	// KindFollows means that the row speaks of another kind, which this one is treated like.
	KindFollows Note = "kind_follows"
	KindUnknown Note = "kind_unknown"
	KindOther   Note = "kind_other"
	// PublicToEndpoint is a public source and a target with a private endpoint.
	PublicToEndpoint Note = "public_to_endpoint"
	// PublicToVNet is a public source and a VNet-integrated target.
	PublicToVNet        Note = "public_to_vnet"
	PublicVM            Note = "public_vm"
	SingleToPublic      Note = "single_to_public"
	SingleWithoutAccess Note = "single_private"
	EndpointElsewhere   Note = "endpoint_elsewhere"
	// PrivateHeroku is Heroku's private spaces.
	PrivateHeroku Note = "private_heroku"
	Retired       Note = "retired"
)

// given is what of the request decides a placement.
type given struct {
	ends        map[string]request.Endpoint
	sameNetwork bool
	hasRuntime  bool
}

// Names of what can be declared.
const (
	sourceKindField   = "source.kind"
	sourceAccessField = "source.access"
	targetAccessField = "target.access"
	runtimeField      = "runtimeServer"
)

// Place completes the declared scenario from the host names and finds its row.
func Place(c request.Check) Placement {
	p := Placement{SourceKind: c.Scenario.Source.Kind, SourceAccess: c.Scenario.Source.Access,
		TargetAccess: c.Scenario.Target.Access, Declared: map[string]string{}, Inferred: map[string]string{},
		given: given{sameNetwork: c.Scenario.SameVirtualNetwork, hasRuntime: c.RuntimeServer != nil,
			ends: map[string]request.Endpoint{source: c.Source, target: c.Target}}}
	if c.RuntimeServer != nil {
		p.given.ends[runtime] = *c.RuntimeServer
	}
	for name, value := range map[string]string{sourceKindField: string(p.SourceKind),
		sourceAccessField: string(p.SourceAccess), targetAccessField: string(p.TargetAccess)} {
		if value != "" {
			p.Declared[name] = value
		}
	}
	p.infer(sight{kinds: kindsOf(c.Source.Host), access: accessByName(source, c.Source, p.SourceKind)},
		sight{access: accessByName(target, c.Target, "")})
	return p.lookUp()
}

// infer takes what was seen where nothing was declared.
func (p *Placement) infer(atSource, atTarget sight) {
	if _, declared := p.Declared[sourceKindField]; !declared && len(atSource.kinds) > 0 {
		p.SourceKind = atSource.kinds[0]
		p.Inferred[sourceKindField] = string(p.SourceKind)
	}
	if _, declared := p.Declared[sourceAccessField]; !declared && atSource.access != "" {
		p.SourceAccess = atSource.access
		p.Inferred[sourceAccessField] = string(p.SourceAccess)
	}
	if _, declared := p.Declared[targetAccessField]; !declared && atTarget.access != "" {
		p.TargetAccess = atTarget.access
		p.Inferred[targetAccessField] = string(p.TargetAccess)
	}
}

// accessByName is what the name or address that will be dialled settles by itself.
func accessByName(leg string, e request.Endpoint, kind request.Kind) request.Access {
	name := dialled(e)
	if literal, err := netip.ParseAddr(name); err == nil {
		return see(leg, e, Observed{Addresses: []netip.Addr{literal}}, kind).access
	}
	switch zoneOf(name) {
	case privateLink:
		return request.PrivateEndpoint
	case region:
		return request.Public
	case privateZone:
		if leg == source {
			return request.Private
		}
		return request.VNetIntegrated
	}
	if leg == source {
		return operatorOf(normal(name)).access
	}
	return ""
}

// lookUp finds the row, or else the nearest one and why.
func (p Placement) lookUp() Placement {
	p.Row, p.Nearest, p.Support, p.RuntimeServer, p.Notes = 0, 0, Undocumented, false, nil
	if p.SourceAccess == "" || p.TargetAccess == "" {
		return p
	}
	kin := kinOf(p.SourceKind)
	for _, row := range rows() {
		if !row.matches(kin.like(p.SourceAccess), p.SourceAccess, p.TargetAccess) {
			continue
		}
		p.Row, p.Support, p.RuntimeServer = row.Number, row.Support, row.RuntimeServer
		if len(row.Kinds) > 0 && kin.Newer {
			p.Nearest, p.Notes = row.Number, append(p.Notes, KindFollows)
		}
		if row.Retired != "" {
			p.Notes = append(p.Notes, Retired)
		}
		return p
	}
	p.Nearest = kin.nearest(p.SourceAccess, p.TargetAccess)
	row, _ := RowOf(p.Nearest)
	p.RuntimeServer = row.RuntimeServer
	p.Notes = append(p.Notes, why(p))
	if row.Retired != "" {
		p.Notes = append(p.Notes, Retired)
	}
	return p
}

func (r Row) matches(kind request.Kind, from, to request.Access) bool {
	return (len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind)) && slices.Contains(r.SourceAccess, from) &&
		r.TargetAccess == to
}

// Known tells whether the placement is known well enough to say that the table has it, or that it has not.
func (p Placement) Known() bool {
	return p.Row != 0 || p.Nearest != 0 && !slices.Contains(p.Notes, KindUnknown)
}
