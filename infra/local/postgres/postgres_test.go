package postgres_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
)

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

func TestServerRunsItsSQLAndLeavesNothing(t *testing.T) {
	t.Parallel()
	server := start(t, postgres.Options{
		Settings: map[string]string{"application_name": "it's"},
		Init:     []string{"create role migrator login password 'x'", "create table seen (n int)"},
	})
	rows, err := server.Query(t.Context(), "select current_user, current_setting('application_name'), null")
	if err != nil || len(rows) != 1 || rows[0][0] != "postgres" || rows[0][1] != "it's" || rows[0][2] != "" {
		t.Fatalf("rows %v, error %v", rows, err)
	}
	if err := server.Exec(t.Context(), "select 1/0"); err == nil || !strings.Contains(err.Error(), "22012") {
		t.Fatalf("division by zero gave %v", err)
	}
	if !strings.Contains(server.Log(), "division by zero") {
		t.Errorf("log lacks the error: %s", server.Log())
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(server.Dir); !os.IsNotExist(err) {
		t.Errorf("folder %s is still there: %v", server.Dir, err)
	}
	if _, err := net.Dial("tcp", server.Endpoint()); err == nil {
		t.Error("port still answers after Stop")
	}
}

func TestServerSpeaksTLS(t *testing.T) {
	t.Parallel()
	authority, err := pki.NewAuthority("test root")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue(pki.Options{CommonName: "db.test", Names: []string{"db.test"}})
	if err != nil {
		t.Fatal(err)
	}
	server := start(t, postgres.Options{TLS: &certificate})
	conn, err := net.Dial("tcp", server.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47}); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 1)
	if _, err := io.ReadFull(conn, reply); err != nil || reply[0] != 'S' {
		t.Fatalf("reply %q, %v", reply, err)
	}
	if err := tls.Client(conn, &tls.Config{RootCAs: authority.Pool(), ServerName: "db.test"}).Handshake(); err != nil {
		t.Fatal(err)
	}
}

func TestSetHBATakesEffectBeforeItReturns(t *testing.T) {
	t.Parallel()
	server := start(t, postgres.Options{})
	if err := server.SetHBA(t.Context(), []string{"host all all 127.0.0.1/32 reject"}); err != nil {
		t.Fatal(err)
	}
	rows, err := server.Query(t.Context(), "select auth_method from pg_hba_file_rules where type = 'host'")
	if err != nil || len(rows) != 1 || rows[0][0] != "reject" {
		t.Fatalf("rules %v, error %v", rows, err)
	}
}

func TestStartTellsWhatTheServerLogged(t *testing.T) {
	t.Parallel()
	if _, err := postgres.Find(); err != nil {
		t.Skip(err)
	}
	_, err := postgres.Start(t.Context(), postgres.Options{Settings: map[string]string{"max_connections": "many"}})
	if err == nil || !strings.Contains(err.Error(), "max_connections") {
		t.Fatalf("error %v", err)
	}
}

func TestServerRunsBehindAPrefix(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a prefix changes the user with setpriv, which needs root")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	server := start(t, postgres.Options{Prefix: []string{"env"}, Port: port})
	rows, err := server.Query(t.Context(), "show port")
	if err != nil || rows[0][0] != strconv.Itoa(port) {
		t.Fatalf("rows %v, error %v", rows, err)
	}
}
