package check

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const migrator = "CREATE ROLE migrator LOGIN REPLICATION CREATEROLE CREATEDB PASSWORD 'planted'"

// ends starts a source with two databases and a target.
func ends(t *testing.T, settings map[string]string) (source, target *postgres.Server) {
	t.Helper()
	start := func(o postgres.Options) *postgres.Server {
		server, err := postgres.Start(t.Context(), o)
		skipOrFail(t, err)
		t.Cleanup(func() { _ = server.Stop() })
		return server
	}
	source = start(postgres.Options{Settings: settings, Init: []string{migrator, "CREATE DATABASE orders OWNER migrator",
		"CREATE DATABASE billing OWNER migrator"}})
	target = start(postgres.Options{Settings: settings, Init: []string{migrator, "GRANT pg_signal_backend TO migrator"}})
	return source, target
}

func deep(t *testing.T, c request.Check) report.Report {
	t.Helper()
	p, _ := parts(t)
	p.Resolvers = func() ([]netip.AddrPort, error) { return nil, nil }
	return run(t, p, c)
}

func pair(source, target *postgres.Server, mode request.Mode, databases ...string) request.Check {
	end := func(s *postgres.Server, databases ...string) request.Endpoint {
		return request.Endpoint{Host: s.Address, Port: s.Port, User: "migrator", Databases: databases,
			Credential: request.Credential{Setting: "PW"}, TLS: request.TLS{Mode: request.TLSDisable}}
	}
	return request.Check{Version: 1, ID: "deep", Mode: mode, Depth: request.DepthPrerequisites, TimeoutSeconds: 30,
		Source: end(source, databases...), Target: end(target, "postgres")}
}

func online() map[string]string {
	return map[string]string{"wal_level": "logical", "max_replication_slots": "10", "max_wal_senders": "10",
		"wal_sender_timeout": "0", "log_connections": "on"}
}

// seen lists the findings that are not about the loopback addresses of the test itself.
func seen(r report.Report) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Code != finding.DNSHostIsAddress && f.Code != finding.PreNotChecked {
			out = append(out, string(f.Code))
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryDatabaseIsAskedAndNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	source, target := ends(t, online())
	before := traces(t, source)
	r := deep(t, pair(source, target, request.Online, "orders", "billing"))
	if got := seen(r); len(got) > 0 {
		t.Errorf("a healthy pair gave %v: %s", got, r.Headline)
	}
	evidence := status(r, "source", finding.Prerequisites).Observation.(evidence.Prerequisites)
	if len(evidence.Databases) != 2 || evidence.Replication == nil || evidence.Replication.Error != nil {
		t.Errorf("asked %d databases, replication %+v", len(evidence.Databases), evidence.Replication)
	}
	if after := traces(t, source); after != before {
		t.Errorf("the check left something behind:\n%s\nwas\n%s", after, before)
	}
	// the login, the second database and the replication login
	if got := strings.Count(source.Log(), "connection received: host=127.0.0.1"); got != 3 {
		t.Errorf("%d connections, want 3:\n%s", got, source.Log())
	}
	if log := source.Log() + target.Log(); strings.Contains(log, "ERROR") || strings.Contains(log, "FATAL") {
		t.Errorf("the servers' logs:\n%s", log)
	}
}

// traces is what a check could leave: objects, roles, slots, publications, and rows written.
func traces(t *testing.T, s *postgres.Server) string {
	t.Helper()
	var out strings.Builder
	for _, database := range []string{"orders", "billing"} {
		for _, sql := range []string{
			"SELECT string_agg(oid || ' ' || xmin || ' ' || relname, ',' ORDER BY oid) FROM pg_class",
			"SELECT string_agg(oid || ' ' || xmin || ' ' || proname, ',' ORDER BY oid) FROM pg_proc WHERE oid >= 16384",
			"SELECT string_agg(extname, ',') FROM pg_extension",
			"SELECT string_agg(rolname || rolsuper || coalesce(rolconfig::text, ''), ',' ORDER BY rolname) FROM pg_roles",
			"SELECT string_agg(setdatabase || ' ' || setconfig::text, ',') FROM pg_db_role_setting",
			"SELECT string_agg(slot_name, ',') FROM pg_replication_slots",
			"SELECT string_agg(pubname, ',') FROM pg_publication",
			"SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables",
		} {
			rows, err := s.QueryIn(t.Context(), database, sql)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				out.WriteString(strings.Join(row, " ") + "\n")
			}
		}
	}
	return out.String()
}

func TestAFurtherDatabaseHasItsOwnFindings(t *testing.T) {
	t.Parallel()
	source, target := ends(t, online())
	if _, err := source.QueryIn(t.Context(), "billing", "SET ROLE migrator; CREATE TABLE keyless (a int)"); err != nil {
		t.Fatal(err)
	}
	r := deep(t, pair(source, target, request.Online, "orders", "billing", "gone", "lost"))
	want := []string{string(finding.DatabaseMissing), string(finding.DatabaseMissing), string(finding.PreTableWithoutKey)}
	if got := seen(r); !slices.Equal(got, want) {
		t.Fatalf("found %v, want %v", got, want)
	}
	for _, f := range r.Findings {
		if f.Code == finding.DatabaseMissing && (f.Layer != finding.Prerequisites || f.Args["database"] != "gone" &&
			f.Args["database"] != "lost") {
			t.Errorf("%s %v", f.Layer, f.Args)
		}
	}
	// The catalogue has told already: far administrators count the logins that fail.
	if strings.Contains(source.Log(), "FATAL:") {
		t.Errorf("the source logged a failed login: %s", source.Log())
	}
}

func TestWalLevelIsFoundOnce(t *testing.T) {
	t.Parallel()
	settings := online()
	settings["wal_level"] = "replica"
	source, target := ends(t, settings)
	if got := seen(deep(t, pair(source, target, request.Online, "orders"))); !slices.Equal(got, []string{string(finding.PreWALLevel)}) {
		t.Errorf("found %v", got)
	}
	if got := seen(deep(t, pair(source, target, request.Offline, "orders"))); len(got) > 0 {
		t.Errorf("offline found %v", got)
	}
}

// skipOrFail skips where PostgreSQL is not installed; any other trouble is a failure.
func skipOrFail(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, postgres.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
