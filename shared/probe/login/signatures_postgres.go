package login

import "github.com/pgpreflight/pgpreflight/shared/finding"

// tlsSignatures are refusals for want of a client certificate or of channel binding.
func tlsSignatures() []signature {
	return []signature{
		{id: "TLS-14", code: finding.TLSClientCertificateRequired, sqlstate: "28000",
			pattern: `requires a valid client certificate|certificate authentication failed for user`},
		{id: "TLS-15", code: finding.TLSClientCertificateRequired, sqlstate: "F0000",
			pattern: `client certificates can only be checked`, args: finding.Args{"serverCannotCheck": true}},
		{id: "TLS-17", code: finding.AuthMethodUnsupported,
			pattern: `channel binding (check failed|negotiation error)`,
			args:    finding.Args{"reason": "channel_binding", "intercepted": true}},
		{id: "TLS-17", code: finding.AuthMethodUnsupported, pattern: `channel binding required`,
			args: finding.Args{"reason": "channel_binding"}},
	}
}

// localeFree decide by SQLSTATE and routine, or by a name of a setting that no language translates.
func localeFree() []signature {
	return []signature{
		{id: "AUTH-06", code: finding.DatabaseMissing, sqlstate: "3D000"},
		{id: "AUTH-07", code: finding.DatabaseNoConnectPrivilege, sqlstate: "42501", routine: "CheckMyDatabase"},
		{id: "AUTH-08", code: finding.DatabaseNotAccepting, sqlstate: "55000", routine: "CheckMyDatabase"},
		{id: "SRV-08", code: finding.DatabaseConnectionLimit, sqlstate: "53300", routine: "CheckMyDatabase"},
		{id: "SRV-08", code: finding.RoleConnectionLimit, sqlstate: "53300", routine: "InitializeSessionUserId"},
		{id: "REP-06", code: finding.PreWALSenders, sqlstate: "53300", pattern: `max_wal_senders`, quoting: true,
			when: mayReplicate},
		{id: "SRV-07", code: finding.ServerFullReserved, sqlstate: "53300", routine: "InitPostgres"},
		{id: "SRV-06", code: finding.ServerFull, sqlstate: "53300", routine: "InitProcess"},
		{id: "SRV-06", code: finding.ServerFull, sqlstate: "53300", routine: "ProcArrayAdd"},
		{id: "SRV-06", code: finding.ServerFull, sqlstate: "53300", routine: "ProcessStartupPacket"},
		{id: "SRV-05", code: finding.ServerShuttingDown, sqlstate: "57P01", oneOf: endedCauses()},
		{id: "SRV-04", code: finding.ServerRecovering, sqlstate: "57P02"},
		{id: "REP-02", code: finding.PreReplicationRole, sqlstate: "42501", routine: "InitPostgres",
			when: func(c Circumstances) bool { return c.Replication != "" }},
		{id: "AUTH-09", code: finding.AuthUserFormat, sqlstate: "28000", routine: "ProcessStartupPacket",
			args: finding.Args{"reason": "empty"}},
		{id: "TLS-14", code: finding.TLSClientCertificateRequired, sqlstate: "28000", routine: "ClientAuthentication"},
		{id: "AUTH-01", code: finding.AuthFailed, sqlstate: "28P01", oneOf: passwordCauses()},
	}
}

// wordings are PostgreSQL's English texts from 9.5 to 18, and libpq's own.
func wordings() []signature {
	return append(accountWordings(), serverWordings()...)
}

func accountWordings() []signature {
	return []signature{
		{id: "AUTH-04", code: finding.AuthRoleMissing, sqlstate: "28000", pattern: `(?:role|user) "(.*)" does not exist`,
			capture: "user"},
		{id: "AUTH-05", code: finding.AuthRoleCannotLogin, sqlstate: "28000",
			pattern: `role "(.*)" is not permitted to log in`, capture: "user"},
		{id: "AUTH-11", code: finding.AuthFailed, sqlstate: "28000", capture: "method", oneOf: directoryCauses(),
			pattern: `(PAM|LDAP|RADIUS|BSD) authentication failed for user`},
		{id: "AUTH-11", code: finding.AuthMethodUnsupported, sqlstate: "28000", capture: "method",
			pattern: `(GSSAPI|SSPI|Ident|Peer|OAuth bearer) authentication failed for user`},
		{id: "AUTH-01", code: finding.AuthFailed, sqlstate: "28P01", oneOf: passwordCauses(),
			pattern: `password authentication failed for user "(.*)"`, capture: "user"},
		{id: "AUTH-03", code: finding.CredentialUnavailable, pattern: `no password supplied`,
			args: finding.Args{"reason": "empty"}},
		{id: "AUTH-06", code: finding.DatabaseMissing, sqlstate: "3D000", pattern: `database "(.*)" does not exist`,
			capture: "database"},
		{id: "AUTH-07", code: finding.DatabaseNoConnectPrivilege, sqlstate: "42501", routine: "CheckMyDatabase",
			pattern: `permission denied for database "(.*)"`, capture: "database"},
		{id: "AUTH-08", code: finding.DatabaseNotAccepting, sqlstate: "55000", capture: "database",
			pattern: `database "(.*)" is not currently accepting connections`},
		{id: "AUTH-08", code: finding.DatabaseNotAccepting, sqlstate: "55000", capture: "database",
			pattern: `cannot connect to invalid database "(.*)"`, args: finding.Args{"invalid": true}},
		{id: "AUTH-09", code: finding.AuthUserFormat, sqlstate: "28000", args: finding.Args{"reason": "empty"},
			pattern: `no PostgreSQL user name specified`},
		{id: "AUTH-10", code: finding.AuthMethodUnsupported, capture: "method",
			pattern: `authentication method (\d+) not supported|SCRAM authentication requires libpq`},
		{id: "REP-02", code: finding.PreReplicationRole, sqlstate: "42501",
			pattern: `replication role to start walsender|permission denied to start WAL sender`, when: mayReplicate},
	}
}

// mayReplicate leaves out what only a replication login can meet; a pasted text (no host) may come from one.
func mayReplicate(c Circumstances) bool { return c.Replication != "" || c.Host == "" }

// directoryCauses are what a login that PostgreSQL has checked elsewhere (PAM, LDAP, RADIUS) may fail by.
func directoryCauses() []string {
	return []string{"wrong_password", "unknown_to_directory", "directory_unreachable"}
}

// endedCauses are what 57P01 during a login may come from.
func endedCauses() []string { return []string{"shutting_down", "ended_by_administrator"} }

func serverWordings() []signature {
	return []signature{
		{id: "SRV-04", code: finding.ServerRecovering, sqlstate: "57P03", pattern: `not yet accepting connections`},
		{id: "SRV-04", code: finding.ServerRecovering, sqlstate: "57P03", pattern: `is in recovery mode`},
		{id: "SRV-01", code: finding.ServerStarting, sqlstate: "57P03", pattern: `is starting up`},
		{id: "SRV-02", code: finding.ServerShuttingDown, sqlstate: "57P03", pattern: `is shutting down`},
		{id: "SRV-03", code: finding.ServerStandby, sqlstate: "57P03", pattern: `system is not accepting connections`},
		{id: "SRV-05", code: finding.ServerShuttingDown, sqlstate: "57P01", oneOf: endedCauses(),
			pattern: `terminating connection due to administrator command`},
		{id: "SRV-06", code: finding.ServerFull, sqlstate: "53300", pattern: `too many clients already`},
		{id: "SRV-07", code: finding.ServerFullReserved, sqlstate: "53300",
			pattern: `remaining connection slots are reserved`},
		{id: "SRV-08", code: finding.RoleConnectionLimit, sqlstate: "53300", capture: "user",
			pattern: `too many connections for role "(.*)"`},
		{id: "SRV-08", code: finding.DatabaseConnectionLimit, sqlstate: "53300", capture: "database",
			pattern: `too many connections for database "(.*)"`},
	}
}

// leftOpen are SQLSTATEs whose causes only the wording tells apart, met in a wording that nobody knows. Each takes the
// code that holds for all of its causes, and names them.
func leftOpen() []signature {
	return []signature{
		// A password's own methods are refused as 28P01: this is one that PostgreSQL asks of others.
		{id: "AUTH-11", code: finding.AuthFailed, sqlstate: "28000", routine: "auth_failed", oneOf: directoryCauses(),
			args: finding.Args{"method": "external"}},
		{id: "AUTH-05", code: finding.AuthRoleCannotLogin, sqlstate: "28000", routine: "InitializeSessionUserId",
			oneOf: []string{"role_missing", "role_without_login"}},
		{id: "SRV-01", code: finding.ServerStarting, sqlstate: "57P03",
			oneOf: []string{"starting_up", "shutting_down", "in_recovery", "standby_without_hot_standby"}},
		{id: "SRV-06", code: finding.ServerFull, sqlstate: "53300",
			oneOf: []string{"max_connections", "reserved_slots", "role_limit", "database_limit"}},
		{id: "SRV-11", code: finding.ServerPooler, sqlstate: "08P01", unsigned: true},
	}
}
