package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/azure"
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

// admitting passes only the first connections on to a server; what becomes of the others is up to later.
func admitting(t *testing.T, to *postgres.Server, first int, later func(net.Conn)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			if n >= first {
				later(client)
				continue
			}
			if n == first-1 && later == nil {
				_ = listener.Close()
			}
			server, err := net.Dial("tcp", to.Endpoint())
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

// A database or a replication login that nobody could ask is not taken for good.
func TestWhatGotNoConnectionIsNotReady(t *testing.T) {
	t.Parallel()
	source, target := ends(t, online())
	for _, row := range []struct {
		name, want string
		mode       request.Mode
		databases  []string
	}{
		{"further database", "everything of database billing", request.Offline, []string{"orders", "billing"}},
		{"replication", "the replication login", request.Online, []string{"orders"}},
	} {
		c := pair(source, target, row.mode, row.databases...)
		if r := deep(t, c); r.Verdict != report.Ready {
			t.Fatalf("%s: healthy %s: %s", row.name, r.Verdict, r.Headline)
		}
		c.Source.Port = admitting(t, source, 1, nil)
		r := deep(t, c)
		said := codes(r)[finding.PreNotChecked].Detail
		if r.Verdict != report.Inconclusive || !strings.Contains(said, row.want) || len(seen(r)) > 0 {
			t.Errorf("%s: verdict %s, found %v, %q", row.name, r.Verdict, seen(r), said)
		}
	}
}

// Four logins take the layer's whole share in silence. Those behind them were never made: that is our time, not the
// server's silence.
func TestNoTimeIsNoSilence(t *testing.T) {
	t.Parallel()
	source, target := ends(t, online())
	further := []string{"a", "b", "c", "d", "e", "f"}
	for _, name := range further {
		if _, err := source.Query(t.Context(), "CREATE DATABASE "+name); err != nil {
			t.Fatal(err)
		}
	}
	c := pair(source, target, request.Offline, append([]string{"orders"}, further...)...)
	c.TimeoutSeconds = 8
	var held []net.Conn
	c.Source.Port = admitting(t, source, 1, func(silent net.Conn) { held = append(held, silent) })
	r := deep(t, c)
	o := status(r, "source", finding.Prerequisites).Observation.(evidence.Prerequisites)
	if len(o.Further) != 4 || !slices.Equal(o.Late, []string{"e", "f"}) || r.Verdict != report.NotReady {
		t.Errorf("%d logins, late %q, verdict %s", len(o.Further), o.Late, r.Verdict)
	}
	for _, f := range r.Findings {
		if f.Code == finding.LoginStalled && (strings.Contains(f.Detail, "database e") || strings.Contains(f.Detail, "database f")) {
			t.Errorf("%s", f.Detail)
		}
	}
}

// Databases that the catalogue does not have cost no login and take no other's place.
func TestMissingDatabasesAreToldWithoutALogin(t *testing.T) {
	t.Parallel()
	source, target := ends(t, online())
	databases := []string{"orders"}
	for n := range maxFurther + 1 {
		databases = append(databases, fmt.Sprintf("gone %d", n))
	}
	from := len(source.Log())
	r := deep(t, pair(source, target, request.Offline, append(databases, "billing")...))
	missing := map[string]bool{}
	for _, f := range r.Findings {
		if f.Code == finding.DatabaseMissing {
			name, _ := f.Args["database"].(string)
			missing[name] = true
		}
	}
	if len(missing) != maxFurther+1 || !missing["gone 16"] || missing["billing"] {
		t.Errorf("missing %v", missing)
	}
	if f, some := codes(r)[finding.PreNotChecked]; some {
		t.Errorf("%q", f.Detail)
	}
	if log := source.Log()[from:]; strings.Contains(log, "FATAL") {
		t.Errorf("the server's log: %s", log)
	}
}

// Nobody knows more of databases of the target than their names: so many get a login, and the others are named.
func TestDatabasesBeyondTheBound(t *testing.T) {
	t.Parallel()
	source, target := ends(t, online())
	c := pair(source, target, request.Offline, "orders")
	for n := range maxFurther + 1 {
		c.Target.Databases = append(c.Target.Databases, fmt.Sprintf("own %d", n))
	}
	r := deep(t, c)
	o := status(r, "target", finding.Prerequisites).Observation.(evidence.Prerequisites)
	if len(o.Further) != maxFurther || !slices.Equal(o.NotAsked, []string{"own 16"}) {
		t.Errorf("%d logins, not asked %q", len(o.Further), o.NotAsked)
	}
	if said := codes(r)[finding.PreNotChecked].Detail; !strings.Contains(said, "everything of database own 16") {
		t.Errorf("%q", said)
	}
}

// What the target has of storage is told by the management plane alone.
func TestStorageOfTheTarget(t *testing.T) {
	t.Parallel()
	source, target := ends(t, online())
	oid, err := source.Query(t.Context(), "SELECT oid FROM pg_database WHERE datname = 'orders'")
	if err != nil {
		t.Fatal(err)
	}
	// PostgreSQL adds up the sizes of the files in the database's folder; this one takes no room.
	large, err := os.Create(filepath.Join(source.Dir, "data", "base", oid[0][0], "large"))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	if err := large.Truncate(26 << 30); err != nil {
		t.Fatal(err)
	}
	for gib, want := range map[int]string{32: string(finding.PreStorage), 33: "", 0: ""} {
		p, _ := parts(t)
		p.Resolvers = func() ([]netip.AddrPort, error) { return nil, nil }
		p.Azure = reads(func(context.Context, azure.Question) azure.Configuration {
			return azure.Configuration{Target: &azure.Place{ResourceID: serverID, ServerID: serverID},
				Servers: []azure.Server{{ID: serverID, State: "Ready", StorageGiB: gib}}}
		})
		c := pair(source, target, request.Online, "orders")
		c.Azure.TargetResourceID = serverID
		r := run(t, p, c)
		f, found := codes(r)[finding.PreStorage]
		if found != (want != "") || found && (f.Leg != "target" || f.Layer != finding.Prerequisites || f.Severity != finding.Failed ||
			status(r, "target", finding.Prerequisites).Status != finding.StatusFailed) {
			t.Errorf("%d GiB: %v %+v", gib, seen(r), f)
		}
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
