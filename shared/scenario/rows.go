// Package scenario is the table of network scenarios that the migration service documents, as data: which placements of
// source and target it supports, what a person must have done for each, which DNS answers are right. It places a
// request in the table, refines that by what was observed, and says what contradicts. It is pure: what was observed is
// handed in, and its words are the catalogue's.
package scenario

import (
	"slices"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Document names the page that a fact of the tables stands on.
type Document struct {
	Title string
	// Date is the page's own, as YYYY-MM-DD.
	Date string
	URL  string
}

// Source is the page of the twelve rows.
func Source() Document {
	return Document{Title: "Network scenarios for the migration service in Azure Database for PostgreSQL",
		Date: "2025-02-07",
		URL:  "https://learn.microsoft.com/azure/postgresql/migrate/migration-service/how-to-network-setup-migration-service"}
}

// Support is the documented answer of a row.
type Support string

// The answers. Undocumented means that no row of the table covers the combination.
const (
	Yes          Support = "yes"
	No           Support = "no"
	Undocumented Support = "undocumented"
)

// Names of the legs, and of the ends of a path.
const (
	source  = "source"
	target  = "target"
	runtime = "runtime"
)

// Row is one line of the table.
type Row struct {
	Number int
	// Kinds are the sources it speaks of; empty means any.
	Kinds        []request.Kind
	SourceAccess []request.Access
	TargetAccess request.Access
	Support      Support
	// RuntimeServer tells whether a migration runtime server is needed.
	RuntimeServer bool
	// Paths are the connections that the migration itself makes, and that must therefore be proven.
	Paths []Path
	// Headings are the sections of the page that list the row's networking steps.
	Headings []string
	// Steps are keys of Steps, in the order in which a person does them.
	Steps []string
	// Retired is the day on which the source's platform ended, as YYYY-MM-DD; empty for one that lives.
	Retired string
}

// Path is one connection, from who opens it to who answers.
type Path struct{ From, To string }

// Headings of the page.
const (
	headingPremisesPublic  = "On-premises (public IP) to flexible server (public access)"
	headingPremisesPrivate = "On-premises (private IP) to VNet-integrated flexible server (ExpressRoute or VPN)"
	headingManaged         = "Managed PostgreSQL service (public IP) to flexible server (public/private access)"
	headingVMPeered        = "Azure VM (private access) to Azure Database for PostgreSQL (different virtual networks)"
	headingVMSame          = "Azure VM to Azure Database for PostgreSQL (same virtual network)"
	headingSinglePublic    = "Single Server (public access) to VNet-integrated flexible server"
	headingSingleEndpoint  = "Single Server (private endpoint) to VNet-integrated flexible server"
	headingTwoEndpoints    = "Single Server (private endpoint) to flexible server (private endpoint)"
	headingPrivateEndpoint = "PostgreSQL source (private IP) to flexible server (private endpoint)"
)

// singleServerRetired is the end of Azure Database for PostgreSQL - Single Server.
const singleServerRetired = "2025-03-28"

// Rows lists the table in its own order. The first row that matches decides, so the two rows for any source come last.
func Rows() []Row { return slices.Clone(rows()) }

// rows are put together once, as the other tables here are: each check looks through them several times.
var rows = sync.OnceValue(func() []Row {
	public, private := []request.Access{request.Public}, []request.Access{request.Private}
	endpoint := []request.Access{request.PrivateEndpoint}
	anyPrivate := []request.Access{request.Private, request.PrivateEndpoint}
	premises := []request.Kind{request.OnPremises}
	amazon := []request.Kind{request.AmazonRDS, request.AmazonAurora}
	cloudSQL := []request.Kind{request.GoogleCloudSQL}
	single := []request.Kind{request.AzureSingleServer}
	direct := []Path{{From: target, To: source}}
	throughRuntime := []Path{{From: runtime, To: source}, {From: runtime, To: target}}
	managedPublic := []string{"source_public_access", "source_admits_target", "verify_from_target"}
	managedPrivate := []string{"gateway", "return_route", "source_admits_vnet", "target_network", "nsg_outbound",
		"nsg_inbound", "target_zone_link", "custom_target_address", "verify_from_target"}
	return []Row{
		{Number: 1, Kinds: premises, SourceAccess: public, TargetAccess: request.Public, Support: Yes, Paths: direct,
			Headings: []string{headingPremisesPublic},
			Steps: []string{"source_public_address", "source_admits_target", "source_pg_hba", "source_reachable_internet",
				"verify_from_target"}},
		{Number: 2, Kinds: premises, SourceAccess: private, TargetAccess: request.VNetIntegrated, Support: Yes, Paths: direct,
			Headings: []string{headingPremisesPrivate},
			Steps: []string{"gateway", "vnet_allows_source_range", "return_route", "nsg_outbound", "nsg_inbound",
				"source_admits_vnet", "source_pg_hba", "target_zone_link", "custom_target_address", "verify_from_target"}},
		{Number: 3, Kinds: amazon, SourceAccess: public, TargetAccess: request.Public, Support: Yes, Paths: direct,
			Headings: []string{headingManaged}, Steps: managedPublic},
		{Number: 4, Kinds: amazon, SourceAccess: private, TargetAccess: request.VNetIntegrated, Support: Yes, Paths: direct,
			Headings: []string{headingManaged}, Steps: managedPrivate},
		{Number: 5, Kinds: cloudSQL, SourceAccess: public, TargetAccess: request.Public, Support: Yes, Paths: direct,
			Headings: []string{headingManaged}, Steps: managedPublic},
		{Number: 6, Kinds: cloudSQL, SourceAccess: private, TargetAccess: request.VNetIntegrated, Support: Yes, Paths: direct,
			Headings: []string{headingManaged}, Steps: managedPrivate},
		{Number: 7, Kinds: []request.Kind{request.AzureVM}, SourceAccess: private, TargetAccess: request.VNetIntegrated,
			Support: Yes, Paths: direct, Headings: []string{headingVMPeered, headingVMSame},
			Steps: []string{"same_virtual_network", "vnet_peering", "nsg_source_inbound", "nsg_outbound", "source_admits_vnet",
				"source_pg_hba", "target_zone_link", "custom_target_address"}},
		{Number: 8, Kinds: single, SourceAccess: public, TargetAccess: request.VNetIntegrated, Support: Yes, Paths: direct,
			Headings: []string{headingSinglePublic}, Retired: singleServerRetired,
			Steps: []string{"vnet_rule", "target_zone_link", "custom_target_address"}},
		{Number: 9, Kinds: single, SourceAccess: endpoint, TargetAccess: request.VNetIntegrated, Support: Yes, Paths: direct,
			Headings: []string{headingSingleEndpoint}, Retired: singleServerRetired,
			Steps: []string{"vnet_peering", "nsg_source_inbound", "nsg_outbound", "source_endpoint_approved", "target_zone_link",
				"source_endpoint_zone", "source_zone_link", "source_a_record", "custom_source_address",
				"custom_target_address"}},
		{Number: 10, Kinds: single, SourceAccess: endpoint, TargetAccess: request.PrivateEndpoint, Support: Yes,
			RuntimeServer: true, Paths: throughRuntime, Headings: []string{headingTwoEndpoints}, Retired: singleServerRetired,
			Steps: []string{"runtime_server", "vnet_peering", "vnet_peering_target", "nsg_source_inbound", "nsg_outbound",
				"source_endpoint_approved", "target_endpoint_approved", "runtime_zone_link", "source_endpoint_zone",
				"source_zone_link", "source_a_record", "target_endpoint_zone", "target_endpoint_zone_link", "target_a_record",
				"custom_source_address", "custom_target_address"}},
		{Number: 11, SourceAccess: anyPrivate, TargetAccess: request.PrivateEndpoint, Support: Yes, RuntimeServer: true,
			Paths: throughRuntime, Headings: []string{headingPrivateEndpoint},
			Steps: []string{"gateway", "return_route", "vnet_peering", "runtime_server", "vnet_peering_target",
				"nsg_source_inbound", "nsg_outbound", "source_admits_vnet", "source_pg_hba", "target_endpoint_approved",
				"runtime_zone_link", "target_endpoint_zone", "target_endpoint_zone_link", "target_a_record",
				"custom_target_address"}},
		{Number: 12, SourceAccess: anyPrivate, TargetAccess: request.Public, Support: No, Paths: direct,
			Steps: []string{"supported_target"}},
	}
})

// RowOf gives a row by its number.
func RowOf(number int) (Row, bool) {
	for _, row := range rows() {
		if row.Number == number {
			return row, true
		}
	}
	return Row{}, false
}

// JudgedBy is the placement's row, or else the nearest one.
func (p Placement) JudgedBy() (Row, bool) {
	if p.Row != 0 {
		return RowOf(p.Row)
	}
	return RowOf(p.Nearest)
}
