package prerequisites

import (
	"slices"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Validation is the type of a check in the migration service's own validation (validationDetails of its API).
type Validation string

// The types that were seen in the service's answers. It shows no type for the rights of the user; those rules stand
// under the first one, since it is the user of the connection whose rights are missing.
const (
	ConnectivityValidation Validation = "AuthenticationAndConnectivityValidation"
	VersionValidation      Validation = "SourceVersionValidation"
	ParametersValidation   Validation = "ServerParametersValidation"
	SchemaValidation       Validation = "SchemaValidation"
	ExtensionsValidation   Validation = "ExtensionsValidation"
	CollationsValidation   Validation = "CollationsValidation"
)

// State is the outcome of a check in the migration service's words.
type State string

// The states.
const (
	Succeeded State = "Succeeded"
	Warning   State = "Warning"
	Failed    State = "Failed"
)

// Rule is one prerequisite of the migration service.
type Rule struct {
	Code finding.Code
	// Side is whose facts are judged; a rule that compares stands under the side that must act.
	Side Side
	// Mode is the migration mode that it holds for; empty means both.
	Mode request.Mode
	// MinVersion and MaxVersion limit it by server_version_num of the judged side; 0 means no limit.
	MinVersion, MaxVersion int
	// Needs are the questions that it is judged by, those of the other side after a rule's own.
	Needs []string
	// Validation and State are where, and as what, the service itself would show it; empty where it does not look.
	Validation Validation
	State      State

	own     func(subject) []verdict
	compare func(pair) []verdict
}

// verdict is what a rule says about one place; unknown says instead why nothing can be said.
type verdict struct {
	advisory bool
	args     finding.Args
	unknown  string
}

func one(args finding.Args) []verdict       { return []verdict{{args: args}} }
func cannotTell(why string) []verdict       { return []verdict{{unknown: why}} }
func milder(v []verdict, is bool) []verdict { v[0].advisory = is; return v }

// Rules is the table. Sources: "Known errors in the migration service" (troubleshoot-error-codes, 02/07/2025), the
// prerequisites of each source kind (01/24/2025 to 02/25/2026), "Required permissions" (07/21/2025).
func Rules() []Rule { return slices.Clone(table()) }

// table is put together once: every check goes through it three times.
var table = sync.OnceValue(func() []Rule {
	return slices.Concat(serverRules(), rightsRules(), databaseRules(), comparisons())
})

func serverRules() []Rule {
	settings, slots := []string{"settings"}, []string{"settings", "slots"}
	version, writable := []string{"version"}, []string{"version", "settings"}
	return []Rule{
		{Code: finding.PreVersionTooOld, Side: SideSource, Needs: version,
			Validation: VersionValidation, State: Failed, own: versionTooOld},
		{Code: finding.PreReadOnly, Side: SideSource, Needs: writable,
			Validation: ParametersValidation, State: Failed, own: readOnly},
		// A flexible server that runs out of storage turns itself read-only.
		{Code: finding.PreReadOnly, Side: SideTarget, Needs: writable, own: readOnly},
		{Code: finding.PreIdleTimeout, Side: SideSource, Needs: settings, own: idleTimeout},
		{Code: finding.PreIdleTimeout, Side: SideTarget, Needs: settings, own: idleTimeout},
		{Code: finding.PreWALLevel, Side: SideSource, Mode: request.Online, Needs: settings,
			Validation: ParametersValidation, State: Failed, own: walLevel},
		{Code: finding.PreReplicationSlots, Side: SideSource, Mode: request.Online, Needs: slots,
			Validation: ParametersValidation, State: Failed, own: sourceSlots},
		{Code: finding.PreReplicationSlots, Side: SideTarget, Mode: request.Online,
			Needs: []string{"settings", "origins"}, own: targetSlots},
		{Code: finding.PreTempTablespaces, Side: SideTarget, Mode: request.Online,
			Needs: []string{"azure"}, own: tempTablespaces},
		{Code: finding.PreWALSenders, Side: SideSource, Mode: request.Online, Needs: slots,
			Validation: ParametersValidation, State: Failed, own: walSenders},
		{Code: finding.PreWALSenderTimeout, Side: SideSource, Mode: request.Online, Needs: settings, own: walSenderTimeout},
		{Code: finding.PreDecoderMissing, Side: SideSource, Mode: request.Online, MaxVersion: 99999,
			Needs: []string{"decoder", "slots", "version"}, own: decoderMissing},
		{Code: finding.PreLongTransaction, Side: SideSource, Mode: request.Online,
			Needs: []string{"transactions"}, own: longTransaction},
		{Code: finding.PrePreparedTransaction, Side: SideSource, Mode: request.Online,
			Needs: []string{"prepared"}, own: preparedTransaction},
	}
}

func rightsRules() []Rule {
	roles, catalog := []string{"roles"}, []string{"catalog"}
	return []Rule{
		{Code: finding.PreReplicationRole, Side: SideSource, Mode: request.Online, Needs: roles,
			Validation: ConnectivityValidation, State: Failed, own: replicationRole},
		{Code: finding.PreDatabaseOwner, Side: SideSource, Needs: catalog,
			Validation: ConnectivityValidation, State: Failed, own: databaseOwner},
		{Code: finding.PrePublicationRights, Side: SideSource, Mode: request.Online, MinVersion: 100000,
			Needs: []string{"tables", "catalog", "roles"}, own: publicationRights},
		{Code: finding.PreAzurePGAdmin, Side: SideTarget, Needs: roles,
			Validation: ConnectivityValidation, State: Failed, own: azurePGAdmin},
		{Code: finding.PreCreateRole, Side: SideTarget, Needs: roles,
			Validation: ConnectivityValidation, State: Failed, own: createRole},
		{Code: finding.PreSignalBackend, Side: SideTarget, Needs: []string{"roles", "catalog"},
			Validation: ConnectivityValidation, State: Failed, own: signalBackend},
		{Code: finding.PreDatabaseExists, Side: SideTarget, Needs: catalog,
			Validation: SchemaValidation, State: Warning, own: databaseExists},
		{Code: finding.PreDatabaseDrop, Side: SideTarget, Needs: catalog,
			Validation: SchemaValidation, State: Failed, own: databaseDrop},
	}
}

func databaseRules() []Rule {
	tables := []string{"tables"}
	return []Rule{
		{Code: finding.PreTableWithoutKey, Side: SideSource, Mode: request.Online, Needs: tables, own: tableWithoutKey},
		{Code: finding.PreUnloggedTable, Side: SideSource, Mode: request.Online, Needs: tables, own: unloggedTable},
		{Code: finding.PreLockTableSize, Side: SideSource, Needs: []string{"tables", "settings"}, own: lockTableSize},
		{Code: finding.PreExtensionSchema, Side: SideSource, Needs: []string{"extensions"},
			Validation: ExtensionsValidation, State: Failed, own: extensionSchema},
		{Code: finding.PreCollationUserDefined, Side: SideSource, Needs: []string{"userCollations"},
			Validation: CollationsValidation, State: Failed, own: userCollation},
		{Code: finding.PreUserCast, Side: SideSource, Needs: []string{"casts"},
			Validation: SchemaValidation, State: Failed, own: userCast},
		{Code: finding.PreBaseType, Side: SideSource, Needs: []string{"baseTypes"},
			Validation: SchemaValidation, State: Warning, own: baseType},
		{Code: finding.PreNotCarried, Side: SideSource, Needs: []string{"notCarried"}, own: notCarried},
		{Code: finding.PreLanguageUnsupported, Side: SideSource, Needs: []string{"languages"},
			Validation: SchemaValidation, State: Failed, own: languageUnsupported},
		{Code: finding.PreCatalogGrant, Side: SideSource, Needs: []string{"grants"},
			Validation: SchemaValidation, State: Failed, own: catalogGrant},
	}
}

func comparisons() []Rule {
	return []Rule{
		{Code: finding.PreVersionTargetOlder, Side: SideTarget, Needs: []string{"version"},
			Validation: VersionValidation, State: Failed, compare: versionTargetOlder},
		{Code: finding.PreTableWithOIDs, Side: SideSource, MaxVersion: 119999, Needs: []string{"withOids"},
			Validation: SchemaValidation, State: Failed, compare: tableWithOIDs},
		{Code: finding.PreExtensionUnsupported, Side: SideSource, Needs: []string{"extensions", "available"},
			Validation: ExtensionsValidation, State: Failed, compare: extensionUnsupported},
		{Code: finding.PrePostGISVersion, Side: SideTarget, Needs: []string{"extensions", "available"},
			Validation: ExtensionsValidation, State: Failed, compare: postGISVersion},
		{Code: finding.PreExtensionNotAllowed, Side: SideTarget, Needs: []string{"extensions", "azure"},
			Validation: ExtensionsValidation, State: Failed, compare: extensionNotAllowed},
		{Code: finding.PreExtensionNotPreloaded, Side: SideTarget, Needs: []string{"extensions", "settings"},
			Validation: ExtensionsValidation, State: Failed, compare: extensionNotPreloaded},
		{Code: finding.PreCollationMissing, Side: SideTarget, Needs: []string{"collations", "collated", "catalog", "version"},
			Validation: CollationsValidation, State: Failed, compare: collationMissing},
		{Code: finding.PreLockTableSize, Side: SideTarget, Needs: []string{"tables", "settings"}, compare: targetLockTable},
		{Code: finding.PreRoleMissing, Side: SideTarget, Needs: []string{"entraRoles", "roleNames"},
			Validation: ConnectivityValidation, State: Warning, compare: roleMissing},
		{Code: finding.PrePasswordEncryption, Side: SideTarget, Needs: []string{"settings"}, compare: passwordEncryption},
		{Code: finding.PreStorage, Side: SideTarget, Needs: []string{"size"}, compare: storage},
	}
}
