package explain

import "github.com/pgpreflight/pgpreflight/shared/finding"

// unreached is what "could not connect" of the migration service can be.
func unreached() []finding.Code {
	return []finding.Code{finding.TCPTimeout, finding.DNSNameNotFound, finding.TCPRefused, finding.PeerSilent,
		finding.PeerClosed, finding.HBAAddressNotAllowed}
}

// azureTexts are texts of Azure's management plane.
func azureTexts() []signature {
	return []signature{
		{id: "AZ-08", code: finding.AzVNetRuleMissing, any: []string{"featureswitchnotenabled",
			"requested feature is not enabled"}},
		{id: "AZ-09", code: finding.AzZoneMissing, any: []string{"missingrequiredparameter"}},
		{id: "AZ-07", code: finding.ScenarioUnsupported, any: []string{"burstable sku isn't supported",
			"burstable sku is not supported", "cross-region migration isn't supported",
			"cross-region migration is not supported", "cross region migration isn't supported"},
			args: finding.Args{"obsolete": true}, advisory: true, ask: []string{askDate}},
		{id: "NET-18", code: finding.AzPeeringNotConnected, any: []string{"peeringstate", "peering state"},
			pattern: `peering ?state['"]?\s?:?\s?(?:is )?['"]?(?P<state>Initiated|Disconnected)`},
		{id: "NET-20", code: finding.AzPeeringMissing, any: []string{"vnetaddressspacesoverlap",
			"vnetaddressspaceoverlaps", "overlapping address space", "address spaces overlap",
			"address space overlaps"},
			args: finding.Args{"reason": "overlap"}},
		{id: "NET-22", code: finding.AzEndpointNotApproved, any: []string{"pending approval",
			"privatelinkserviceconnectionstate", "awaiting approval"},
			pattern: `pending approval|awaiting approval|ConnectionState.*(?P<state>Pending|Rejected|Disconnected)`},
		{id: "NET-27", code: finding.ScenarioUnsupported, any: []string{"private source to public target",
			"private source to a public target"}},
	}
}

// serviceTexts are texts of the migration service, by number and by wording; most wrap what was found below them.
func serviceTexts() []signature {
	wrapped := []string{askInnerText}
	admit := []string{askReachability, askInnerText}
	return []signature{
		{id: "AZ-01", code: finding.TCPTimeout, any: []string{"connecting to the source db server failed",
			"connecting to the target db server failed",
			"connecting to the source server failed", "connecting to the target server failed",
			"failed to run 'select 1;'"}, oneOf: unreached(), wrapper: true,
			args: finding.Args{"wrapper": "AZ-01"}, ask: wrapped},
		// Users with a right password got this text while the server could not be reached at all.
		{id: "AZ-02", code: finding.AuthFailed, any: []string{"603100",
			"authentication failed. the provided password is incorrect", "authentication failed. the password for server",
			"the provided password is incorrect"},
			oneOf: []finding.Code{finding.AuthFailed, finding.TCPTimeout, finding.TCPRefused, finding.DNSNameNotFound,
				finding.HBAAddressNotAllowed}, wrapper: true,
			args: finding.Args{"wrapper": "603100"}, ask: admit},
		{id: "603001", code: finding.TLSNotOffered, any: []string{"603001", "ssl configuration error"}},
		{id: "603000", code: finding.TCPTimeout, any: []string{"603000",
			"was unsuccessful. ensure that the source server is reachable",
			"connection failed. connection to the server"}, oneOf: unreached(), wrapper: true,
			args: finding.Args{"wrapper": "603000"}, ask: wrapped},
		{id: "603101", code: finding.PreDatabaseExists, any: []string{"603101", "database exists in target"},
			capture: named(`Database`, "database"), leg: "target"},
		{id: "603102", code: finding.DatabaseMissing, any: []string{"603102", "source database missing"},
			capture: named(`Database`, "database"), leg: "source"},
		{id: "603103", code: finding.PreRoleMissing, any: []string{"603103", "missing microsoft entra role",
			"missing azure ad role"}, capture: named(`role`, "user"), leg: "target"},
		{id: "603104", code: finding.PreReplicationRole, any: []string{"603104", "missing replication role"},
			capture: named(`User`, "user"), leg: "source"},
		{id: "603105", code: finding.PreReplicationSlots, any: []string{"603105", "insufficient replication slots"},
			leg: "source"},
		{id: "603106", code: finding.PreWALSenders, any: []string{"603106", "max_wal_senders guc parameter",
			"`max_wal_senders` guc parameter", "'max_wal_senders' guc parameter"}, leg: "source"},
		{id: "603107", code: finding.PreWALLevel, any: []string{"603107", "wal level parameter is set to"},
			leg: "source"},
		{id: "EXT-05", code: finding.PreExtensionNotAllowed, any: []string{"603108", "allowlisted on target server",
			"allow-listed on target server", "extensions allowlist required",
			"because they're not allowlisted"}, capture: `Extensions? ['"]?(?P<extension>[\w, -]+?)['"]? (?:aren't|` +
			`are not|isn't|couldn't|could not)`, leg: "target"},
		{id: "603109", code: finding.PreExtensionNotPreloaded, any: []string{"603109",
			"shared preload libraries configuration error"}, leg: "target"},
		{id: "603110", code: finding.PreDatabaseOwner, any: []string{"603110",
			"migration user lacks necessary permissions for database access"}, leg: "source"},
		{id: "AZ-04", code: finding.PreSignalBackend, any: []string{"603111", "603700", "cl003",
			"target database cleanup failed"}, leg: "target"},
		{id: "603112", code: finding.PreReadOnly, any: []string{"603112", "failed to set default_transaction_read_only"},
			leg: "source"},
		{id: "603113", any: []string{"603113", "603114", "cutover can't be initiated", "cutover cannot be initiated"},
			ask: []string{askCutover}},
		{id: "603115", code: finding.PreAzurePGAdmin, any: []string{"603115", "isn't a member of azure_pg_admin",
			"is not a member of azure_pg_admin"}, leg: "target"},
		{id: "603116", code: finding.PreCreateRole, any: []string{"603116", "doesn't have the create role privilege"},
			leg: "target"},
		{id: "603117", code: finding.PreDatabaseDrop, any: []string{"603117", "lacks necessary privileges to delete the"},
			leg: "target"},
		{id: "603400", code: finding.PreVersionTooOld, any: []string{"603400", "unsupported source version"},
			leg: "source"},
		{id: "AZ-05", code: finding.PreCollationUserDefined, any: []string{"603403",
			"user defined collations are present", "contains user-defined collations"}, leg: "source"},
		{id: "603401", code: finding.PreCollationMissing, any: []string{"603401", "603402"}},
		{id: "603401", code: finding.PreCollationMissing, any: []string{"collation mismatch",
			"collation/encoding not supported"},
			oneOf: []finding.Code{finding.PreCollationMissing, finding.PreCollationUserDefined}},
		{id: "603404", code: finding.PreTableWithOIDs, any: []string{"603404", "unsupported oids detected"},
			leg: "source"},
		{id: "603407", code: finding.PreExtensionSchema, any: []string{"603407", "extension schema error"},
			leg: "source"},
		{id: "603406", code: finding.PrePostGISVersion, any: []string{"603406"}, leg: "target"},
		{id: "AZ-06", code: finding.PreExtensionUnsupported, any: []string{"603405", "603408",
			"unsupported extension"}},
		{id: "603409", code: finding.PreUserCast, any: []string{"603409", "user-defined casts present",
			"contains user-defined casts"}, leg: "source"},
		{id: "603410", code: finding.PreCatalogGrant, any: []string{"603410", "system table permission error"},
			leg: "source"},
		{id: "603413", code: finding.PreLanguageUnsupported, any: []string{"603413", "unsupported language"},
			leg: "source"},
		{id: "6037xx", any: []string{"603701", "603702", "603703", "603704", "603705", "603706", "603707", "603708",
			"603709", "migration setup failed",
			"internal server error. failed to"}, wrapper: true, ask: []string{askSupport, askInnerText}},
		{id: "603000", code: finding.TCPTimeout, any: []string{"the connection attempt failed",
			"failed to connect to server", "authenticationandconnectivityvalidation"},
			oneOf: unreached(), wrapper: true, ask: wrapped},
	}
}

// named captures the name in quotes behind a word.
func named(word, arg string) string { return word + " ['\"`‘“](?P<" + arg + ">[^'\"`’”]+)" }
