package shared_test

import (
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
)

const (
	noLine = `no pg_hba.conf entry for host "203.0.113.7", user "migrator", database "orders", `
	atHBA  = "ClientAuthentication"
)

func hbaSigns() []sign {
	return []sign{
		{id: "HBA-01", code: finding.HBATLSRequired, seen: refused("28000", atHBA, noLine+"no encryption", withoutTLS)},
		{id: "HBA-01", code: finding.HBATLSRequired, seen: refused("28000", atHBA, noLine+"SSL off", withoutTLS)},
		{id: "HBA-02", code: finding.HBAAddressNotAllowed, seen: refused("28000", atHBA, noLine+"SSL encryption", withTLS)},
		{id: "HBA-02", code: finding.HBAAddressNotAllowed, seen: refused("28000", atHBA, noLine+"SSL on", withTLS)},
		{id: "HBA-03", code: finding.HBARejected, seen: refused("28000", atHBA,
			`pg_hba.conf rejects connection for host "203.0.113.7", user "migrator", database "orders", SSL encryption`, withTLS)},
		{id: "HBA-04", code: finding.HBAReplication, seen: refused("28000", atHBA,
			`no pg_hba.conf entry for replication connection from host "203.0.113.7", user "migrator", no encryption`,
			login.Circumstances{TLS: login.No, Replication: "true", Host: "db.example.com"})},
		// The address in the text is not ours: args.seenAs has it.
		{id: "HBA-05", code: finding.HBAAddressNotAllowed, seen: []finding.Finding{
			{Code: refused("28000", atHBA, noLine+"SSL encryption", withTLS)[0].Code}}},
		{id: "HBA-06", code: finding.AzurePublicAccessDisabled, seen: refused("28000", "",
			"The public network access on this server is disabled. Use the Private Endpoint inside your virtual network", atAzure)},
		{id: "HBA-07", code: finding.AzureServiceEndpointIPv6, seen: refused("28000", "",
			"Server isn't configured to allow ipv6 connections", atAzure)},
		{id: "HBA-08", code: finding.AuthUserFormat, seen: refused("28000", "", "Invalid Username specified. Please check the "+
			"Username and retry connection. The Username should be in <username@hostname> format.", withTLS)},
		{id: "HBA-09", code: finding.AuthUserFormat, seen: refused("28P01", "auth_failed",
			`password authentication failed for user "migrator@orders"`, atAzure)},
		{id: "HBA-10", code: finding.HBAReplication, seen: refused("28000", atHBA, noLine+"SSL encryption", logical)},
	}
}

func accountSigns() []sign {
	const wrong = `password authentication failed for user "migrator"`
	first := login.Observation{TLS: true, AuthMethods: []string{login.MethodScram},
		Error: &login.ServerError{SQLState: "28P01", Routine: "auth_failed", Message: wrong}}
	return []sign{
		{id: "AUTH-01", code: finding.AuthFailed, seen: refused("28P01", "auth_failed", wrong, withTLS)},
		{id: "AUTH-01", code: finding.AuthFailed, seen: refused("28P01", "auth_failed",
			`ユーザー"migrator"のパスワード認証に失敗しました`, withTLS)},
		// The other attempt is not made after this one, and could not hide it.
		{id: "AUTH-02", code: finding.AuthFailed, seen: withoutID(login.JudgeAttempts(first, login.Observation{
			Error: &login.ServerError{SQLState: "28000", Routine: atHBA, Message: noLine + "no encryption"}}, login.Expect{}))},
		{id: "AUTH-03", code: finding.CredentialUnavailable, seen: login.Judge(login.Observation{
			Stopped: login.StopPasswordMissing, AuthMethods: []string{login.MethodScram}}, login.Expect{})},
		{id: "AUTH-04", code: finding.AuthRoleMissing, seen: refused("28000", "InitializeSessionUserId",
			`role "migrator" does not exist`, withTLS)},
		{id: "AUTH-05", code: finding.AuthRoleCannotLogin, seen: refused("28000", "InitializeSessionUserId",
			`role "migrator" is not permitted to log in`, withTLS)},
		{id: "AUTH-06", code: finding.DatabaseMissing, seen: refused("3D000", "InitPostgres",
			`database "orders" does not exist`, withTLS)},
		{id: "AUTH-07", code: finding.DatabaseNoConnectPrivilege, seen: refused("42501", "CheckMyDatabase",
			`permission denied for database "orders"`, withTLS)},
		{id: "AUTH-08", code: finding.DatabaseNotAccepting, seen: refused("55000", "CheckMyDatabase",
			`database "template0" is not currently accepting connections`, withTLS)},
		{id: "AUTH-09", code: finding.AuthUserFormat, seen: refused("28000", "ProcessStartupPacket",
			"no PostgreSQL user name specified in startup packet", withTLS)},
		{id: "AUTH-10", code: finding.AuthMethodUnsupported, pasted: "authentication method 10 not supported",
			why: "our client has SCRAM; a server that has only md5 is met and told as AUTH_METHOD_WEAK"},
		{id: "AUTH-11", code: finding.AuthMethodUnsupported, seen: login.Judge(login.Observation{
			Stopped: login.StopMethodUnsupported, AuthMethods: []string{login.MethodGSS}}, login.Expect{})},
		{id: "AUTH-11", code: finding.AuthCleartextRefused, seen: login.Judge(login.Observation{
			Stopped: login.StopCleartext, AuthMethods: []string{login.MethodPassword}}, login.Expect{})},
	}
}

// withoutID leaves out the row's number where another row's has the same text.
func withoutID(found []finding.Finding) []finding.Finding {
	for _, f := range found {
		delete(f.Args, "id")
	}
	return found
}

func entraSigns() []sign {
	token := func(id string, code finding.Code, text string) sign {
		return sign{id: id, code: code, seen: refused("28P01", "", text, tokenAt)}
	}
	pooled := tokenAt
	pooled.Port = 6432
	return []sign{
		token("ENT-01", finding.EntraTokenAudience, "The access token does not have a valid audience claim. Please acquire a "+
			`new token for the resource "https://ossrdbms-aad.database.windows.net".`),
		token("ENT-02", finding.EntraTokenInvalid,
			"An error occurred while validating the access token. Please acquire a new token and retry"),
		token("ENT-03", finding.EntraPrincipalMismatch,
			"Service Principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[migrator]"),
		token("ENT-04", finding.EntraGroup,
			"Azure AD access token not valid for role DBAs (does not contain group ID 0f0f0f0f-0000)"),
		token("ENT-05", finding.EntraPrincipalMismatch,
			"Could not validate AAD user 0f0f because its name is not found in the tenant"),
		token("ENT-06", finding.EntraTokenExpired, "Azure AD access token expired: AAD_AUTH_EXPIRED (18456/108)"),
		{id: "ENT-07", code: finding.EntraPooler, seen: refused("08P01", "", "password authentication failed", pooled)},
		{id: "ENT-08", code: finding.CredentialUnavailable, why: "it is met before the login, by the fetching of the token " +
			"(shared/credential); a check says CREDENTIAL_UNAVAILABLE",
			pasted: "Post https://login.microsoftonline.com/t/oauth2/v2.0/token: dial tcp: lookup login.microsoftonline.com: no such host"},
	}
}

func serverSigns() []sign {
	starting := func(id string, code finding.Code, text string) sign {
		return sign{id: id, code: code, seen: refused("57P03", "ProcessStartupPacket", "the database system is "+text, withTLS)}
	}
	return []sign{
		starting("SRV-01", finding.ServerStarting, "starting up"),
		starting("SRV-02", finding.ServerShuttingDown, "shutting down"),
		starting("SRV-03", finding.ServerStandby, "not accepting connections"),
		starting("SRV-04", finding.ServerRecovering, "in recovery mode"),
		starting("SRV-04", finding.ServerRecovering, "not yet accepting connections"),
		{id: "SRV-05", code: finding.ServerShuttingDown, seen: refused("57P01", "ProcessInterrupts",
			"terminating connection due to administrator command", withTLS)},
		{id: "SRV-06", code: finding.ServerFull, seen: refused("53300", "InitProcess", "sorry, too many clients already", withTLS)},
		{id: "SRV-07", code: finding.ServerFullReserved, seen: refused("53300", "InitPostgres",
			"remaining connection slots are reserved for non-replication superuser connections", withTLS)},
		{id: "SRV-07", code: finding.ServerFullReserved, seen: refused("53300", "InitPostgres",
			`remaining connection slots are reserved for roles with privileges of the "rds_reserved" role`, withTLS)},
		{id: "SRV-08", code: finding.RoleConnectionLimit, seen: refused("53300", "InitializeSessionUserId",
			`too many connections for role "migrator"`, withTLS)},
		{id: "SRV-08", code: finding.DatabaseConnectionLimit, seen: refused("53300", "CheckMyDatabase",
			`too many connections for database "orders"`, withTLS)},
		{id: "SRV-09", code: finding.ServerError, seen: refused("0A000", "ProcessStartupPacket",
			"unsupported frontend protocol 8.0: server supports 3.0 to 3.0", withTLS)},
		{id: "SRV-10", code: finding.ServerError, seen: refused("42704", "find_option",
			`unrecognized configuration parameter "x"`, withTLS)},
		{id: "SRV-11", code: finding.ServerPooler, seen: refused("08P01", "",
			"server login has been failing, try again later (server_login_retry)", withTLS)},
		{id: "SRV-12", code: finding.ServerError, pasted: "ERROR:  57014: canceling statement due to statement timeout",
			why: "the probe sets its own limit; a question that meets it is told as PRE_NOT_CHECKED"},
		{id: "SRV-13", code: finding.PreIdleTimeout,
			seen: read(prerequisites.Observation{Server: settings("idle_in_transaction_session_timeout=60000")})},
		{id: "SRV-14", code: finding.PeerNotPostgres, pasted: "LOG:  invalid length of startup packet",
			why: "it is what a server's log says of a client that is no PostgreSQL client; ours is one"},
		{id: "SRV-15", code: finding.TCPTimeout, seen: networkSigns()[0].seen}, // AZ_SERVER_STOPPED is read from Azure
		{id: "SRV-16", code: finding.PreLockTableSize, seen: read(prerequisites.Observation{
			Server: settings("max_locks_per_transaction=10", "max_connections=10", "max_prepared_transactions=0"),
			Databases: []prerequisites.Database{{Name: "orders", Tables: []prerequisites.TableCount{
				{Kind: prerequisites.Relations, Counted: prerequisites.Counted{Count: 5000}}}}}})},
	}
}

func replicationSigns() []sign {
	return append(slotSigns(), rightSigns()...)
}

func slotSigns() []sign {
	slots := func(limit string, used int) []finding.Finding {
		s := settings("wal_level=logical", "max_replication_slots="+limit, "max_wal_senders=50")
		s.Slots = &prerequisites.Slots{Used: used}
		return read(prerequisites.Observation{Server: s})
	}
	standby := settings()
	standby.Version.InRecovery = true
	long := settings()
	long.Transactions = &prerequisites.Transactions{Open: 1, Oldest: &prerequisites.OldTransaction{PID: 7, AgeSeconds: 9000}}
	old := settings()
	missing := false
	old.Version.Num, old.Decoder, old.Slots = 90624, &prerequisites.Decoder{TestDecoding: &missing}, &prerequisites.Slots{}
	origins := settings("max_replication_slots=1")
	origins.Origins = &prerequisites.Origins{Count: 1}
	origins.Slots = &prerequisites.Slots{}
	const writes = "it is the answer to a statement that writes, and a check writes nothing; "
	return []sign{
		{id: "REP-01", code: finding.PreWALLevel, seen: read(prerequisites.Observation{Server: settings("wal_level=replica")})},
		{id: "REP-02", code: finding.PreReplicationRole, seen: refused("42501", "InitPostgres",
			"must be superuser or replication role to start walsender", logical)},
		{id: "REP-02", code: finding.PreReplicationRole, seen: refused("42501", "InitPostgres",
			"permission denied to start WAL sender", logical)},
		{id: "REP-03", code: finding.PreReplicationRole, seen: read(prerequisites.Observation{Server: prerequisites.Server{
			Version: &prerequisites.Version{Num: 150018}, Roles: &prerequisites.Roles{Name: "migrator"}}})},
		{id: "REP-04", code: finding.PreReplicationSlots, seen: slots("3", 3)},
		{id: "REP-05", code: finding.PreReplicationSlots, seen: slots("0", 0)},
		{id: "REP-06", code: finding.PreWALSenders, seen: refused("53300", "InitProcess",
			"number of requested standby connections exceeds max_wal_senders (currently 1)", logical)},
		{id: "REP-07", code: finding.PreReplicationSlots, pasted: `ERROR:  replication slot "pgcopydb" already exists`,
			why: writes + "which name the migration will give its slot is not known before"},
		{id: "REP-08", code: finding.PreDecoderMissing, seen: read(prerequisites.Observation{Server: old})},
		{id: "REP-09", code: finding.PreReplicationSlots,
			seen: read(prerequisites.Observation{Side: prerequisites.SideTarget, Server: origins})},
		{id: "REP-10", code: finding.PreLongTransaction, seen: read(prerequisites.Observation{Server: long})},
		{id: "REP-11", code: finding.PreIdleTimeout,
			seen: read(prerequisites.Observation{Server: settings("idle_in_transaction_session_timeout=1000")})},
		{id: "REP-12", code: finding.PreReadOnly, seen: read(prerequisites.Observation{Server: standby})},
		{id: "REP-13", code: finding.PreReadOnly,
			seen: read(prerequisites.Observation{Server: settings("default_transaction_read_only=on")})},
		{id: "REP-19", code: finding.PreWALSenderTimeout,
			seen: read(prerequisites.Observation{Server: settings("wal_sender_timeout=60000")})},
		{id: "REP-20", code: finding.PreReadOnly, seen: read(prerequisites.Observation{Server: standby})},
	}
}

func rightSigns() []sign {
	// orders judges the database orders of clerk's; count is of one table.
	orders := func(kind prerequisites.Text, row prerequisites.CatalogRow) []finding.Finding {
		s := settings()
		s.Roles = &prerequisites.Roles{Name: "migrator", Replication: true}
		row.Name, row.Owner = "orders", "clerk"
		s.Catalog = []prerequisites.CatalogRow{row}
		return read(prerequisites.Observation{Server: s, Databases: []prerequisites.Database{{Name: "orders",
			Tables: []prerequisites.TableCount{{Kind: kind, Counted: prerequisites.Counted{Count: 1,
				First: []prerequisites.Text{"public.t"}}}}}}})
	}
	mine := prerequisites.CatalogRow{Owns: true, CanCreate: true}
	target := settings()
	target.Roles = &prerequisites.Roles{Name: "migrator", Member: map[prerequisites.Text]bool{"azure_pg_admin": true}}
	return []sign{
		{id: "REP-14", code: finding.PreTableWithoutKey, seen: orders(prerequisites.Keyless, mine)},
		{id: "REP-15", code: finding.PreUnloggedTable, seen: orders(prerequisites.Unlogged, mine)},
		{id: "REP-16", code: finding.PrePublicationRights, seen: orders("", prerequisites.CatalogRow{Owns: true})},
		{id: "REP-17", code: finding.PreDatabaseOwner, seen: orders("", prerequisites.CatalogRow{CanCreate: true})},
		{id: "REP-18", code: finding.PreCreateRole,
			seen: read(prerequisites.Observation{Side: prerequisites.SideTarget, Server: target})},
		{id: "REP-21", code: finding.PrePublicationRights, seen: orders(prerequisites.NotOwned, mine)},
		{id: "REP-22", code: finding.PrePublicationRights, pasted: "ERROR:  must be superuser to create FOR ALL TABLES publication",
			why: "the migration service names its tables; whether the rights for that are there is REP-16 and REP-21"},
	}
}

func extensionSigns() []sign {
	// brought is an extension of the source's that the target has and allows, or not.
	brought := func(available, allowed string) []finding.Finding {
		target := settings()
		listed := prerequisites.Setting(allowed)
		target.Azure = map[prerequisites.Text]*prerequisites.Setting{"azure.extensions": &listed}
		target.Available = map[prerequisites.Text]prerequisites.Text{"plpgsql": "1.0", prerequisites.Text(available): "1.0"}
		return prerequisites.Compare(
			prerequisites.Observation{Side: prerequisites.SideSource, Server: settings(), Databases: []prerequisites.Database{{
				Name: "orders", Extensions: []prerequisites.Extension{{Name: "hstore", Version: "1.0", Schema: "public"}}}}},
			prerequisites.Observation{Side: prerequisites.SideTarget, Server: target},
			prerequisites.Expect{Databases: []string{"orders"}})
	}
	plain := settings()
	plain.Roles = &prerequisites.Roles{Name: "migrator", CreateRole: true,
		Member: map[prerequisites.Text]bool{"azure_pg_admin": false}}
	const made = "the target says it while the extension is made there, and a check makes none; "
	return []sign{
		{id: "EXT-01", code: finding.PreExtensionNotAllowed, seen: brought("hstore", "")},
		{id: "EXT-02", code: finding.PreAzurePGAdmin,
			seen: read(prerequisites.Observation{Side: prerequisites.SideTarget, Server: plain})},
		{id: "EXT-03", code: finding.PreExtensionUnsupported, seen: brought("citext", "citext")},
		{id: "EXT-04", code: finding.PreExtensionUnsupported, why: made + "which ones need a superuser shows only then",
			pasted: "ERROR:  permission denied to create extension \"plpython3u\"\nHINT:  Must be superuser to create this extension."},
		{id: "EXT-05", code: finding.PreExtensionNotAllowed, seen: brought("hstore", "citext")},
		{id: "EXT-06", code: finding.PreBaseType, seen: read(prerequisites.Observation{Server: settings(),
			Databases: []prerequisites.Database{{Name: "orders", BaseTypes: &prerequisites.Counted{Count: 1,
				First: []prerequisites.Text{"public.box3d"}}}}})},
	}
}

func azureSigns() []sign {
	const service = "it is what the migration service or the Azure CLI writes about a failure, not the failure"
	return []sign{
		{id: "AZ-01", code: finding.HBAAddressNotAllowed, why: service, pasted: "Connecting to the Source DB server failed. " +
			"Failed to run 'select 1;' with exception 28000: " + noLine + "SSL on"},
		{id: "AZ-02", code: finding.AuthFailed, why: service,
			pasted: "Failed to connect to server : Authentication failed. The provided password is incorrect for server x"},
		{id: "AZ-03", code: finding.TCPRefused, why: service,
			pasted: "No connection could be made because the target machine actively refused it"},
		{id: "AZ-04", code: finding.PreSignalBackend, why: service,
			pasted: "CL003:Target database cleanup failed in the pre-migration step. Please add the pg_signal_backend role"},
		{id: "AZ-05", code: finding.PreCollationUserDefined, why: service,
			pasted: "Collation/Encoding not Supported Error: User defined Collations are present in the source database."},
		{id: "AZ-06", code: finding.PreExtensionUnsupported, why: service,
			pasted: "Unsupported Extension. The migration service doesn't support the extension postgres_fdw."},
		{id: "AZ-07", code: finding.ScenarioUnsupported, why: service + ", and the restriction is gone",
			pasted: "Migration to Flex server with Burstable SKU isn't Supported."},
		{id: "AZ-08", code: finding.AzVNetRuleMissing, why: service,
			pasted: `{"error":{"code":"FeatureSwitchNotEnabled","message":"Requested feature is not enabled."}}`},
		{id: "AZ-09", code: finding.AzZoneMissing, why: service,
			pasted: "(MissingRequiredParameter) Required parameter privateDnsZoneArguments is missing."},
	}
}
