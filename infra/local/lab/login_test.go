package lab

import (
	"fmt"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const labPassword = "lab-password"

// sourceSetting names the source's password, so that a wrong one there is right at the target.
const sourceSetting = "LAB_SOURCE_PASSWORD"

// quietDirectory is an LDAP server that accepts and then says nothing; nobody listens on the port before it.
const quietDirectory = secondAddress + ":1390"

// accountLines is a pg_hba.conf with every kind of line that PostgreSQL 15 has on Linux.
func accountLines() []string {
	return []string{
		"hostssl all tlsonly 10.77.0.0/16 scram-sha-256",
		"hostnossl all plainonly 10.77.0.0/16 scram-sha-256",
		"hostnossl all cloudlike all reject", "hostssl all cloudlike all scram-sha-256",
		"hostssl all tlsrejected all reject", "hostnossl all tlsrejected all scram-sha-256",
		"host all rejected all reject",
		"host replication replicator all scram-sha-256",
		"hostssl all certonly all cert", "hostssl all certful all scram-sha-256 clientcert=verify-ca",
		"host all trusted,ghost_trusted,sleeper_trusted all trust",
		"host all weak all md5", "host all plainer all password", "host all \"o'brien $(id)\" all scram-sha-256",
		"host all directory all " + ldap(1389),
		"host all slow all " + ldap(1390),
		"host all pluggable all pam", "host all kerberos all gss", "host all identified all ident",
		"host all natted 10.77.1.0/24 scram-sha-256", "host all elsewhere 10.88.0.0/16 scram-sha-256",
		"host all few,migrator,ghost,nopass,expired,sleeper,limited,loading all scram-sha-256",
	}
}

func accountSQL() []string {
	var sql []string
	for _, name := range []string{"migrator", "tlsonly", "plainonly", "cloudlike", "tlsrejected", "rejected",
		"replicator",
		"certonly", "certful", "trusted", "plainer", "directory", "slow", "pluggable", "kerberos", "identified",
		"natted",
		"elsewhere", "expired", "limited", "loading", "nohba", "few", `"o'brien $(id)"`} {
		sql = append(sql, "create role "+name+" login password '"+labPassword+"'")
	}
	return append(sql, "create role sleeper password '"+labPassword+"'", "create role sleeper_trusted",
		"create role nopass login", "alter role expired valid until '2001-01-01'",
		"alter role limited connection limit 0",
		"alter role replicator replication", "alter role loading set session_preload_libraries = 'gone'",
		"set password_encryption = 'md5'; create role weak login password '"+labPassword+"'",
		"set password_encryption = 'scram-sha-256'; alter role few set log_min_messages = 'debug1'",
		"create database orders", "create database locked", "revoke connect on database locked from public",
		"create database closed allow_connections false", "create database busy connection limit 0",
		`create database "Größe 1"`)
}

// ldap is the method of a line that asks a directory on the source's second address.
func ldap(port int) string {
	return fmt.Sprintf(`ldap ldapserver=%s ldapport=%d ldapprefix=uid= ldapsuffix=",dc=lab"`, secondAddress, port)
}

// newAccounts is the server with every kind of account.
func (b *bench) newAccounts() *database {
	d := once(b, "accounts", func() (*database, error) {
		return b.startDatabase(b.source, postgres.Options{Port: accountPort, HBA: accountLines(), Init: accountSQL(),
			Settings: map[string]string{"ssl_ca_file": "root.crt"}})
	})
	d.mark()
	return d
}

// account is a login at the server with every kind of account.
type account struct {
	name, ids      string
	user, database string
	mode           request.TLSMode
	// untrusted leaves the app without the lab's root.
	untrusted bool
	password  string
	arrange   func(*bench)
	request   func(*request.Check)
	want      finding.Code
	also      []finding.Code
	verdict   report.Verdict
	args      finding.Args
	// says is what the first finding's words must hold; every command is among them.
	says []string
	// sees is what the evidence must hold, as JSON.
	sees []string
	// connections that the server must have seen; 0 means one.
	connections int
	// failures is how often the server counted a wrong password, refusals a failed login for whatever reason; 0 means
	// that one at most may be.
	failures, refusals int
}

func (a account) situation() situation {
	return situation{name: a.name, ids: a.ids, want: a.want, also: a.also, verdict: a.verdict, args: a.args,
		arrange: func(b *bench) {
			b.newAccounts()
			b.newTarget()
			b.order.Secrets[sourceSetting] = labPassword
			if a.password != "" {
				b.order.Secrets[sourceSetting] = a.password
			}
			if a.arrange != nil {
				a.arrange(b)
			}
		},
		request: func(c *request.Check) {
			loginAt(accountPort)(c)
			change(&c.Source.User, a.user)
			change(&c.Source.TLS.Mode, a.mode)
			if a.database != "" {
				c.Source.Databases = []string{a.database}
			}
			if a.untrusted {
				c.Source.TLS.RootsSetting = ""
			}
			if a.request != nil {
				a.request(c)
			}
		},
		after: func(b *bench, o *outcome) {
			o.says(a.says...)
			for _, text := range a.sees {
				if !strings.Contains(string(o.answer.raw), text) {
					o.fault("the evidence lacks %s", text)
				}
			}
			// The default is quiet: a login that works leaves no line that anybody would have to look at.
			quiet := a.verdict == report.Ready || a.verdict == report.ReadyWithWarnings || a.want == ""
			b.kept["accounts"].(*database).expect(o, "the source",
				traces{connections: max(a.connections, 1), failures: a.failures, refusals: a.refusals, quiet: quiet})
			b.kept["target"].(*database).expect(o, "the target", traces{connections: 1, quiet: true})
		}}
}

func seconds(n int) func(*request.Check) { return func(c *request.Check) { c.TimeoutSeconds = n } }

func change[T ~string](value *T, to T) {
	if to != "" {
		*value = to
	}
}

// loginAt is a request that logs in at both ends: at the source's port, and at the target's healthy server.
func loginAt(port int) func(*request.Check) {
	return func(c *request.Check) {
		// Patient, since a busy machine's PostgreSQL takes its time; what is to time out sets less.
		c.Depth, c.TimeoutSeconds = request.DepthLogin, 20
		c.Source.Port, c.Target.Port = port, accountPort
		c.Source.Databases, c.Target.Databases = []string{"orders"}, []string{"postgres"}
		for _, e := range []*request.Endpoint{&c.Source, &c.Target} {
			e.User, e.Credential = "migrator", request.Credential{Setting: passwordSetting}
		}
		c.Source.Credential.Setting = sourceSetting
	}
}

// says holds the words of the first finding against what they must tell.
func (o *outcome) says(texts ...string) {
	r := o.answer.Report
	all := r.Headline
	if len(r.Findings) > 0 {
		f := r.Findings[0]
		all += "\n" + f.Title + "\n" + f.Detail + "\nowner " + string(f.Owner)
		for _, cause := range f.Causes {
			all += "\n" + cause.Text + " " + cause.Confirm
		}
		for _, remedy := range f.Remedy {
			all += "\n" + remedy.Text + " " + remedy.Command
		}
	}
	if strings.Contains(all, "..") {
		o.fault("ends a sentence twice: %s", all)
	}
	for _, text := range texts {
		unwanted, negated := strings.CutPrefix(text, "not: ")
		switch {
		case negated && strings.Contains(all, unwanted):
			o.fault("says %q: %s", unwanted, all)
		case !negated && !strings.Contains(all, text):
			o.fault("does not say %q: %s", text, all)
		}
	}
}

func accountSituations() []situation {
	var all []situation
	for _, a := range slicesOf(healthyAccounts(), lineAccounts(), methodAccounts(), roleAccounts(),
		databaseAccounts()) {
		all = append(all, a.situation())
	}
	return all
}

func slicesOf[T any](groups ...[]T) []T {
	var all []T
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}

func healthyAccounts() []account {
	return []account{
		{name: "login: SCRAM bound to the certificate", user: "migrator", sees: []string{
			`"authUsed":"scram-sha-256-plus"`, `"channelBinding":"tls-server-end-point"`, `"serverProved":true`,
			`"seenAs":"` + vantageAddress + `"`}},
		{name: "login: SCRAM without TLS", user: "few", mode: request.TLSDisable, sees: []string{
			`"authUsed":"scram-sha-256"`, `"tls":false`}},
		{name: "login: verify-ca", mode: request.TLSVerifyCA}, {name: "login: require", mode: request.TLSRequire},
		{name: "login: names that need quoting", user: "o'brien $(id)", database: "Größe 1"},
		{name: "login: from behind NAT, admitted all the same", arrange: (*bench).masquerade,
			sees: []string{`"seenAs":"` + routerAddress + `"`}},
		{name: "login: hostssl line only, with TLS", user: "tlsonly"},
		{name: "login: hostnossl line only, without TLS", user: "plainonly", mode: request.TLSDisable},
	}
}

// masquerade hides the vantage behind the router's address, as a NAT gateway does.
func (b *bench) masquerade() {
	b.router.filtered = true
	must(b.router.Run("table ip lab_nat {\nchain rules {\ntype nat hook postrouting priority 100\n"+
		"oifname \"source\" masquerade\n}\n}\n", "nft", "-f", "-"))
}

const routerAddress = "10.77.3.1"

func lineAccounts() []account {
	plain, requireTLS := request.TLSDisable, request.TLSRequire
	return []account{
		{name: "HBA: hostssl lines only, without TLS", ids: "HBA-01", user: "tlsonly", mode: plain, connections: 2,
			want: finding.HBATLSRequired, args: finding.Args{"otherAttempt": "admitted", "seenAs": vantageAddress,
				"tls": false},
			says: []string{"only with TLS", "tls.mode require", "no firewall fault"}},
		{name: "HBA: reject line for no TLS, as Cloud SQL has it", ids: "HBA-01", user: "cloudlike", mode: plain,
			connections: 2,
			want:        finding.HBATLSRequired, args: finding.Args{"rejected": true, "otherAttempt": "admitted"}},
		{name: "HBA: no line for the user, with TLS", ids: "HBA-02", user: "nohba",
			want: finding.HBAAddressNotAllowed, args: finding.Args{"seenAs": vantageAddress, "user": "nohba",
				"encrypted": true},
			says: []string{"hostssl orders nohba 10.77.1.4/32 scram-sha-256", "owner source_dba"}},
		{name: "HBA: no line for the user, without TLS", ids: "HBA-02", user: "nohba", mode: plain, connections: 2,
			refusals: 2, want: finding.HBAAddressNotAllowed, args: finding.Args{"otherAttempt": "HBA_ADDRESS_NOT_ALLOWED"}},
		{name: "HBA: no line for the address", ids: "HBA-02", user: "elsewhere", mode: requireTLS,
			want: finding.HBAAddressNotAllowed, args: finding.Args{"seenAs": vantageAddress}},
		{name: "HBA: hostnossl lines only, with TLS", ids: "HBA-02", user: "plainonly",
			want: finding.HBAAddressNotAllowed, args: finding.Args{"encrypted": true}, says: []string{"hostnossl"}},
		{name: "HBA: NAT, seen as the gateway", ids: "HBA-05", user: "natted",
			arrange: (*bench).masquerade,
			want:    finding.HBAAddressNotAllowed, args: finding.Args{"seenAs": routerAddress},
			says: []string{"does not admit " + routerAddress, routerAddress + "/32", "NAT"}},
		{name: "HBA: NAT, without TLS", ids: "HBA-05", user: "tlsonly", mode: plain, connections: 2,
			arrange: (*bench).masquerade, want: finding.HBATLSRequired, args: finding.Args{"seenAs": routerAddress}},
		{name: "HBA: reject line, with TLS", ids: "HBA-03", user: "rejected", want: finding.HBARejected,
			says: []string{"explicit line"}},
		{name: "HBA: reject line, without TLS", ids: "HBA-03", user: "rejected", mode: plain, connections: 2,
			refusals: 2, want: finding.HBARejected, args: finding.Args{"otherAttempt": "HBA_REJECTED"}},
		{name: "HBA: reject line for TLS only", ids: "HBA-03", user: "tlsrejected",
			want: finding.HBARejected},
		{name: "HBA: a line for physical replication only", ids: "HBA-10", user: "replicator",
			want: finding.HBAAddressNotAllowed},
		{name: "HBA: method cert", ids: "TLS-14", user: "certonly", want: finding.TLSClientCertificateRequired,
			says: []string{"client certificate"}},
		{name: "HBA: option clientcert", ids: "TLS-14", user: "certful", want: finding.TLSClientCertificateRequired},
	}
}

func methodAccounts() []account {
	return []account{
		{name: "method: md5", user: "weak", want: finding.AuthMethodWeak, verdict: report.Ready,
			args: finding.Args{"method": "md5"}, says: []string{"md5"}},
		{name: "method: trust", user: "trusted", want: finding.AuthTrust, verdict: report.ReadyWithWarnings,
			says: []string{"without a password", vantageAddress}},
		{name: "method: trust, wrong password", user: "trusted", password: "wrong", want: finding.AuthTrust,
			verdict: report.ReadyWithWarnings, says: []string{"not tested"}},
		{name: "method: password, verified", ids: "AUTH-11", user: "plainer", want: finding.AuthMethodWeak,
			verdict: report.Ready, args: finding.Args{"method": "password"}},
		{name: "method: password, not verified", ids: "AUTH-11", user: "plainer", mode: request.TLSRequire,
			untrusted: true,
			want:      finding.AuthCleartextRefused, also: []finding.Code{finding.TLSUntrusted},
			says: []string{"it was not sent", "verify-full"}},
		{name: "method: password, without TLS", ids: "AUTH-11", user: "plainer", mode: request.TLSDisable,
			want: finding.AuthCleartextRefused, says: []string{"without encryption"}},
		{name: "method: password, wrong", ids: "AUTH-01", user: "plainer", password: "wrong", want: finding.AuthFailed,
			failures: 1, says: []string{"one of"}},
		{name: "method: ldap, directory down", ids: "AUTH-11", user: "directory", want: finding.AuthFailed,
			args: finding.Args{"method": "LDAP"}, says: []string{"LDAP", "one of", "not: role without a password"}},
		{name: "method: ldap, directory silent", ids: "AUTH-11", user: "slow", want: finding.LoginStalled,
			request: seconds(5),
			arrange: func(b *bench) { b.source.serveOn(quietDirectory, wait) },
			says:    []string{"LDAP"}},
		{name: "method: ldap, not verified", ids: "AUTH-11", user: "directory", mode: request.TLSDisable,
			want: finding.AuthCleartextRefused},
		// PAM waits two seconds before it says no.
		{name: "method: pam", ids: "AUTH-11", user: "pluggable", want: finding.AuthFailed,
			args: finding.Args{"method": "PAM"},
			says: []string{"one of wrong password, user unknown to PAM"}},
		{name: "method: gss", ids: "AUTH-11", user: "kerberos", want: finding.AuthMethodUnsupported,
			args: finding.Args{"method": "gss"}, says: []string{"gss", "scram-sha-256"}},
		{name: "method: ident", ids: "AUTH-11", user: "identified", want: finding.AuthMethodUnsupported,
			args: finding.Args{"method": "Ident"}},
	}
}

func roleAccounts() []account {
	return []account{
		{name: "role: wrong password", ids: "AUTH-01", password: "wrong", want: finding.AuthFailed, failures: 1,
			says: []string{"one of wrong", "ALTER ROLE \"migrator\"", "owner source_dba"}},
		{name: "role: wrong password, without TLS", ids: "AUTH-01", password: "wrong", mode: request.TLSDisable,
			want: finding.AuthFailed, failures: 1, says: []string{"one of wrong", "not: TLS"}},
		{name: "role: wrong password, hostssl only", ids: "AUTH-02", user: "tlsonly", password: "wrong",
			want: finding.AuthFailed, failures: 1, says: []string{"not: only with TLS"}},
		{name: "role: unknown", ids: "AUTH-01", user: "ghost", want: finding.AuthFailed, failures: 1,
			says: []string{"one of wrong"}},
		{name: "role: without a password", ids: "AUTH-01", user: "nopass", want: finding.AuthFailed, failures: 1},
		{name: "role: password run out", ids: "AUTH-01", user: "expired", want: finding.AuthFailed, failures: 1,
			says: []string{"expired"}},
		{name: "role: unknown, on a trust line", ids: "AUTH-04", user: "ghost_trusted", want: finding.AuthRoleMissing,
			says: []string{"CREATE ROLE \"ghost_trusted\""}},
		{name: "role: may not log in", ids: "AUTH-05", user: "sleeper", want: finding.AuthRoleCannotLogin,
			says: []string{"ALTER ROLE \"sleeper\" WITH LOGIN"}},
		{name: "role: may not log in, on a trust line", ids: "AUTH-05", user: "sleeper_trusted",
			want: finding.AuthRoleCannotLogin},
		{name: "role: connection limit", ids: "SRV-08", user: "limited", want: finding.RoleConnectionLimit,
			says: []string{"ALTER ROLE \"limited\" CONNECTION LIMIT"}},
		{name: "role: a library of its own that is gone", user: "loading", want: finding.ServerError,
			args: finding.Args{"sqlstate": "58P01"}, says: []string{"SQLSTATE 58P01", "could not access file"}},
	}
}

func databaseAccounts() []account {
	return []account{
		{name: "database: missing", ids: "AUTH-06", database: "ordres", want: finding.DatabaseMissing,
			says: []string{"no database ordres", "pg_database"}},
		{name: "database: another case", ids: "AUTH-06", database: "Orders", want: finding.DatabaseMissing},
		{name: "database: no CONNECT privilege", ids: "AUTH-07", database: "locked",
			want: finding.DatabaseNoConnectPrivilege,
			says: []string{"GRANT CONNECT ON DATABASE \"locked\" TO \"migrator\""}},
		{name: "database: takes no connections", ids: "AUTH-08", database: "closed", want: finding.DatabaseNotAccepting,
			says: []string{"ALTER DATABASE \"closed\""}},
		{name: "database: template0", ids: "AUTH-08", database: "template0", want: finding.DatabaseNotAccepting,
			says: []string{"template0"}},
		{name: "database: connection limit", ids: "SRV-08", database: "busy", want: finding.DatabaseConnectionLimit,
			says: []string{"ALTER DATABASE \"busy\" CONNECTION LIMIT"}},
	}
}
