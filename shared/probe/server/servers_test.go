package server

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

const password = "correct horse"

func start(t *testing.T, o postgres.Options) *postgres.Server {
	t.Helper()
	if _, err := postgres.Find(); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server, err := postgres.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

// startSource is a far server whose lines of pg_hba.conf differ by user.
func startSource(t *testing.T, encrypted bool) *postgres.Server {
	t.Helper()
	o := postgres.Options{
		HBA: []string{"hostssl all tlsonly all scram-sha-256", "host all rejected all reject", "host all trusted all trust",
			"host all weak all md5", "host all clear all password", "host all migrator all scram-sha-256"},
	}
	for _, role := range []string{"migrator", "tlsonly", "rejected", "trusted", "weak", "clear"} {
		o.Init = append(o.Init, "create role "+role+" login password '"+password+"'")
	}
	if encrypted {
		authority, err := pki.NewAuthority("test root")
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := authority.Issue(pki.Options{CommonName: "db.test", Names: []string{"db.test"}})
		if err != nil {
			t.Fatal(err)
		}
		o.TLS = &certificate
	}
	return start(t, o)
}

// startAsker is the server that is asked. It logs all that it can, for whoever looks for secrets.
func startAsker(t *testing.T, init ...string) *postgres.Server {
	t.Helper()
	return start(t, postgres.Options{
		Settings: map[string]string{"log_statement": "all", "log_parameter_max_length": "-1", "log_duration": "on"},
		Init: append([]string{"create role boss login superuser password '" + password + "'",
			"create role plain login password '" + password + "'"}, init...),
	})
}

func loggedIn(t *testing.T, at *postgres.Server, user string) *login.Session {
	t.Helper()
	conn, err := net.Dial("tcp", at.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	o, session := login.Observe(t.Context(), conn, login.Target{User: user, Database: "postgres",
		Password: secret.New(password)})
	if session == nil {
		t.Fatalf("login of %s: %+v %+v", user, o, o.Error)
	}
	t.Cleanup(func() { _ = session.Close(context.Background()) })
	return session
}

// catalogue is a print of all that an extension could leave behind.
func catalogue(t *testing.T, at *postgres.Server) string {
	t.Helper()
	rows, err := at.Query(t.Context(), `select
		(select string_agg(extname || extversion, ' ' order by oid) from pg_extension),
		(select count(*) || ' ' || md5(string_agg(oid::text || proname, ' ' order by oid)) from pg_proc),
		(select count(*) || ' ' || md5(string_agg(oid::text || relname, ' ' order by oid)) from pg_class
			where relnamespace <> 'pg_toast'::regnamespace),
		(select count(*) || ' ' || md5(string_agg(oid::text || typname, ' ' order by oid)) from pg_type),
		(select string_agg(nspname, ' ' order by oid) from pg_namespace),
		(select count(*) from pg_depend), (select count(*) from pg_description), (select count(*) from pg_foreign_data_wrapper),
		(select count(*) from pg_locks where pid <> pg_backend_pid() and relation is not null)`)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(rows[0], "\n")
}

// complaints are the lines of a log above LOG.
func complaints(log string) []string {
	var out []string
	for line := range strings.Lines(log) {
		for _, bad := range []string{"WARNING:", "ERROR:", "FATAL:", "PANIC:"} {
			if strings.Contains(line, bad) {
				out = append(out, line)
			}
		}
	}
	return out
}

// listen runs script on every connection to a loopback port.
func listen(t *testing.T, script func(net.Conn)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				script(conn)
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

// untilGone reads until the other side goes.
func untilGone(conn net.Conn) {
	for {
		if _, err := conn.Read(make([]byte, 512)); err != nil {
			return
		}
	}
}

// answer waits for the first bytes and answers them.
func answer(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 512))
		_, _ = conn.Write([]byte(text))
		untilGone(conn)
	}
}

// unanswered is a port whose SYN packets nobody answers: its queue of connections is full.
func unanswered(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*syscall.SockaddrInet4).Port
	for {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 300*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// closed is a port that nothing listens on.
func closed(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}
