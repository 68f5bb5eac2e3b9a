// Package request is the check request, version 1: its shape, its decoding and its validation. It reads no settings and
// does no I/O; whether a target may be probed is package guard's question.
package request

import "encoding/json"

// Check is one request, decoded, validated and with its defaults filled in.
type Check struct {
	Version       int       `json:"version"`
	ID            string    `json:"id"`
	Route         string    `json:"route,omitempty"`
	Wave          string    `json:"wave,omitempty"`
	Mode          Mode      `json:"mode"`
	Depth         Depth     `json:"depth"`
	Scenario      Scenario  `json:"scenario,omitzero"`
	Source        Endpoint  `json:"source"`
	Target        Endpoint  `json:"target"`
	RuntimeServer *Endpoint `json:"runtimeServer,omitempty"`
	ServerVantage bool      `json:"serverVantage,omitempty"`
	Azure         Azure     `json:"azure,omitzero"`
	// TimeoutSeconds bounds the whole check: 1 to 120.
	TimeoutSeconds int    `json:"timeoutSeconds"`
	Notify         Notify `json:"notify,omitzero"`
	RequestedBy    string `json:"requestedBy,omitempty"`
}

// Mode is the migration mode that the answer is for.
type Mode string

// The migration modes.
const (
	Offline Mode = "offline"
	Online  Mode = "online"
)

// Depth says how far a check goes. Each depth includes those before it.
type Depth string

// The depths, shallow to deep.
const (
	DepthResolve       Depth = "resolve"
	DepthConnect       Depth = "connect"
	DepthTLS           Depth = "tls"
	DepthLogin         Depth = "login"
	DepthPrerequisites Depth = "prerequisites"
)

// Kind is what a source runs on.
type Kind string

// The kinds of source.
const (
	OnPremises        Kind = "on_premises"
	AmazonRDS         Kind = "amazon_rds"
	AmazonAurora      Kind = "amazon_aurora"
	GoogleCloudSQL    Kind = "google_cloud_sql"
	GoogleAlloyDB     Kind = "google_alloydb"
	AzureVM           Kind = "azure_vm"
	AzureSingleServer Kind = "azure_single_server"
	EDB               Kind = "edb"
	Heroku            Kind = "heroku"
	Other             Kind = "other"
)

// Access is how an endpoint is reached.
type Access string

// The kinds of access. A source is public, private or private_endpoint; a target public, vnet_integrated or
// private_endpoint.
const (
	Public          Access = "public"
	Private         Access = "private"
	PrivateEndpoint Access = "private_endpoint"
	VNetIntegrated  Access = "vnet_integrated"
)

// Scenario is how source and target are placed, as the requester declares it. Empty fields are inferred.
type Scenario struct {
	Source             SourcePlace `json:"source,omitzero"`
	Target             TargetPlace `json:"target,omitzero"`
	SameVirtualNetwork bool        `json:"sameVirtualNetwork,omitempty"`
}

// SourcePlace is what the source runs on and how it is reached.
type SourcePlace struct {
	Kind   Kind   `json:"kind,omitempty"`
	Access Access `json:"access,omitempty"`
}

// TargetPlace is how the target is reached.
type TargetPlace struct {
	Access Access `json:"access,omitempty"`
}

// Endpoint is one PostgreSQL server.
type Endpoint struct {
	// Host is the name or address as the migration service would be given it.
	Host string `json:"host"`
	Port int    `json:"port"`
	// Address is the custom FQDN/IP field: connect here instead of to Host. TLS is still verified against Host.
	Address string `json:"address,omitempty"`
	// Databases are those to migrate; the first is the one logged in to.
	Databases  []string   `json:"databases,omitempty"`
	User       string     `json:"user,omitempty"`
	Credential Credential `json:"credential,omitzero"`
	TLS        TLS        `json:"tls"`
}

// Credential says where a password or token is found. At most one field is set; the secret itself never travels.
type Credential struct {
	Setting        string `json:"setting,omitempty"`
	KeyVaultSecret string `json:"keyVaultSecret,omitempty"`
	Entra          bool   `json:"entra,omitempty"`
}

// TLSMode says what is demanded of the connection. There is no prefer: with and without TLS are separate attempts.
type TLSMode string

// The TLS modes, with libpq's meaning.
const (
	TLSDisable    TLSMode = "disable"
	TLSRequire    TLSMode = "require"
	TLSVerifyCA   TLSMode = "verify-ca"
	TLSVerifyFull TLSMode = "verify-full"
)

// TLS is the demand on the connection's encryption.
type TLS struct {
	Mode TLSMode `json:"mode"`
	// RootsSetting names an app setting that holds extra PEM roots.
	RootsSetting string `json:"rootsSetting,omitempty"`
}

// Azure names the resources whose configuration may be read.
type Azure struct {
	TargetResourceID        string `json:"targetResourceId,omitempty"`
	SourceResourceID        string `json:"sourceResourceId,omitempty"`
	RuntimeServerResourceID string `json:"runtimeServerResourceId,omitempty"`
	VantageSubnetID         string `json:"vantageSubnetId,omitempty"`
}

// Notify says who wants the report.
type Notify struct {
	ReplyTo     string `json:"replyTo,omitempty"`
	CallbackURL string `json:"callbackUrl,omitempty"`
	Ticket      Ticket `json:"ticket,omitzero"`
}

// Ticket is a ticket in a ticketing system.
type Ticket struct {
	System string `json:"system,omitempty"`
	ID     string `json:"id,omitempty"`
}

// JSON is the normalised request, as it is queued and as the report shows it.
func (c Check) JSON() json.RawMessage {
	raw, err := json.Marshal(c)
	if err != nil {
		panic("request: a check of plain values does not marshal: " + err.Error())
	}
	return raw
}
