package prerequisites

import "github.com/pgpreflight/pgpreflight/shared/request"

// Observation is what one server answered. A fact that is nil was not asked for or not read; NotRead says which and
// why. It survives JSON.
type Observation struct {
	Side   Side         `json:"side"`
	Mode   request.Mode `json:"mode"`
	Server Server       `json:"server,omitzero"`
	// Databases are those with a connection of their own.
	Databases []Database `json:"databases,omitempty"`
	NotRead   []NotRead  `json:"notRead,omitempty"`
	Asked     int        `json:"asked"`
	Answered  int        `json:"answered"`
	ElapsedMs float64    `json:"elapsedMs"`
}

// With adds what the connections to further databases of the same server showed.
func (o Observation) With(others ...Observation) Observation {
	o.Databases = append([]Database(nil), o.Databases...)
	o.NotRead = append([]NotRead(nil), o.NotRead...)
	for _, other := range others {
		o.Databases = append(o.Databases, other.Databases...)
		o.NotRead = append(o.NotRead, other.NotRead...)
		o.Asked += other.Asked
		o.Answered += other.Answered
		o.ElapsedMs = max(o.ElapsedMs, other.ElapsedMs)
	}
	return o
}

// NotRead is a question without a usable answer.
type NotRead struct {
	Question string `json:"question"`
	Database string `json:"database,omitempty"`
	// SQLState is the server's error code; empty where it answered nothing or something else.
	SQLState string `json:"sqlstate,omitempty"`
	Why      string `json:"why"`
	// Lost says that nothing came back, not even a refusal.
	Lost bool `json:"lost,omitempty"`
}

// Server holds the facts that are the same for all its databases.
type Server struct {
	Version *Version `json:"version,omitempty"`
	// Settings are those of the session, in base units: milliseconds for times. One that we may not see is missing.
	Settings     map[Text]Setting `json:"settings,omitzero"`
	Roles        *Roles           `json:"roles,omitempty"`
	Catalog      []CatalogRow     `json:"catalog,omitzero"`
	Slots        *Slots           `json:"slots,omitempty"`
	Transactions *Transactions    `json:"transactions,omitempty"`
	Prepared     *Prepared        `json:"prepared,omitempty"`
	Decoder      *Decoder         `json:"decoder,omitempty"`
	Origins      *Origins         `json:"origins,omitempty"`
	// Azure are the settings that only Azure has, null where the server does not know them.
	Azure map[Text]*Setting `json:"azure,omitzero"`
	// EntraRoles are roles of a source that look like principals of Entra, RoleNames a target's roles besides pg_*.
	EntraRoles []Text `json:"entraRoles,omitzero"`
	RoleNames  []Text `json:"roleNames,omitzero"`
	// Available are the extensions that can be created, with their default version.
	Available map[Text]Text `json:"available,omitzero"`
	// Collations are all names but those of ICU, which are the same wherever ICU is.
	Collations []Text `json:"collations,omitzero"`
}

// Version is what the server is.
type Version struct {
	// Num is server_version_num, such as 150018.
	Num        int  `json:"num"`
	InRecovery bool `json:"inRecovery"`
	// ICU says that the connection's database has collations of ICU.
	ICU bool `json:"icu"`
}

// Roles are the attributes of the role that is logged in, and the roles that mean something for a migration.
type Roles struct {
	Name        Text `json:"name"`
	Superuser   bool `json:"superuser"`
	Replication bool `json:"replication"`
	CreateRole  bool `json:"createRole"`
	CreateDB    bool `json:"createDB"`
	// Member tells for each such role that exists whether the logged-in one is a member of it.
	Member map[Text]bool `json:"member"`
}

// CatalogRow is one of the chosen databases, where it exists.
type CatalogRow struct {
	Name  Text `json:"name"`
	Owner Text `json:"owner"`
	// Owns tells whether the logged-in role has its owner's rights.
	Owns      bool `json:"owns"`
	CanCreate bool `json:"canCreate"`
	Encoding  Text `json:"encoding"`
	Collate   Text `json:"collate"`
	CType     Text `json:"ctype"`
	// Provider is c (libc), i (ICU) or b (builtin); empty before PostgreSQL 15.
	Provider Text `json:"provider,omitempty"`
}

// Slots are the replication slots and walsenders in use.
type Slots struct {
	Used    int `json:"used"`
	Senders int `json:"senders"`
	// Inactive are the first logical slots that nobody reads.
	Inactive []Text `json:"inactive,omitempty"`
	Plugins  []Text `json:"plugins,omitempty"`
}

// Transactions are those that have written, and so hold up the creation of a slot.
type Transactions struct {
	Open int `json:"open"`
	// Hidden counts the sessions of other roles whose state we may not see.
	Hidden int             `json:"hidden"`
	Oldest *OldTransaction `json:"oldest,omitempty"`
}

// OldTransaction is the oldest of them.
type OldTransaction struct {
	PID         int     `json:"pid"`
	User        Text    `json:"user"`
	Database    Text    `json:"database"`
	Application Text    `json:"application,omitempty"`
	State       Text    `json:"state,omitempty"`
	AgeSeconds  float64 `json:"ageSeconds"`
}

// Prepared are the prepared transactions (two-phase commit) of all databases.
type Prepared struct {
	Count            int     `json:"count"`
	OldestAgeSeconds float64 `json:"oldestAgeSeconds,omitempty"`
	First            []Text  `json:"first,omitempty"`
}

// Decoder tells whether the library test_decoding is installed; nil where that cannot be seen without making a slot.
type Decoder struct {
	TestDecoding *bool `json:"testDecoding,omitempty"`
}

// Origins are the replication origins of a target.
type Origins struct {
	Count int `json:"count"`
}

// Database holds the facts of one database.
type Database struct {
	Name string `json:"name"`
	Size *Size  `json:"size,omitempty"`
	// Tables are counted by what they lack, see the constants.
	Tables     []TableCount `json:"tables,omitzero"`
	WithOIDs   *Counted     `json:"withOids,omitempty"`
	Extensions []Extension  `json:"extensions,omitzero"`
	// UserCollations are those that somebody made, Collated the others that columns use.
	UserCollations *Counted   `json:"userCollations,omitempty"`
	Collated       []Collated `json:"collated,omitzero"`
	Casts          *Counted   `json:"casts,omitempty"`
	// BaseTypes are those with an input function of somebody's own, outside extensions.
	BaseTypes *Counted `json:"baseTypes,omitempty"`
	// NotCarried counts what no migration brings over, by kind, see the constants.
	NotCarried []TableCount `json:"notCarried,omitzero"`
	// Languages are those besides internal, C, SQL and PL/pgSQL.
	Languages []Text `json:"languages,omitzero"`
	// Grants are rights on system tables that somebody gave, such as "SELECT on pg_authid to reader".
	Grants *Counted `json:"grants,omitempty"`
}

// Size is what a database takes on disk.
type Size struct {
	Bytes int64 `json:"bytes"`
}

// Counted is how many there are, and the names of the first ten.
type Counted struct {
	Count int    `json:"count"`
	First []Text `json:"first,omitempty"`
}

// Kinds of counts of tables. Tables of system schemas and of extensions are left out.
const (
	// Relations are tables and indexes, which is what a dump or restore locks.
	Relations = "relations"
	// Keyless tables have neither primary key nor replica identity.
	Keyless  = "keyless"
	Unlogged = "unlogged"
	// NotOwned are the tables whose owner's rights the logged-in role has not, OwnedBy those owners.
	NotOwned = "notOwned"
	OwnedBy  = "ownedBy"
)

// Kinds of what is not carried. Superusers and tablespaces are the server's; everybody sees them in every database.
const (
	LargeObjects = "largeObjects"
	TextSearch   = "textSearch"
	Superusers   = "superusers"
	Tablespaces  = "tablespaces"
)

// TableCount is one count of tables, owners or other objects, and the names of the first ten.
type TableCount struct {
	Kind Text `json:"kind"`
	Counted
}

// count gives one of the counts; nil where it was not read.
func (d Database) count(kind Text) *Counted {
	for i := range d.Tables {
		if d.Tables[i].Kind == kind {
			return &d.Tables[i].Counted
		}
	}
	return nil
}

// Extension is one that is created in a database.
type Extension struct {
	Name    Text `json:"name"`
	Version Text `json:"version"`
	Schema  Text `json:"schema"`
}

// Collated is a collation that columns use.
type Collated struct {
	Name Text `json:"name"`
	// Provider is c, i, b or d; empty before PostgreSQL 10.
	Provider Text `json:"provider,omitempty"`
	// Column is one of them.
	Column Text `json:"column"`
}
