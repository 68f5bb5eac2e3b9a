package login

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

func TestRealServerThatIsFullOrStops(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		Settings: map[string]string{"max_connections": "4", "superuser_reserved_connections": "2", "max_wal_senders": "0",
			"autovacuum": "off"},
		Init: []string{"create role migrator login password '" + password + "'", "create database orders"},
	})
	for range 2 {
		o, session := observe(t, r.dial(t), target())
		if session == nil {
			t.Fatalf("no session: %+v", o)
		}
	}
	expectCode(t, r, "SERVER_FULL_RESERVED")
	// Two more that never finish their login hold the slots of the superusers too.
	for range 2 {
		conn := r.dial(t)
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write(startupBytes(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	expectCode(t, r, "SERVER_FULL")
	if err := r.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if strings.Contains(r.Log(), "received smart shutdown request") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	expectCode(t, r, "SERVER_SHUTTING_DOWN")
}

func startupBytes(t *testing.T) []byte {
	t.Helper()
	c := &conversation{t: target()}
	encoded, err := c.startup().Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func expectCode(t *testing.T, r real, want string) {
	t.Helper()
	o, _ := observe(t, r.dial(t), target())
	if got := codes(Judge(o, Expect{TLSOffered: Yes})); got != want {
		t.Errorf("got %q, want %s: %+v %+v", got, want, o, o.Error)
	}
}

func TestRealStandbyThatAdmitsNobody(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		Settings: map[string]string{"hot_standby": "off"}, Files: map[string]string{"standby.signal": ""},
	})
	o, _ := observe(t, r.dial(t), target())
	// While it looks for the end of its own log it may still say that it is starting up.
	if got := codes(Judge(o, Expect{})); got != "SERVER_STANDBY" && got != "SERVER_STARTING" {
		t.Errorf("got %q: %+v", got, o.Error)
	}
}

func TestRealHotStandbyIsSeen(t *testing.T) {
	t.Parallel()
	r := startReal(t, postgres.Options{
		HBA: []string{"host all postgres all trust"}, Files: map[string]string{"standby.signal": ""},
	})
	o, session := observe(t, r.dial(t), Target{User: "postgres", Database: "postgres"})
	if session == nil || !*o.InRecovery {
		t.Fatalf("observation %+v %+v", o, o.Error)
	}
	_ = session.Close(t.Context())
}

// Passwords that normalisation changes, or must leave alone: PostgreSQL stored them by its own rules.
func TestRealPasswordsOfAllScripts(t *testing.T) {
	t.Parallel()
	passwords := []string{"plain ASCII ~!", "e\u0301", "\ufb01sh", "a\u00a0b", "a\u00adb", "\u2168", "\U0001F600\ufb01",
		"שלום", "a\u05d0", "\u0627\u0644\u0633", "пароль", "密碼", "\u00aa\u0007", "tab\tinside", "\u200b"}
	r := startReal(t, postgres.Options{Init: []string{"create role migrator login", "create database orders"}})
	for _, text := range passwords {
		r.exec(t, "alter role migrator password '"+text+"'")
		to := target()
		to.Password = secret.New(text)
		o, session := observe(t, r.dial(t), to)
		if session == nil {
			t.Errorf("password %+q: %+v", text, o.Error)
			continue
		}
		_ = session.Close(t.Context())
	}
}

// What libpq reads from the environment must not change a login of ours.
func TestRealLoginReadsNoEnvironment(t *testing.T) {
	r := startReal(t, postgres.Options{
		Init: []string{"create role migrator login password '" + password + "'", "create database orders"},
	})
	passfile := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(passfile, []byte("*:*:*:*:wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", passfile)
	for name, value := range map[string]string{"PGPASSWORD": "wrong", "PGUSER": "nobody", "PGOPTIONS": "-c nonsense=1",
		"PGAPPNAME": "other", "PGDATABASE": "none", "PGSERVICE": "none", "PGSSLMODE": "verify-full"} {
		t.Setenv(name, value)
	}
	o, session := observe(t, r.dial(t), target())
	if session == nil {
		t.Fatalf("observation %+v %+v", o, o.Error)
	}
	_ = session.Close(t.Context())
}
