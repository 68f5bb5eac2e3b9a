package prerequisites

import "github.com/pgpreflight/pgpreflight/shared/request"

// Side is the end of the migration that a server stands on.
type Side string

// The sides.
const (
	SideSource Side = "source"
	SideTarget Side = "target"
)

// Scope says whether a question is about the whole server or about the database of the connection.
type Scope string

// The scopes.
const (
	PerServer   Scope = "server"
	PerDatabase Scope = "database"
)

// maxDatabases bounds the databases that one question names.
const maxDatabases = 100

// Target says what to ask one logged-in connection.
type Target struct {
	Side Side
	Mode request.Mode
	// Database is the one of this connection.
	Database string
	// Databases are those to migrate, by their names on the source; the first 100 are asked for.
	Databases []string
	// DatabaseOnly leaves out what is the same on every connection to the server: for the connections to its further
	// databases.
	DatabaseOnly bool
}
