package explain

import "github.com/pgpreflight/pgpreflight/shared/finding"

// loginTexts are about passwords, tokens and methods, in clients' own words.
func loginTexts() []signature {
	return []signature{
		{id: "AUTH-03", code: finding.CredentialUnavailable, any: []string{"no password supplied",
			"no password was provided", "no password has been provided",
			"password must be a string", "empty password returned by client", "missing password",
			"but no password was provided"},
			args: finding.Args{"reason": "empty", "source": "the password", "why": "the client had none"}},
		{id: "AUTH-10", code: finding.AuthMethodUnsupported, any: []string{"authentication method", "authentication type",
			"scram authentication requires libpq",
			"unsupported authentication method", "unknown authentication"},
			pattern: `authentication (?:method|type) (?P<method>[\w-]+) (?:is )?not supported|` +
				`SCRAM authentication requires libpq|` +
				`unsupported authentication method:? ?(?P<other>[\w-]*)|unknown authentication (?:response|` +
				`method):? ?(?P<unknown>[\w-]*)`},
		{id: "-", code: finding.ProtocolViolation, any: []string{"invalid scram server-final-message",
			"invalid server scram signature", "incorrect server signature", "server signature does not match"},
			args: finding.Args{"violation": "scram_server_signature"}},
		{id: "ENT-08", code: finding.CredentialUnavailable, any: []string{"login.microsoftonline.com",
			"login.windows.net", "login.partner.microsoftonline.cn",
			"login.microsoftonline.us"},
			pattern: `login\.(?:microsoftonline\.(?:com|us)|windows\.net|partner\.microsoftonline\.cn).*(?:no such host|` +
				`not resolve|timeout|timed out|refused|unreachable|` +
				`Name or service not known|ENOTFOUND|failure in name resolution|getaddrinfo|reset|EOF|SSL|certificate)`,
			args: finding.Args{"source": "the Entra token",
				"why": "the sign-in service login.microsoftonline.com was not reached", "reason": "token_endpoint"}},
		{id: "ENT-08", code: finding.CredentialUnavailable, any: []string{"managedidentitycredential",
			"defaultazurecredential failed", "no managed identity endpoint",
			"imds endpoint", "chainedtokencredential", "aadsts"},
			pattern: `ManagedIdentityCredential(?: authentication)?(?::| unavailable| failed).*|` +
				`DefaultAzureCredential failed|no managed identity endpoint|IMDS endpoint|` +
				`ChainedTokenCredential failed|(?P<method>AADSTS\d+)`,
			args: finding.Args{"source": "the Entra token", "why": "the identity gave none", "reason": "token_refused"}},
	}
}

// statementTexts are about replication and privileges.
func statementTexts() []signature {
	return []signature{
		{id: "REP-01", code: finding.PreWALLevel, any: []string{"logical decoding requires"},
			pattern: `logical decoding requires "?wal_level"? >= "?logical`},
		{id: "REP-02", code: finding.PreReplicationRole, any: []string{"role to start walsender",
			"permission denied to start wal sender"}},
		{id: "REP-03", code: finding.PreReplicationRole, any: []string{"role to use replication slots",
			"permission denied to use replication slots"}},
		{id: "REP-04", code: finding.PreReplicationSlots, any: []string{"all replication slots are in use"}},
		{id: "REP-05", code: finding.PreReplicationSlots, any: []string{"replication slots can only be used if"}},
		{id: "REP-06", code: finding.PreWALSenders, any: []string{"exceeds max_wal_senders",
			`exceeds "max_wal_senders"`}},
		{id: "REP-07", code: finding.PreReplicationSlots, any: []string{"replication slot"},
			pattern: `replication slot "(?P<slot>[^"]*)" already exists`,
			args:    finding.Args{"reason": "slot_exists"}},
		{id: "REP-08", code: finding.PreDecoderMissing, any: []string{"could not access file", "could not load library"},
			pattern: `could not (?:access file|load library) "(?:[^"]*/)?(?P<decoder>test_decoding|wal2json|pgoutput|` +
				`decoderbufs)(?:\.so)?"`},
		{id: "REP-09", code: finding.PreReplicationSlots, any: []string{"could not find free replication state slot",
			"could not find free replication state"}, leg: "target",
			args: finding.Args{"reason": "origins"}},
		{id: "REP-10", code: finding.PreLongTransaction, any: []string{"waiting for transactions"},
			pattern: `Waiting for transactions \(approximately (?P<count>\d+)\) older than`},
		{id: "SRV-13", code: finding.PreIdleTimeout, any: []string{"due to idle-in-transaction timeout",
			"idle_in_transaction_session_timeout"}},
		{id: "REP-12", code: finding.PreReadOnly, any: []string{"logical decoding cannot be used while in recovery",
			"logical decoding on standby requires"},
			args: finding.Args{"reason": "standby"}},
		{id: "REP-20", code: finding.PreReadOnly, any: []string{"recovery is in progress"},
			args: finding.Args{"reason": "standby"}},
		{id: "REP-13", code: finding.PreReadOnly, any: []string{"in a read-only transaction"}},
		{id: "REP-14", code: finding.PreTableWithoutKey, any: []string{"does not have a replica identity"},
			pattern: `cannot (?:update|` +
				`delete from) (?:table )?"(?P<table>[^"]*)" because it does not have a replica identity`},
		{id: "REP-15", code: finding.PreUnloggedTable, any: []string{"cannot add relation"},
			pattern: `cannot add relation "(?P<table>[^"]*)" to publication`},
		{id: "REP-21", code: finding.PrePublicationRights, any: []string{"must be owner of table",
			"must be owner of relation"}, pattern: `must be owner of (?:table|relation) "?(?P<table>[\w.$-]+)`},
		{id: "REP-22", code: finding.PrePublicationRights,
			any: []string{"must be superuser to create for all tables publication"}},
		{id: "REP-18", code: finding.PreDatabaseDrop, any: []string{"permission denied to create database"},
			args: finding.Args{"reason": "create_database"}},
		{id: "REP-18", code: finding.PreCreateRole, any: []string{"permission denied to create role"}},
		{id: "REP-16", code: finding.PrePublicationRights, any: []string{"permission denied for database"},
			errorOnly: true,
			pattern:   `permission denied for database "?(?P<database>[\w.$-]+)`},
		{id: "REP-17", code: finding.PreDatabaseOwner, any: []string{"permission denied for "}, errorOnly: true,
			pattern: `permission denied for (?:table|relation|schema|sequence|view) "?(?P<object>[\w.$-]+)`},
		{id: "REP-19", code: finding.PreWALSenderTimeout,
			any: []string{"terminating walsender process due to replication timeout",
				"terminating logical replication worker due to timeout"}},
		{id: "SRV-16", code: finding.PreLockTableSize, any: []string{"out of shared memory"}},
		{id: "SRV-12", code: finding.ServerError, any: []string{"canceling statement due to statement timeout"},
			args: finding.Args{"reason": "statement_timeout"}},
		{id: "SRV-09", code: finding.ServerError, any: []string{"unsupported frontend protocol"},
			args: finding.Args{"reason": "frontend_protocol"}},
		{id: "SRV-10", code: finding.ServerError, any: []string{"unrecognized configuration parameter"},
			args:    finding.Args{"reason": "startup_parameter"},
			pattern: `unrecognized configuration parameter "(?P<parameter>[^"]*)"`},
	}
}

// extensionTexts are about extensions on the target.
func extensionTexts() []signature {
	return []signature{
		{id: "EXT-01", code: finding.PreExtensionNotAllowed, any: []string{"is not allow-listed", "is not allowlisted",
			"is not whitelisted"},
			pattern: `extension "(?P<extension>[^"]*)" is not`, leg: "target"},
		{id: "EXT-02", code: finding.PreAzurePGAdmin, any: []string{"are allowed to use create extension"},
			leg: "target"},
		{id: "EXT-03", code: finding.PreExtensionUnsupported, any: []string{"extension",
			"could not open extension control file"},
			pattern: `extension "(?P<extension>[^"]*)" is not available|` +
				`could not open extension control file "[^"]*?(?P<extension2>[\w-]+)\.control"`},
		{id: "EXT-04", code: finding.PreExtensionUnsupported, any: []string{"permission denied to create extension"},
			pattern: `permission denied to create extension "(?P<extension>[^"]*)"`,
			args:    finding.Args{"reason": "superuser"}},
		{id: "EXT-06", code: finding.PreBaseType, any: []string{"must be superuser to create a base type"}, leg: "source"},
		{id: "603109", code: finding.PreExtensionNotPreloaded,
			any: []string{"must be loaded via shared_preload_libraries",
				`must be loaded via "shared_preload_libraries"`},
			pattern: `(?:extension )?"?(?P<extension>[\w-]+)"? must be (?:pre)?loaded via`},
	}
}
