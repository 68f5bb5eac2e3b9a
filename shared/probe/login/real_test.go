package login

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// real is a PostgreSQL server with a certificate, and its roots.
type real struct {
	*postgres.Server
	roots *pki.Authority
}

func startReal(t *testing.T, o postgres.Options) real {
	t.Helper()
	if _, err := postgres.Find(); err != nil {
		t.Skip(err)
	}
	roots, err := pki.NewAuthority("test root")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := roots.Issue(pki.Options{CommonName: "db.test", Names: []string{"db.test"}})
	if err != nil {
		t.Fatal(err)
	}
	if o.TLS = &certificate; o.Files == nil {
		o.Files = map[string]string{}
	}
	o.Files["root.crt"] = string(roots.PEM())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server, err := postgres.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return real{Server: server, roots: roots}
}

func (r real) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (r real) dialTLS(t *testing.T) net.Conn {
	t.Helper()
	conn := r.dial(t)
	if _, err := conn.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47}); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 1)
	if _, err := io.ReadFull(conn, reply); err != nil || reply[0] != 'S' {
		t.Fatalf("reply %q, %v", reply, err)
	}
	encrypted := tls.Client(conn, &tls.Config{RootCAs: r.roots.Pool(), ServerName: "db.test"})
	if err := encrypted.Handshake(); err != nil {
		t.Fatal(err)
	}
	return encrypted
}

func (r real) exec(t *testing.T, sql string) {
	t.Helper()
	if err := r.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// quiet fails the test where the server logged an error, a fatal one or a lost connection since from.
func (r real) quiet(t *testing.T, from int) {
	t.Helper()
	// A backend writes its last line after it has closed the connection: wait until all are gone.
	for range 200 {
		rows, err := r.Query(t.Context(), "select 1 from pg_stat_activity where backend_type = 'client backend' "+
			"and pid <> pg_backend_pid()")
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	for line := range strings.Lines(r.Log()[from:]) {
		for _, bad := range []string{"ERROR", "FATAL", "WARNING", "could not", "unexpected EOF", "reset by peer"} {
			if strings.Contains(line, bad) {
				t.Errorf("server logged: %s", line)
			}
		}
	}
}

// tap counts the writes that follow a read: the flights in which the client waited for the server.
type tap struct {
	net.Conn
	mu     sync.Mutex
	sent   bytes.Buffer
	waits  int
	talked bool
}

func (c *tap) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.sent.Write(p)
	c.talked = true
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	if c.talked && n > 0 {
		c.waits, c.talked = c.waits+1, false
	}
	c.mu.Unlock()
	return n, err
}

func TestRealLoginIsAGoodGuest(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		Init:     []string{"create role migrator login password '" + password + "'", "create database orders"},
		Settings: map[string]string{"log_connections": "on", "log_disconnections": "on"},
	})
	from := len(r.Log())
	wire := &tap{Conn: r.dial(t)}
	o, session := observe(t, wire, target())
	if session == nil {
		t.Fatalf("no session: %+v, %+v", o, o.Error)
	}
	if o.SeenAs != "127.0.0.1" || o.SeenPort != wire.LocalAddr().(*net.TCPAddr).Port || o.ServerVersionNum < 90500 ||
		*o.InRecovery || o.SessionUser != "migrator" || len(o.PoolerSigns) != 0 || !o.ServerProved {
		t.Errorf("observation %+v", o)
	}
	if o.Parameters["server_version"] == "" || o.Parameters["is_superuser"] != "off" {
		t.Errorf("parameters %v", o.Parameters)
	}
	if wire.waits != 3 {
		t.Errorf("login waited %d times for the server, not 3", wire.waits)
	}
	results, err := handed(t, session).Exec(t.Context(), "begin read only; set local statement_timeout = '5s'; "+
		"select current_setting('application_name'); commit").ReadAll()
	if err != nil || string(results[2].Rows[0][0]) != "pgpreflight" {
		t.Errorf("query after login: %v, %v", results, err)
	}
	if err := session.Close(t.Context()); err != nil {
		t.Error(err)
	}
	sent := wire.sent.Bytes()
	if !bytes.HasSuffix(sent, []byte{'X', 0, 0, 0, 4}) || bytes.Contains(sent, []byte(password)) {
		t.Errorf("sent %q", sent)
	}
	if found := Judge(o, Expect{}); len(found) != 0 {
		t.Errorf("findings %+v", found)
	}

	encrypted, second := observe(t, r.dialTLS(t), target())
	if second == nil || encrypted.AuthUsed != MethodScramPlus || encrypted.ChannelBinding != endPointType ||
		!encrypted.TLS {
		t.Fatalf("with TLS: %+v, %+v", encrypted, encrypted.Error)
	}
	_ = second.Close(t.Context())
	unbound := target()
	unbound.ChannelBinding = ChannelBindingDisable
	if o, third := observe(t, r.dialTLS(t), unbound); third == nil || o.AuthUsed != MethodScram {
		t.Errorf("without binding: %+v", o)
	} else {
		_ = third.Close(t.Context())
	}
	never := target()
	never.PasswordNever = true
	for _, conn := range []net.Conn{r.dial(t), r.dialTLS(t)} {
		o, _ := observe(t, conn, never)
		if o.Stopped != StopPasswordNever || !o.Admitted() || o.PasswordSent {
			t.Errorf("password never: %+v", o)
		}
	}
	r.quiet(t, from)
}

// Each refusal that one PostgreSQL can be made to give, through its own pg_hba.conf line.
func TestRealRefusals(t *testing.T) {
	t.Parallel()
	roles := []string{"migrator", "nohba", "tlsonly", "plainonly", "rejected", "certonly", "replica", "writer"}
	r := startReal(t, postgres.Options{
		Settings: map[string]string{"ssl_ca_file": "root.crt", "max_wal_senders": "8", "max_connections": "20"},
		HBA: []string{
			"hostssl all tlsonly all scram-sha-256",
			"hostnossl all plainonly all scram-sha-256",
			"host all rejected all reject",
			"hostssl all certonly all cert",
			"host all ghost,sleeper,trusted all trust",
			"host all weak all md5",
			"host all clear all password",
			"host replication writer all scram-sha-256",
			"host all migrator,limited,replica,unset,stranger all scram-sha-256",
		},
		Init: append([]string{
			"create database orders", "create database locked", "create database busy", "create database closed",
			"revoke connect on database locked from public", "alter database busy connection limit 0",
			"alter database closed allow_connections false",
			"create role sleeper", "create role trusted login",
			"create role limited login connection limit 0 password '" + password + "'",
			"create role unset login",
			"set password_encryption = 'md5'; create role weak login password '" + password + "'",
			"create role clear login password '" + password + "'",
		}, createRoles(roles)...),
	})
	rows := []struct {
		name   string
		change func(*Target)
		tls    bool
		codes  string
		id     string
	}{
		{"wrong password", func(to *Target) { to.Password = secret.New("wrong") }, true, "AUTH_FAILED", "AUTH-01"},
		{"role without a password", func(to *Target) { to.User = "unset" }, true, "AUTH_FAILED", "AUTH-01"},
		{"unknown role", func(to *Target) { to.User = "stranger" }, true, "AUTH_FAILED", "AUTH-01"},
		{"no line", func(to *Target) { to.User = "nohba" }, false, "HBA_TLS_REQUIRED", "HBA-01"},
		{"no line, with TLS", func(to *Target) { to.User = "nohba" }, true, "HBA_ADDRESS_NOT_ALLOWED", "HBA-02"},
		{"reject", func(to *Target) { to.User = "rejected" }, false, "HBA_REJECTED", "HBA-03"},
		{"reject, with TLS", func(to *Target) { to.User = "rejected" }, true, "HBA_REJECTED", "HBA-03"},
		{"physical replication", func(to *Target) { to.Replication = "true" }, true, "HBA_REPLICATION", "HBA-04"},
		{"logical replication, replication line only",
			func(to *Target) { to.User, to.Replication = "writer", "database" }, true, "HBA_REPLICATION", "HBA-10"},
		{"logical replication, no attribute", func(to *Target) { to.Replication = "database" }, true,
			"PRE_REPLICATION_ROLE", "REP-02"},
		{"certificate wanted", func(to *Target) { to.User = "certonly" }, true, "TLS_CLIENT_CERTIFICATE_REQUIRED", "TLS-14"},
		{"role missing", func(to *Target) { to.User = "ghost" }, true, "AUTH_ROLE_MISSING", "AUTH-04"},
		{"role without LOGIN", func(to *Target) { to.User = "sleeper" }, true, "AUTH_ROLE_CANNOT_LOGIN", "AUTH-05"},
		{"no user", func(to *Target) { to.User = "" }, true, "AUTH_USER_FORMAT", "AUTH-09"},
		{"no database", func(to *Target) { to.Database = "missing" }, true, "DATABASE_MISSING", "AUTH-06"},
		{"no CONNECT", func(to *Target) { to.Database = "locked" }, true, "DATABASE_NO_CONNECT_PRIVILEGE", "AUTH-07"},
		{"closed database", func(to *Target) { to.Database = "closed" }, true, "DATABASE_NOT_ACCEPTING", "AUTH-08"},
		{"database limit", func(to *Target) { to.Database = "busy" }, true, "DATABASE_CONNECTION_LIMIT", "SRV-08"},
		{"role limit", func(to *Target) { to.User = "limited" }, true, "ROLE_CONNECTION_LIMIT", "SRV-08"},
		{"trust", func(to *Target) { to.User = "trusted" }, true, "AUTH_TRUST", ""},
		{"md5", func(to *Target) { to.User = "weak" }, true, "AUTH_METHOD_WEAK", ""},
		{"cleartext, not verified", func(to *Target) { to.User = "clear" }, true, "AUTH_CLEARTEXT_REFUSED", ""},
		{"cleartext, verified", func(to *Target) { to.User, to.TLSVerified = "clear", true }, true, "AUTH_METHOD_WEAK", ""},
		{"good, with replication", func(to *Target) { to.User, to.Replication = "replica", "database" }, true, "", ""},
	}
	r.exec(t, "alter role replica replication; alter role writer replication")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			to := target()
			row.change(&to)
			conn := r.dial(t)
			if row.tls {
				_ = conn.Close()
				conn = r.dialTLS(t)
			}
			o, session := observe(t, conn, to)
			if session != nil {
				_ = session.Close(t.Context())
			}
			found := Judge(o, Expect{Host: "db.test", User: to.User, Database: to.Database, TLSOffered: Yes})
			if codes(found) != row.codes {
				t.Fatalf("codes %q, want %q; %+v %+v", codes(found), row.codes, o, o.Error)
			}
			if row.id != "" && found[0].Args["id"] != row.id {
				t.Errorf("id %v, want %s", found[0].Args["id"], row.id)
			}
			if strings.HasPrefix(row.codes, "HBA") && found[0].Args["seenAs"] != "127.0.0.1" {
				t.Errorf("args %v", found[0].Args)
			}
		})
	}
	t.Run("decided by two attempts", func(t *testing.T) { r.attempts(t) })
}

func createRoles(names []string) []string {
	var sql []string
	for _, name := range names {
		sql = append(sql, "create role "+name+" login password '"+password+"'")
	}
	return sql
}

func (r real) attempts(t *testing.T) {
	never := target()
	never.PasswordNever = true
	e := Expect{Host: "db.test", TLSOffered: Yes}
	both := func(user string) (plain, encrypted Observation) {
		never.User = user
		plain, _ = observe(t, r.dial(t), never)
		encrypted, _ = observe(t, r.dialTLS(t), never)
		return plain, encrypted
	}
	plain, encrypted := both("tlsonly")
	if got := codes(JudgeAttempts(plain, encrypted, e)); got != "HBA_TLS_REQUIRED" || !WorthOtherAttempt(plain, e) {
		t.Errorf("hostssl: %s", got)
	}
	plain, encrypted = both("nohba")
	if got := codes(JudgeAttempts(plain, encrypted, e)); got != "HBA_ADDRESS_NOT_ALLOWED" || !WorthOtherAttempt(plain, e) {
		t.Errorf("no line: %s", got)
	}
	plain, encrypted = both("plainonly")
	found := JudgeAttempts(encrypted, plain, e)
	if codes(found) != "HBA_ADDRESS_NOT_ALLOWED" || found[0].Args["otherAttempt"] != "admitted" {
		t.Errorf("hostnossl: %+v", found)
	}
	plain, encrypted = both("rejected")
	if got := codes(JudgeAttempts(plain, encrypted, e)); got != "HBA_REJECTED" {
		t.Errorf("reject: %s", got)
	}
}
