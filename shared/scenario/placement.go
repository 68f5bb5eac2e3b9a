package scenario

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Placement is where source and target stand: as declared, completed by what their names show.
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
}

// Place completes the declared scenario from the host names and finds its row.
func Place(c request.Check) Placement {
	p := Placement{SourceKind: c.Scenario.Source.Kind, SourceAccess: c.Scenario.Source.Access,
		TargetAccess: c.Scenario.Target.Access, Declared: map[string]string{}, Inferred: map[string]string{}}
	settle(&p.SourceKind, KindOf(c.Source.Host), "source.kind", &p)
	settle(&p.SourceAccess, sourceAccess(dialled(c.Source)), "source.access", &p)
	settle(&p.TargetAccess, targetAccess(dialled(c.Target)), "target.access", &p)
	p.Row, p.Support = 0, Undocumented
	for _, row := range Rows() {
		if row.matches(p) {
			p.Row, p.Support, p.RuntimeServer = row.Number, row.Support, row.RuntimeServer
			return p
		}
	}
	return p
}

// Known tells whether the placement names both ends well enough to look it up in the table.
func (p Placement) Known() bool { return p.SourceAccess != "" && p.TargetAccess != "" }

// settle notes a declared value, or takes the inferred one where nothing was declared.
func settle[T ~string](value *T, inferred T, name string, p *Placement) {
	if *value != "" {
		p.Declared[name] = string(*value)
		return
	}
	if inferred != "" {
		*value = inferred
		p.Inferred[name] = string(inferred)
	}
}

func (r Row) matches(p Placement) bool {
	kind := len(r.Kinds) == 0 || slices.Contains(r.Kinds, p.SourceKind)
	access := len(r.SourceAccess) == 0 || slices.Contains(r.SourceAccess, p.SourceAccess)
	return kind && access && r.TargetAccess == p.TargetAccess
}

// HostForm names the form of a host name, where it says who runs the server: "azure", "azure_private_link",
// "azure_private_zone", "rds", "aurora", "cloud_sql", "alloydb", "address", or "" for any other name.
func HostForm(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return "address"
	}
	for _, form := range []struct{ suffix, name string }{
		{".privatelink.postgres.database.azure.com", "azure_private_link"},
		{".private.postgres.database.azure.com", "azure_private_zone"},
		{".postgres.database.azure.com", "azure"},
		{".sql.goog", "cloud_sql"},
		{".alloydb.goog", "alloydb"},
		{".alloydb-psa.goog", "alloydb"},
	} {
		if strings.HasSuffix(host, form.suffix) {
			return form.name
		}
	}
	if strings.HasSuffix(host, ".rds.amazonaws.com") || strings.HasSuffix(host, ".rds.amazonaws.com.cn") {
		if strings.Contains(host, ".cluster-") || strings.Contains(host, ".proxy-") {
			return "aurora"
		}
		return "rds"
	}
	return ""
}

// KindOf infers the kind of a source from its host name; empty where the name does not tell. A name under
// postgres.database.azure.com is taken for Single Server: a flexible server is no documented source.
func KindOf(host string) request.Kind {
	switch HostForm(host) {
	case "rds":
		return request.AmazonRDS
	case "aurora":
		return request.AmazonAurora
	case "cloud_sql":
		return request.GoogleCloudSQL
	case "alloydb":
		return request.GoogleAlloyDB
	case "azure", "azure_private_link":
		return request.AzureSingleServer
	}
	return ""
}

// dialled is the name or address that the probe goes to.
func dialled(e request.Endpoint) string {
	if e.Address != "" {
		return e.Address
	}
	return e.Host
}

func sourceAccess(host string) request.Access {
	if HostForm(host) == "azure_private_link" {
		return request.PrivateEndpoint
	}
	return literalAccess(host, request.Private)
}

func targetAccess(host string) request.Access {
	switch HostForm(host) {
	case "azure_private_link":
		return request.PrivateEndpoint
	case "azure_private_zone":
		return request.VNetIntegrated
	}
	return literalAccess(host, "")
}

// literalAccess infers from an address; a private address alone does not tell a delegated subnet from an endpoint.
func literalAccess(host string, whenPrivate request.Access) request.Access {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	if address.IsPrivate() {
		return whenPrivate
	}
	if address.IsLoopback() || address.IsLinkLocalUnicast() {
		return ""
	}
	return request.Public
}
