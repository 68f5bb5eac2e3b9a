package login

import (
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// poolerWords are what only PgBouncer and its kin say. Its name alone is none: it is a common user's name too.
const poolerWords = `^pgbouncer |server_login_retry|server login (has been failing|failed)|query_wait_timeout|` +
	`client_login_timeout|unsupported startup parameter|no more connections allowed|bouncer config error|` +
	`pooler (error|is shut down)|client sent partial pkt|no such database:|no such user:|database \S+ is (disabled|paused)`

var poolerSays = lazyregexp.New("(?i)" + poolerWords)

// fromPooler tells whether an error is a pooler's own. Poolers use 08P01 for nearly everything and name no routine.
func fromPooler(e ServerError) bool {
	return poolerSays.MatchString(quoted.ReplaceAllString(e.Message, `""`)) || (e.SQLState == "08P01" && e.Routine == "")
}

func poolerSignatures() []signature {
	return []signature{
		{id: "SRV-11", code: finding.DatabaseMissing, pattern: `no such database:? ?"?([^"\s]*)`, capture: "database",
			args: finding.Args{"pooler": true}},
		{id: "SRV-11", code: finding.AuthFailed, pattern: `no such user`, oneOf: passwordCauses(),
			args: finding.Args{"pooler": true}},
		{id: "SRV-11", code: finding.HBATLSRequired, sqlstate: "08P01", pattern: `^SSL required`,
			args: finding.Args{"encrypted": false}},
		{id: "SRV-11", code: finding.HBARejected, sqlstate: "08P01", pattern: `^login rejected`},
		{id: "SRV-11", code: finding.ServerPooler, pattern: poolerWords},
		{id: "SRV-11", code: finding.AuthFailed, sqlstate: "08P01", unsigned: true,
			pattern: `^(password |SASL |SCRAM )?auth(entication)? failed$`, oneOf: passwordCauses()},
		{id: "SRV-11", code: finding.ServerShuttingDown, sqlstate: "08P01", unsigned: true, pattern: `shutting down`},
	}
}

// passwordCauses are what a refused password may come from. PostgreSQL answers all alike, on purpose.
func passwordCauses() []string {
	return []string{"wrong_password", "role_missing", "role_without_password", "password_expired"}
}
