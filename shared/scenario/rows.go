// Package scenario is the table of network scenarios that the migration service documents, as data, and the matching of
// a request to one of its rows. It is pure: what was observed is handed in.
package scenario

import "github.com/pgpreflight/pgpreflight/shared/request"

// Support is the documented answer of a row.
type Support string

// The answers. Undocumented means that no row of the table covers the combination.
const (
	Yes          Support = "yes"
	No           Support = "no"
	Undocumented Support = "undocumented"
)

// Row is one line of the table in "Network scenarios for the migration service" (Microsoft, 02/07/2025).
type Row struct {
	Number int
	// Kinds are the sources it speaks of; empty means any.
	Kinds []request.Kind
	// SourceAccess lists what counts; empty means any.
	SourceAccess []request.Access
	TargetAccess request.Access
	Support      Support
	// RuntimeServer tells whether a migration runtime server is needed.
	RuntimeServer bool
}

// Rows lists the table in its own order. The first row that matches decides, so the two rows for any source come last.
func Rows() []Row {
	public, private := []request.Access{request.Public}, []request.Access{request.Private}
	endpoint := []request.Access{request.PrivateEndpoint}
	anyPrivate := []request.Access{request.Private, request.PrivateEndpoint}
	amazon := []request.Kind{request.AmazonRDS, request.AmazonAurora}
	single := []request.Kind{request.AzureSingleServer}
	cloudSQL := []request.Kind{request.GoogleCloudSQL}
	premises := []request.Kind{request.OnPremises}
	return []Row{
		{Number: 1, Kinds: premises, SourceAccess: public, TargetAccess: request.Public, Support: Yes},
		{Number: 2, Kinds: premises, SourceAccess: private, TargetAccess: request.VNetIntegrated, Support: Yes},
		{Number: 3, Kinds: amazon, SourceAccess: public, TargetAccess: request.Public, Support: Yes},
		{Number: 4, Kinds: amazon, SourceAccess: private, TargetAccess: request.VNetIntegrated, Support: Yes},
		{Number: 5, Kinds: cloudSQL, SourceAccess: public, TargetAccess: request.Public, Support: Yes},
		{Number: 6, Kinds: cloudSQL, SourceAccess: private, TargetAccess: request.VNetIntegrated, Support: Yes},
		{Number: 7, Kinds: []request.Kind{request.AzureVM}, SourceAccess: private, TargetAccess: request.VNetIntegrated,
			Support: Yes},
		{Number: 8, Kinds: single, SourceAccess: public, TargetAccess: request.VNetIntegrated, Support: Yes},
		{Number: 9, Kinds: single, SourceAccess: endpoint, TargetAccess: request.VNetIntegrated, Support: Yes},
		{Number: 10, Kinds: single, SourceAccess: endpoint, TargetAccess: request.PrivateEndpoint, Support: Yes,
			RuntimeServer: true},
		{Number: 11, SourceAccess: anyPrivate, TargetAccess: request.PrivateEndpoint, Support: Yes, RuntimeServer: true},
		{Number: 12, SourceAccess: anyPrivate, TargetAccess: request.Public, Support: No},
	}
}
