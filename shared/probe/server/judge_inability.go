package server

import (
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// SQLSTATEs that decide here.
const (
	connectionFailed = "08001" // sqlclient_unable_to_establish_sqlconnection: the far server or the way to it
	passwordNotUsed  = "2F003" // after connecting, for a non-superuser: the far server asked for no password
	noPrivilege      = "42501"
	outOfTime        = "57014" // query_canceled: the statement's limit, which PostgreSQL 16 and later heed while connecting
	notSupported     = "0A000"
)

// obstacle is why the server could not be asked, and the right that it takes; id is the failure catalogue's row.
type obstacle struct{ why, right, id string }

// inability tells why the server could not be asked, where it could not.
func inability(o Observation, e Expect) (finding.Finding, bool) {
	in := inTheWay(o)
	if in.why == "" {
		return finding.Finding{}, false
	}
	args := finding.Args{"what": "the way from " + e.Asker + " itself to " + e.Host + ", asked through dblink",
		"why": in.why}
	for name, value := range map[string]string{"right": in.right, "id": in.id} {
		if value != "" {
			args[name] = value
		}
	}
	if o.Error != nil {
		args["sqlstate"], args["message"] = o.Error.SQLState, strings.Join(strings.Fields(o.Error.Message), " ")
	}
	return finding.Finding{Code: finding.VantageServerNotAsked, Args: args}, true
}

func inTheWay(o Observation) obstacle {
	switch {
	case o.Refused != "":
		return obstacle{why: o.Refused}
	case o.End == EndTimeout:
		return obstacle{why: "it gave no answer in time; a resolver that stays silent holds it up longer than any limit " +
			"that can be set"}
	case o.End == EndLost:
		return obstacle{why: "the connection to it was lost"}
	case o.End != "":
		return obstacle{}
	case o.Extension == ExtensionNotAvailable:
		return obstacle{"it does not have the extension dblink", "the package with PostgreSQL's contrib modules", "EXT-03"}
	case o.Extension == ExtensionNotAllowed:
		return notAllowed(o)
	case o.Error == nil && o.Phase != PhaseConnect:
		return obstacle{why: "it answered with something else than was asked"}
	case o.Error == nil, o.Error.SQLState == connectionFailed, o.Error.SQLState == passwordNotUsed:
		return obstacle{}
	case o.Error.SQLState == outOfTime && o.Phase == PhaseConnect:
		return obstacle{}
	case o.Error.SQLState == noPrivilege:
		return obstacle{why: o.Error.Message,
			right: "USAGE on schema " + o.Schema + " and EXECUTE on its functions dblink_connect and dblink_disconnect"}
	}
	return obstacle{why: o.Error.Message}
}

// notAllowed names the right that is missing to create the extension, were it for a moment.
func notAllowed(o Observation) obstacle {
	const missing = "the extension dblink is not installed there"
	const listing = "dblink in the server parameter azure.extensions"
	switch {
	case o.InRecovery:
		return obstacle{why: missing + ", and nothing can be created on a standby", right: "dblink created on the primary"}
	case o.AzureExtensions != nil && !listed(*o.AzureExtensions):
		return obstacle{missing + ", and azure.extensions does not allow it", listing, "EXT-01"}
	case o.Error == nil:
		return obstacle{why: missing}
	case o.Error.SQLState == notSupported && o.AzureExtensions != nil:
		return obstacle{missing + ": " + o.Error.Message, listing, "EXT-01"}
	case o.Error.SQLState == noPrivilege && strings.Contains(o.Error.Message, "azure_pg_admin"):
		return obstacle{missing + ": " + o.Error.Message, "membership of azure_pg_admin", "EXT-02"}
	case o.Error.SQLState == noPrivilege:
		return obstacle{missing + ": " + o.Error.Message,
			"to create the extension dblink, or dblink created by somebody who may", "EXT-04"}
	}
	return obstacle{why: missing + ": " + o.Error.Message}
}

// versionText is a server_version_num as people read it: 15 for 150018, 9.6 for 90624.
func versionText(num int) string {
	if num >= 100000 {
		return strconv.Itoa(num / 10000)
	}
	return strconv.Itoa(num/10000) + "." + strconv.Itoa(num/100%100)
}
