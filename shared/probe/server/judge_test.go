package server

import (
	"fmt"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// Texts of libpq that PostgreSQL 15 on this machine does not give: other versions, other networks.
func TestJudgeRecordedTexts(t *testing.T) {
	t.Parallel()
	const at = `connection to server at "orders.test" (10.1.2.5), port 5432 failed: `
	rows := []struct {
		name    string
		version int
		detail  string
		want    string
		args    finding.Args
	}{
		{"16, require_auth", 160004, at + `authentication method requirement "none" failed: server requested SASL authentication`,
			"resolve passed, connect passed, tls passed, login passed", nil},
		{"14, no route", 140000, at + "No route to host\n\tIs the server running on that host and accepting TCP/IP connections?",
			"resolve passed, connect TCP_HOST_UNREACHABLE, tls blocked, login blocked",
			finding.Args{"errno": 113, "address": "10.1.2.5"}},
		{"11, refused", 110000, "could not connect to server: Connection refused\n\tIs the server running on host \"orders.test\" " +
			"(10.1.2.5) and accepting\n\tTCP/IP connections on port 5432?",
			"resolve passed, connect TCP_REFUSED, tls blocked, login blocked", finding.Args{"address": "10.1.2.5"}},
		{"11 cannot tell silence from silence", 110000, "timeout expired",
			"resolve passed, connect TCP_TIMEOUT, tls blocked, login blocked",
			finding.Args{"oneOf": []string{"TCP_TIMEOUT", "PEER_SILENT", "LOGIN_STALLED"}, "elapsedMs": 4000.0}},
		{"15 can", 150000, at + "timeout expired", "resolve passed, connect passed, tls PEER_SILENT, login blocked",
			finding.Args{"oneOf": []string{"PEER_SILENT", "TLS_STALLED", "LOGIN_STALLED"}}},
		{"network unreachable", 150000, at + "Network is unreachable\n\tIs the server running?",
			"resolve passed, connect TCP_NETWORK_UNREACHABLE, tls blocked, login blocked", nil},
		{"NXDOMAIN", 150000, `could not translate host name "orders.test" to address: Name or service not known`,
			"resolve DNS_NAME_NOT_FOUND, connect blocked, tls blocked, login blocked",
			finding.Args{"name": "orders.test", "servers": []string{"the resolver of target.test"}}},
		{"no address", 150000, `could not translate host name "orders.test" to address: No address associated with hostname`,
			"resolve DNS_NO_ADDRESS, connect blocked, tls blocked, login blocked", nil},
		{"EAI_AGAIN", 150000, `could not translate host name "orders.test" to address: Temporary failure in name resolution`,
			"resolve DNS_SERVER_FAILURE, connect blocked, tls blocked, login blocked",
			finding.Args{"oneOf": []string{"DNS_SERVER_FAILURE", "DNS_TIMEOUT", "DNS_REFUSED"}}},
		{"two addresses, the last one counts", 150000,
			at + "Connection timed out\n\tIs the server running?\nconnection to server at \"orders.test\" (10.1.2.6), port 5432 failed: " +
				"Connection refused\n\tIs the server running?",
			"resolve passed, connect TCP_REFUSED, tls blocked, login blocked", finding.Args{"address": "10.1.2.6"}},
		{"full", 150000, at + "FATAL:  sorry, too many clients already", "resolve passed, connect passed, tls passed, login SERVER_FULL", nil},
		{"no line", 150000, at + `FATAL:  no pg_hba.conf entry for host "10.9.0.4", user "migrator", database "orders", SSL encryption`,
			"resolve passed, connect passed, tls passed, login HBA_ADDRESS_NOT_ALLOWED", finding.Args{"seenAs": "10.9.0.4"}},
		{"German", 150000, at + `FATAL:  kein pg_hba.conf-Eintrag für Host »10.9.0.4«, Benutzer »migrator«, Datenbank »orders«, SSL-Verschlüsselung`,
			"resolve passed, connect passed, tls passed, login HBA_ADDRESS_NOT_ALLOWED", finding.Args{"seenAs": "10.9.0.4"}},
		{"Azure", 150000, at + "FATAL:  The public network access on this server is disabled. Use the Private Endpoint inside your virtual network to connect.",
			"resolve passed, connect passed, tls passed, login AZURE_PUBLIC_ACCESS_DISABLED", nil},
		{"TLS versions", 150000, at + "SSL error: tlsv1 alert protocol version", "resolve passed, connect passed, tls TLS_VERSION, login blocked", nil},
		{"not TLS", 150000, at + "SSL error: wrong version number", "resolve passed, connect passed, tls TLS_NOT_TLS, login blocked", nil},
		{"alert", 150000, at + "SSL error: sslv3 alert handshake failure", "resolve passed, connect passed, tls TLS_HANDSHAKE, login blocked", nil},
		{"client certificate", 150000, at + "SSL error: tlsv13 alert certificate required",
			"resolve passed, connect passed, tls passed, login TLS_CLIENT_CERTIFICATE_REQUIRED", nil},
		{"reset in the handshake", 150000, at + "SSL SYSCALL error: Connection reset by peer",
			"resolve passed, connect passed, tls TLS_RESET, login blocked", nil},
		{"closed in TLS", 150000, at + "SSL connection has been closed unexpectedly",
			"resolve passed, connect passed, tls PEER_CLOSED, login blocked", nil},
		{"GSS", 150000, at + "authentication method 7 not supported",
			"resolve passed, connect passed, tls passed, login AUTH_METHOD_UNSUPPORTED", finding.Args{"method": "7"}},
		{"nobody knows", 150000, at + "something new", "resolve passed, connect passed, tls passed, login SERVER_ERROR",
			finding.Args{"message": "something new"}},
	}
	for _, row := range rows {
		o := Observation{Phase: PhaseConnect, Extension: ExtensionInstalled, Schema: "public", ServerVersionNum: row.version,
			Method: MethodNoPassword, ConnectMs: 4000, Error: &Error{SQLState: "08001", Detail: row.detail}}
		e := Expect{Asker: "target.test", Host: "orders.test", Port: 5432, TLS: true, Classify: classify}
		steps := Judge(o, e)
		if got := outline(steps); got != row.want {
			t.Errorf("%s: %s", row.name, got)
			continue
		}
		for name, want := range row.args {
			for _, s := range steps {
				if len(s.Findings) > 0 && fmt.Sprint(s.Findings[0].Args[name]) != fmt.Sprint(want) {
					t.Errorf("%s: %s is %v, want %v", row.name, name, s.Findings[0].Args[name], want)
				}
			}
		}
	}
}

// From PostgreSQL 16 on dblink heeds no connect_timeout: silence ends with the statement's limit, and has no text of libpq.
func TestSilenceThatTheStatementsLimitEnded(t *testing.T) {
	t.Parallel()
	for want, encrypted := range map[string]bool{
		"resolve passed, connect passed, tls PEER_SILENT, login blocked":   true,
		"resolve passed, connect passed, tls skipped, login LOGIN_STALLED": false,
	} {
		o := Observation{Phase: PhaseConnect, Extension: ExtensionInstalled, Schema: "public", ServerVersionNum: 170010,
			Method: MethodRequireAuth, ConnectMs: 11000, Error: &Error{SQLState: outOfTime, Message: "canceling statement"}}
		e := Expect{Asker: "target.test", Host: "orders.test", Port: 5432, TLS: encrypted, Classify: classify}
		if got := outline(Judge(o, e)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		o.Phase = PhaseBegin
		if got := Judge(o, e)[0].Findings; len(got) != 1 || got[0].Code != finding.VantageServerNotAsked {
			t.Errorf("before the attempt: %+v", got)
		}
	}
}

func TestJudgeNamesTheMissingRight(t *testing.T) {
	t.Parallel()
	azure := "dblink,hstore"
	refused := func(state, message string, extensions *string) Observation {
		return Observation{Phase: PhaseExtension, Extension: ExtensionNotAllowed, AzureExtensions: extensions,
			Error: &Error{SQLState: state, Message: message}}
	}
	rows := []struct {
		name  string
		o     Observation
		id    string
		right string
	}{
		{"listed, refused all the same", refused("0A000", `extension "dblink" is not allow-listed for "azure_pg_admin" users in `+
			"Azure Database for PostgreSQL", &azure), "EXT-01", "dblink in the server parameter azure.extensions"},
		{"not an admin", refused("42501", `Only members of "azure_pg_admin" are allowed to use CREATE EXTENSION`, &azure),
			"EXT-02", "membership of azure_pg_admin"},
		{"not trusted", refused("42501", `permission denied to create extension "dblink"`, nil), "EXT-04",
			"to create the extension dblink, or dblink created by somebody who may"},
		{"not there", Observation{Phase: PhaseExtension, Extension: ExtensionNotAvailable}, "EXT-03",
			"the package with PostgreSQL's contrib modules"},
	}
	for _, row := range rows {
		steps := Judge(row.o, Expect{Asker: "target.test", Host: "orders.test", Port: 5432, TLS: true, Classify: classify})
		args := steps[0].Findings[0].Args
		if args["id"] != row.id || args["right"] != row.right {
			t.Errorf("%s: %+v", row.name, args)
		}
	}
}

// Whatever the version, no option reaches a libpq that does not know it, and no password is named that is one.
func TestConninfoFitsItsLibpq(t *testing.T) {
	t.Parallel()
	rows := []struct {
		version   int
		superuser bool
		tls       bool
		want      string
	}{
		{90600, true, true, "sslmode='require'"},
		{110000, false, true, "sslmode='verify-ca' password='none'"},
		{110000, false, false, "sslmode='verify-ca' password='none'"},
		{150000, true, false, "sslmode='disable' tcp_user_timeout='4000' gssencmode='disable'"},
		{150000, false, true, "sslmode='verify-ca' tcp_user_timeout='4000' gssencmode='disable' password='none'"},
		{150000, false, false, "sslmode='disable' tcp_user_timeout='4000' gssencmode='disable' channel_binding='require' password='none'"},
		{160000, false, true, "sslmode='require' tcp_user_timeout='4000' gssencmode='disable' require_auth='none' password='none'"},
		{180000, true, true, "sslmode='require' tcp_user_timeout='4000' gssencmode='disable' require_auth='none' password='none'"},
	}
	const always = `host='it\'s' port='5432' user='a\\b' dbname='orders' application_name='pgpreflight' connect_timeout='8' ` +
		"passfile='/nonexistent/pgpreflight' sslcert='/nonexistent/pgpreflight' sslrootcert='/nonexistent/pgpreflight' "
	for _, row := range rows {
		target := Target{Host: "it's", Port: 5432, User: `a\b`, Database: "orders", TLS: row.tls, Patience: 4e9}
		o := Observation{ServerVersionNum: row.version, Superuser: row.superuser}
		o.Method = method(o, target)
		if got := conninfo(o, target); got != always+row.want {
			t.Errorf("%d: %s", row.version, got)
		}
	}
	if got := quoteLiteral(`it's a \`); got != `E'it''s a \\'` {
		t.Errorf("literal %s", got)
	}
}
