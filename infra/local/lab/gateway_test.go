package lab

import (
	"crypto/tls"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// spoken is a server that PostgreSQL 15 cannot play: it says the recorded words of a cloud's gateway, of another
// version, of a pooler.
type spoken struct {
	name, ids string
	// host is its name; empty means the source's own. organization signs its certificate.
	host, organization string
	// atTarget puts it at the other end; the source is then healthy, and both are public.
	atTarget bool
	says     speech
	user     string
	mode     request.TLSMode
	entra    bool
	port     int
	request  func(*request.Check)
	want     finding.Code
	also     []finding.Code
	verdict  report.Verdict
	args     finding.Args
	words    []string
}

// scriptedPort is where scripted servers listen, unless they play PgBouncer.
const scriptedPort = 5435

func (s spoken) situation() situation {
	port := max(s.port, scriptedPort)
	if s.atTarget {
		return s.target(port)
	}
	return situation{name: s.name, ids: s.ids, want: s.want, also: s.also, verdict: s.verdict, args: s.args,
		arrange: func(b *bench) {
			b.newTarget()
			b.order.Secrets[sourceSetting], b.order.Secrets[""] = labPassword, "a.b.c" // a token has no setting
			config := b.certs.healthy()
			if s.host != "" {
				config = b.cloudTLS(s.organization, s.host)
				b.resolver.Set(s.host, addresses(sourceAddress))
				if s.host == singleHost {
					b.resolver.Set(s.host, addresses(publicSource))
				}
			}
			b.source.serve(port, speaks(config, s.says))
		},
		request: func(c *request.Check) {
			loginAt(port)(c)
			if s.host != "" {
				c.Source.Host = s.host
				c.Scenario.Source.Kind = ""
				if s.host == singleHost {
					c.Scenario.Source.Access = request.Public
				}
			}
			change(&c.Source.User, s.user)
			change(&c.Source.TLS.Mode, s.mode)
			if s.entra {
				c.Source.Credential = request.Credential{Entra: true}
			}
			if s.request != nil {
				s.request(c)
			}
		},
		after: func(b *bench, o *outcome) {
			o.says(s.words...)
			b.kept["target"].(*database).expect(o, "the target", traces{connections: 1, quiet: true})
		}}
}

// target is the situation at the target: a flexible server with public access.
func (s spoken) target(port int) situation {
	return situation{name: s.name, ids: s.ids, want: s.want, leg: "target", also: s.also, args: s.args,
		arrange: func(b *bench) {
			b.newAccounts()
			b.order.Secrets[sourceSetting], b.order.Secrets[""] = labPassword, "a.b.c"
			b.names(addresses(publicSource))
			b.resolver.Set(s.host, addresses(publicTarget))
			b.target.serve(port, speaks(b.cloudTLS(s.organization, s.host), s.says))
		},
		request: func(c *request.Check) {
			loginAt(accountPort)(c)
			c.Scenario.Source.Access, c.Scenario.Target.Access = request.Public, request.Public
			c.Target.Host, c.Target.Port = s.host, port
			change(&c.Target.User, s.user)
			change(&c.Target.TLS.Mode, s.mode)
			if s.entra {
				c.Target.Credential = request.Credential{Entra: true}
			}
		},
		after: func(b *bench, o *outcome) {
			o.says(s.words...)
			b.kept["accounts"].(*database).expect(o, "the source", traces{connections: 1, quiet: true})
		}}
}

// The clouds' names and who signs for them.
const (
	singleHost   = "orders.postgres.database.azure.com"
	flexibleHost = "pg-new.postgres.database.azure.com"
	rdsHost      = "orders.abc123.eu-west-1.rds.amazonaws.com"
	rdsProxyHost = "orders.proxy-abc123.eu-west-1.rds.amazonaws.com"
	sqlHost      = "abc.def.eu-west1.sql.goog"
	microsoft    = "Microsoft Corporation"
	amazon       = "Amazon"
	google       = "Google, Inc"
)

const (
	noLinePlain = `no pg_hba.conf entry for host "20.77.1.4", user "migrator", database "orders", no encryption`
	noLineTLS   = `no pg_hba.conf entry for host "20.77.1.4", user "migrator", database "orders", SSL encryption`
)

func inSituations(all []spoken) []situation {
	var out []situation
	for _, s := range all {
		out = append(out, s.situation())
	}
	return out
}

func gatewaySituations() []situation {
	return inSituations(slicesOf(singleServers(), flexibleServers(), entraServers(), otherClouds(), otherVersions()))
}

func singleServers() []spoken {
	at := func(s spoken) spoken { s.host, s.organization = singleHost, microsoft; return s }
	return []spoken{
		at(spoken{name: "Single Server: plain user name", ids: "HBA-08", want: finding.AuthUserFormat,
			says: fatal("28000", "Invalid Username specified. Please check the Username and retry connection. "+
				"The Username should be in <username@hostname> format."),
			args: finding.Args{"expected": "migrator@orders"}, words: []string{"migrator@orders"}}),
		at(spoken{name: "Single Server: %40 in the user name", ids: "HBA-08", want: finding.AuthUserFormat,
			user: "migrator%40orders",
			says: fatal("28000", "Invalid Username specified. Please check the Username and retry connection. "+
				"The Username should be in <username@hostname> format."),
			args: finding.Args{"expected": "migrator@orders"}}),
		at(spoken{name: "Single Server: without TLS", ids: "TLS-20", want: finding.HBATLSRequired,
			mode: request.TLSDisable,
			user: "migrator@orders", says: fatal("28000",
				"SSL connection is required. Please specify SSL options and retry."),
			words: []string{"without TLS", "tls.mode require"}}),
		at(spoken{name: "Single Server: no rule for the virtual network", ids: "HBA-02",
			want: finding.HBAAddressNotAllowed,
			user: "migrator@orders", says: fatal("28000",
				"Client from Azure Virtual Networks is not allowed to access the server. "+
					"Please make sure your Virtual Network is correctly configured."),
			args:  finding.Args{"virtualNetworkRule": true},
			words: []string{"does not admit this virtual network", "vnet-rule create", "not: pg_hba.conf"}}),
		at(spoken{name: "Single Server: service endpoint, IPv6", ids: "HBA-07", want: finding.AzureServiceEndpointIPv6,
			user: "migrator@orders", says: fatal("28000", "Server isn't configured to allow ipv6 connections"),
			words: []string{"Microsoft.Sql", "owner azure_network"}}),
		at(spoken{name: "Single Server: wrong password, right name", ids: "AUTH-01", want: finding.AuthFailed,
			user: "migrator@orders", says: first(scramStart, fatal("28P01",
				`password authentication failed for user "migrator@orders"`))}),
		at(spoken{name: "Single Server's gateway: open port, no word", ids: "NET-09", want: finding.PeerClosed,
			user: "migrator@orders", says: func(*speaker) {},
			words: []string{"closes the connection during the login"}}),
	}
}

// scramStart asks for SCRAM and lets the client answer.
func scramStart(s *speaker) { scram(flaws{skipsProof: true})(s) }

func flexibleServers() []spoken {
	at := func(s spoken) spoken { s.host, s.organization, s.atTarget = flexibleHost, microsoft, true; return s }
	return []spoken{
		at(spoken{name: "flexible server: no firewall rule", ids: "HBA-02", want: finding.HBAAddressNotAllowed,
			says: fatalIn("ClientAuthentication", "28000", noLineTLS), args: finding.Args{"seenAs": "20.77.1.4"},
			words: []string{"firewall-rule create", "--start-ip-address 20.77.1.4", "NAT",
				"not: SELECT pg_reload_conf"}}),
		at(spoken{name: "flexible server: require_secure_transport", ids: "HBA-01", want: finding.HBATLSRequired,
			mode: request.TLSDisable, says: tlsOnly, words: []string{"require_secure_transport", "only with TLS"}}),
		at(spoken{name: "flexible server: no firewall rule, without TLS", ids: "HBA-02",
			want: finding.HBAAddressNotAllowed,
			mode: request.TLSDisable, says: lineless, args: finding.Args{"otherAttempt": "HBA_ADDRESS_NOT_ALLOWED"}}),
		at(spoken{name: "flexible server: public access disabled", ids: "HBA-06",
			want: finding.AzurePublicAccessDisabled,
			says: fatal("28000",
				"The public network access on this server is disabled. Use the Private Endpoint inside your "+
					"virtual network to connect."), words: []string{"public access disabled", "owner dns_admin",
				"privatelink"}}),
		at(spoken{name: "flexible server: user@server of an old connection string", ids: "HBA-09",
			want: finding.AuthUserFormat,
			user: "migrator@pg-new", says: first(scramStart, fatalIn("auth_failed", "28P01",
				`password authentication failed for user "migrator@pg-new"`)),
			args:  finding.Args{"expected": "migrator"},
			words: []string{"Write the user as migrator."}}),
		at(spoken{name: "flexible server's PgBouncer: wrong password", ids: "SRV-11", want: finding.AuthFailed,
			port:  6432,
			says:  first(cleartext, fatal("08P01", "password authentication failed")),
			words: []string{"one of wrong", "not: pg_hba.conf admits"}}),
	}
}

func encrypted(s *speaker) bool { _, is := s.conn.(*tls.Conn); return is }

// tlsOnly refuses without TLS and goes on with it.
func tlsOnly(s *speaker) {
	if !encrypted(s) {
		fatalIn("ClientAuthentication", "28000", noLinePlain)(s)
		return
	}
	behaves(s)
}

// lineless refuses either way, each with its own words.
func lineless(s *speaker) {
	if encrypted(s) {
		fatalIn("ClientAuthentication", "28000", noLineTLS)(s)
		return
	}
	fatalIn("ClientAuthentication", "28000", noLinePlain)(s)
}

func entraServers() []spoken {
	refuses := func(name, ids, text string, want finding.Code, words ...string) spoken {
		return spoken{name: "Entra: " + name, ids: ids, host: flexibleHost, organization: microsoft, atTarget: true,
			entra: true, want: want,
			says: first(cleartext, fatal("28P01", text)), words: append(words, "not: a.b.c")}
	}
	pooled := refuses("token through PgBouncer", "ENT-07", "", finding.EntraPooler, "5432")
	pooled.port, pooled.says = 6432, first(cleartext, fatal("08P01", "password authentication failed"))
	unexplained := refuses("no reason given", "AUTH-01", `password authentication failed for user "migrator"`,
		finding.AuthFailed,
		"one of token not accepted", "not: ALTER ROLE")
	return []spoken{
		refuses("token for another resource", "ENT-01",
			"The access token does not have a valid audience claim. Please acquire a "+
				`new token for the resource "https://ossrdbms-aad.database.windows.net".`, finding.EntraTokenAudience,
			"oss-rdbms"),
		refuses("token not valid", "ENT-02",
			"An error occurred while validating the access token. Please acquire a new token and retry",
			finding.EntraTokenInvalid),
		refuses("service principal for a user's role", "ENT-03",
			"Service Principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role[migrator]",
			finding.EntraPrincipalMismatch),
		refuses("group not in the token", "ENT-04",
			"Azure AD access token not valid for role migrator (does not contain group ID "+
				"00000000-0000-0000-0000-000000000000)", finding.EntraGroup, "az ad group member add"),
		refuses("principal of another tenant", "ENT-05",
			"Could not validate AAD user 0000 because its name is not found in the tenant",
			finding.EntraPrincipalMismatch),
		refuses("token expired", "ENT-06", "Azure AD access token expired: AAD_AUTH_EXPIRED (18456/108)",
			finding.EntraTokenExpired),
		refuses("token's signature", "ENT-06", "Azure AD token signature invalid (18456/112)",
			finding.EntraTokenInvalid, "signature"),
		pooled, unexplained,
	}
}

func otherClouds() []spoken {
	at := func(host, organization string, s spoken) spoken {
		s.host, s.organization = host, organization
		return s
	}
	return []spoken{
		at(rdsHost, amazon, spoken{name: "RDS: rds.force_ssl", ids: "HBA-01", want: finding.HBATLSRequired,
			mode: request.TLSDisable,
			says: tlsOnly, words: []string{"rds.force_ssl", "not: pg_hba.conf has only"}}),
		at(rdsHost, amazon, spoken{name: "RDS: database rdsadmin", ids: "HBA-03", want: finding.HBARejected,
			says: fatalIn("ClientAuthentication", "28000",
				`pg_hba.conf rejects connection for host "20.77.1.4", user "migrator", `+
					`database "rdsadmin", SSL encryption`), words: []string{"rdsadmin", "not: SELECT pg_reload_conf"}}),
		at(rdsHost, amazon, spoken{name: "RDS: password for an IAM user", ids: "AUTH-11", want: finding.AuthFailed,
			says: first(cleartext, fatalIn("auth_failed", "28000", `PAM authentication failed for user "migrator"`)),
			args: finding.Args{"method": "PAM"}, words: []string{"rds_iam", "not: ALTER ROLE"}}),
		at(rdsHost, amazon, spoken{name: "RDS: reserved slots", ids: "SRV-07", want: finding.ServerFullReserved,
			says: fatalIn("InitPostgres", "53300",
				"remaining connection slots are reserved for roles with privileges of the "+
					`"rds_reserved" role`), words: []string{"parameter group", "not: ALTER SYSTEM"}}),
		at(rdsProxyHost, amazon, spoken{name: "RDS Proxy: without TLS", ids: "SRV-11", want: finding.HBATLSRequired,
			mode: request.TLSDisable, says: fatal("28000", "This RDS Proxy requires TLS connections"),
			words: []string{"RDS Proxy is set to require TLS"}}),
		at(rdsProxyHost, amazon, spoken{name: "RDS Proxy: says what it is", ids: "SRV-11", want: finding.ServerPooler,
			says:  fatal("28000", "RDS Proxy supports only IAM, MD5, or SCRAM authentication."),
			words: []string{"is a connection pooler", "aws rds describe-db-instances"}}),
		at(sqlHost, google, spoken{name: "Cloud SQL: ENCRYPTED_ONLY", ids: "HBA-01", want: finding.HBATLSRequired,
			mode: request.TLSDisable,
			says: func(s *speaker) {
				if encrypted(s) {
					behaves(s)
					return
				}
				fatalIn("ClientAuthentication", "28000",
					`pg_hba.conf rejects connection for host "20.77.1.4", user "migrator", `+
						`database "orders", no encryption`)(s)
			}, words: []string{"ENCRYPTED_ONLY"}}),
		at(sqlHost, google, spoken{name: "Cloud SQL: TRUSTED_CLIENT_CERTIFICATE_REQUIRED", ids: "TLS-14",
			want: finding.TLSClientCertificateRequired, words: []string{"--ssl-mode=ENCRYPTED_ONLY"},
			says: fatalIn("ClientAuthentication", "28000", "connection requires a valid client certificate")}),
		at(sqlHost, google, spoken{name: "Cloud SQL: password for an IAM user", ids: "AUTH-11",
			want:  finding.AuthFailed,
			says:  first(cleartext, fatal("28000", `Cloud SQL IAM user authentication failed for user "migrator"`)),
			words: []string{"IAM account", "not: ALTER ROLE"}}),
	}
}

func otherVersions() []spoken {
	return []spoken{
		{name: "PostgreSQL 13: SSL off", ids: "HBA-01", want: finding.HBATLSRequired, mode: request.TLSDisable,
			says: func(s *speaker) {
				if encrypted(s) {
					behaves(s)
					return
				}
				fatalIn("ClientAuthentication", "28000",
					`no pg_hba.conf entry for host "10.77.1.4", user "migrator", database "orders", SSL off`)(s)
			}},
		{name: "PostgreSQL 13: SSL on", ids: "HBA-02", want: finding.HBAAddressNotAllowed,
			says: fatalIn("ClientAuthentication", "28000",
				`no pg_hba.conf entry for host "10.77.1.4", user "migrator", database "orders", SSL on`)},
		{name: "German: no line", ids: "HBA-02", want: finding.HBAAddressNotAllowed,
			args: finding.Args{"seenAs": vantageAddress},
			says: fatalIn("ClientAuthentication", "28000",
				"kein pg_hba.conf-Eintrag für Host »10.77.1.4«, Benutzer »migrator«, Datenbank »orders«, SSL-Verschlüsselung")},
		{name: "Japanese: wrong password", ids: "AUTH-01", want: finding.AuthFailed,
			says: first(scramStart, fatalIn("auth_failed", "28P01", "ユーザー\"migrator\"のパスワード認証に失敗しました"))},
		{name: "PostgreSQL 16: reserved slots", ids: "SRV-07", want: finding.ServerFullReserved,
			says: fatalIn("InitPostgres", "53300",
				"remaining connection slots are reserved for roles with the SUPERUSER attribute")},
		{name: "a language that nobody knows: 53300", ids: "SRV-06", want: finding.ServerFull,
			words: []string{"one of max_connections"},
			says:  fatalIn("SomethingNew", "53300", "zupełnie nieznane słowa")},
		{name: "PostgreSQL 14: not consistent yet", ids: "SRV-04", want: finding.ServerRecovering,
			says: fatalIn("ProcessStartupPacket", "57P03", "the database system is not yet accepting connections")},
		{name: "PostgreSQL 17: invalid database", ids: "AUTH-08", want: finding.DatabaseNotAccepting,
			words: []string{"DROP DATABASE"},
			says:  fatalIn("InitPostgres", "55000", `cannot connect to invalid database "orders"`)},
		{name: "TLS ended by a proxy, plain behind it", ids: "HBA-01", want: finding.HBATLSRequired,
			says:  fatalIn("ClientAuthentication", "28000", noLinePlain),
			words: []string{"although TLS was spoken", "not: tls.mode require"}},
		{name: "TLS opened and closed again by a proxy", ids: "TLS-17", want: finding.AuthMethodUnsupported,
			says: first(scramStart, fatalIn("read_client_final_message", "28000",
				"SCRAM channel binding check failed")),
			words: []string{"not the server's own", "not: cannot do"}},
	}
}

func poolerSituations() []situation {
	says := func(name, message string, want finding.Code, words ...string) spoken {
		return spoken{name: "PgBouncer: " + name, ids: "SRV-11", port: 6432, want: want, says: fatal("08P01", message),
			words: words}
	}
	healthy := func(name string, run speech, words ...string) spoken {
		return spoken{name: "pooler: " + name, ids: "SRV-11", port: 6432, want: finding.ServerPooler,
			verdict: report.ReadyWithWarnings, says: run, words: words}
	}
	return inSituations([]spoken{
		says("server down", "server login has been failing, try again later (server_login_retry)", finding.ServerPooler,
			"is a connection pooler"),
		says("waits too long", "query_wait_timeout", finding.ServerPooler),
		says("full", "no more connections allowed (max_client_conn)", finding.ServerPooler, "max_client_conn"),
		says("no such database", "no such database: orders", finding.DatabaseMissing, "pooler",
			"not: The login itself was accepted"),
		says("wants TLS", "SSL required", finding.HBATLSRequired),
		healthy("no key, no address", pooled, "a session without a key", "Replication"),
	})
}
