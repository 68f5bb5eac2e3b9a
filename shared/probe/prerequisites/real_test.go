package prerequisites_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestRealHealthyPairHasNoFinding(t *testing.T) {
	t.Parallel()
	source, target := startSource(t, scram()), startTarget(t, scram())
	from := len(source.Log())
	before := [2]string{source.dump(t), target.dump(t)}
	for _, mode := range []request.Mode{request.Offline, request.Online} {
		var seen [2]prerequisites.Observation
		for i, l := range []lab{source, target} {
			wire := new(relay)
			ask := l.ask(mode)
			seen[i] = l.observe(t, wire.through(t, l), ask)
			if seen[i].Answered != seen[i].Asked || len(seen[i].NotRead) != 0 {
				t.Errorf("%s: %d of %d answered, %+v", l.side, seen[i].Answered, seen[i].Asked, seen[i].NotRead)
			}
			// Startup and SCRAM's two messages: the questions left with the last of them.
			if wire.waits != 3 {
				t.Errorf("%s %s: the server was waited for %d times, not 3", l.side, mode, wire.waits)
			}
			if size := login.FlightBytes(flight(prerequisites.Questions(ask))); size > login.OneWindow {
				t.Errorf("%s %s: a flight of %d bytes", l.side, mode, size)
			}
			survives(t, seen[i])
		}
		if got := judged(seen[0], seen[1], expect(mode)); len(got) != 0 {
			t.Errorf("%s: %q", mode, got)
		}
	}
	if after := [2]string{source.dump(t), target.dump(t)}; after != before {
		t.Errorf("before and after differ:\n%s\n%s", before, after)
	}
	for line := range strings.Lines(source.Log()[from:]) {
		if strings.Contains(line, "ERROR") || strings.Contains(line, "FATAL") || strings.Contains(line, "WARNING") {
			t.Errorf("server logged: %s", line)
		}
	}
}

func survives(t *testing.T, o prerequisites.Observation) {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back prerequisites.Observation
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(raw) {
		t.Errorf("did not survive JSON: %v\n%s\n%s", err, raw, again)
	}
}

// dump is what a write would change: every row of every system catalogue, slots, origins, settings, and the next
// transaction and object ids.
func (l lab) dump(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, database := range []string{"postgres", "orders"} {
		if l.side == prerequisites.SideTarget {
			database = "postgres"
		}
		names, err := l.QueryIn(t.Context(), database, `select relname from pg_class where relnamespace = 11 and
			relkind = 'r' and relname not in ('pg_statistic', 'pg_largeobject') order by 1`)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			out.WriteString(l.digest(t, database, "select md5(string_agg(x::text, ',' order by x::text)) from "+name[0]+" x"))
		}
	}
	out.WriteString(l.digest(t, "postgres", `select txid_snapshot_xmax(txid_current_snapshot()),
		(select count(*) from pg_replication_slots), (select count(*) from pg_prepared_xacts),
		(select md5(string_agg(x::text, ',' order by name)) from pg_settings x)`))
	return out.String()
}

func (l lab) digest(t *testing.T, database, sql string) string {
	t.Helper()
	rows, err := l.QueryIn(t.Context(), database, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(rows[0], " ") + "\n"
}

// breach is one rule broken on an otherwise healthy pair, by SQL that is taken back afterwards.
type breach struct {
	name  string
	side  prerequisites.Side
	spoil string
	mend  string
	want  string
	// offline is what is said of an offline migration, where that is not the same.
	offline string
	// kind is what the source is taken for; on-premises where empty.
	kind request.Kind
}

func (b breach) expect(mode request.Mode) prerequisites.Expect {
	e := expect(mode)
	if b.kind != "" {
		e.Kind = b.kind
	}
	return e
}

func breaches() []breach {
	source, target := prerequisites.SideSource, prerequisites.SideTarget
	none := "-"
	return []breach{
		{"no right to replicate", source, "alter role migrator noreplication", "alter role migrator replication",
			"source PRE_REPLICATION_ROLE", none, ""},
		{"read-only by default", source, "alter role migrator set default_transaction_read_only = on",
			"alter role migrator reset default_transaction_read_only", "source PRE_READ_ONLY", "", ""},
		{"target read-only by default", target, "alter role migrator set default_transaction_read_only = on",
			"alter role migrator reset default_transaction_read_only", "target PRE_READ_ONLY", "", ""},
		{"idle timeout", source, "alter role migrator set idle_in_transaction_session_timeout = '1min'",
			"alter role migrator reset idle_in_transaction_session_timeout", "source PRE_IDLE_TIMEOUT", "", ""},
		{"idle timeout as RDS has it", source, "alter role migrator set idle_in_transaction_session_timeout = '1d'",
			"alter role migrator reset idle_in_transaction_session_timeout", "source PRE_IDLE_TIMEOUT advisory", "", ""},
		{"idle timeout of the target", target, "alter role migrator set idle_in_transaction_session_timeout = '1min'",
			"alter role migrator reset idle_in_transaction_session_timeout", "target PRE_IDLE_TIMEOUT", "", ""},
		{"short sender timeout", source, "alter role migrator set wal_sender_timeout = '30s'",
			"alter role migrator reset wal_sender_timeout", "source PRE_WAL_SENDER_TIMEOUT", none, ""},
		{"usual sender timeout", source, "alter role migrator set wal_sender_timeout = '60s'",
			"alter role migrator reset wal_sender_timeout", "source PRE_WAL_SENDER_TIMEOUT advisory", none, ""},
		{"slots taken", source, "select pg_create_logical_replication_slot('s'||n, 'test_decoding') from generate_series(1,9) n",
			"select pg_drop_replication_slot(slot_name) from pg_replication_slots", "source PRE_REPLICATION_SLOTS", none, ""},
		{"origins taken", target, "select pg_replication_origin_create('o'||n) from generate_series(1,9) n",
			"select pg_replication_origin_drop(roname) from pg_replication_origin", "target PRE_REPLICATION_SLOTS", none, ""},
		{"no key", source, "create table shop.log (line text); alter table shop.log owner to migrator",
			"drop table shop.log", "source PRE_TABLE_WITHOUT_KEY", none, ""},
		{"replica identity nothing", source, "alter table shop.orders replica identity nothing",
			"alter table shop.orders replica identity default", "source PRE_TABLE_WITHOUT_KEY", none, ""},
		{"replica identity dropped", source, "alter table shop.indexed drop constraint indexed_a_key",
			"alter table shop.indexed add constraint indexed_a_key unique (a); " +
				"alter table shop.indexed replica identity using index indexed_a_key",
			"source PRE_TABLE_WITHOUT_KEY", none, ""},
		{"deferrable key", source, "create table shop.late (id int primary key deferrable); alter table shop.late owner to migrator",
			"drop table shop.late", "source PRE_TABLE_WITHOUT_KEY", none, ""},
		{"unlogged", source, "create unlogged table shop.cache (line text); alter table shop.cache owner to migrator",
			"drop table shop.cache", "source PRE_UNLOGGED_TABLE", none, ""},
		{"a table of somebody else", source, "alter table shop.orders owner to clerk",
			"alter table shop.orders owner to migrator", "source PRE_PUBLICATION_RIGHTS", none, ""},
		{"database of somebody else", source, "alter database orders owner to clerk; grant create on database orders to migrator",
			"alter database orders owner to migrator", "source PRE_DATABASE_OWNER", "", ""},
		{"prepared transaction", source, "begin; select txid_current(); prepare transaction 'forgotten'",
			"rollback prepared 'forgotten'", "source PRE_PREPARED_TRANSACTION advisory", none, ""},
		{"extension in pg_catalog", source, "alter extension hstore set schema pg_catalog", "alter extension hstore set schema public",
			"source PRE_EXTENSION_SCHEMA", "", ""},
		{"collation of its own", source, "create collation shop.german (locale = 'C')", "drop collation shop.german",
			"source PRE_COLLATION_USER_DEFINED", "", ""},
		{"cast of its own", source, "create cast (text as int) with inout", "drop cast (text as int)", "source PRE_USER_CAST", "", ""},
		{"base type", source, "create type shop.tag; create function shop.tag_in(cstring) returns shop.tag " +
			"language internal immutable strict as 'int4in'; create function shop.tag_out(shop.tag) returns cstring " +
			"language internal immutable strict as 'int4out'; create type shop.tag (input = shop.tag_in, " +
			"output = shop.tag_out, like = int4); create domain shop.tags as shop.tag[]",
			"drop domain shop.tags; drop type shop.tag cascade", "source PRE_BASE_TYPE", "", ""},
		{"large object", source, "select lo_create(4711)", "select lo_unlink(4711)", "source PRE_NOT_CARRIED", none, ""},
		{"text search template", source, "create text search template shop.simple (init = dsimple_init, lexize = dsimple_lexize)",
			"drop text search template shop.simple", "source PRE_NOT_CARRIED", "", ""},
		{"text search parser", source, "create text search parser shop.own (start = prsd_start, gettoken = prsd_nexttoken, " +
			"end = prsd_end, lextypes = prsd_lextype)", "drop text search parser shop.own", "source PRE_NOT_CARRIED", "", ""},
		{"superuser", source, "create role root superuser", "drop role root", "source PRE_NOT_CARRIED advisory", "", ""},
		{"tablespace", source, "alter role postgres set allow_in_place_tablespaces = on; " +
			"create tablespace fast location ''", "drop tablespace fast; alter role postgres reset allow_in_place_tablespaces",
			"source PRE_NOT_CARRIED advisory", "", ""},
		{"types that anybody may create", source, "create type shop.state as enum ('new'); " +
			"create type shop.span as range (subtype = int4); create type shop.both as (a int, b shop.state[]); create type shop.shell",
			"drop type shop.both, shop.state, shop.span, shop.shell", "", "", ""},
		{"language", source, "create language homemade handler plpgsql_call_handler", "drop language homemade",
			"source PRE_LANGUAGE_UNSUPPORTED", "", ""},
		{"grant on pg_authid", source, "grant select on pg_authid to reader", "revoke select on pg_authid from reader",
			"source PRE_CATALOG_GRANT", "", ""},
		{"grant on pg_shadow to all", source, "grant select on pg_shadow to public", "revoke select on pg_shadow from public",
			"source PRE_CATALOG_GRANT", "", ""},
		{"extension not allowed", source, "create extension pg_trgm", "drop extension pg_trgm",
			"target PRE_EXTENSION_NOT_ALLOWED", "", ""},
		{"extension that only other sources may have", source, "create extension postgres_fdw", "drop extension postgres_fdw",
			"source PRE_EXTENSION_UNSUPPORTED", "", ""},
		{"extension that the target has not", source,
			"update pg_extension set extname = 'rds_tools' where extname = 'hstore'",
			"update pg_extension set extname = 'hstore' where extname = 'rds_tools'", "source PRE_EXTENSION_UNSUPPORTED", "", ""},
		{"column collation", source, `alter table shop.orders alter note type text collate ucs_basic; ` +
			`update pg_collation set collname = 'English_United States.1252' where collname = 'ucs_basic'`,
			`update pg_collation set collname = 'ucs_basic' where collname like 'English%'; ` +
				`alter table shop.orders alter note type text`, "target PRE_COLLATION_MISSING", "", ""},
		{"locale of the database", target, "update pg_collation set collname = 'gone' where collname = 'C.utf8'",
			"update pg_collation set collname = 'C.utf8' where collname = 'gone'", "target PRE_COLLATION_MISSING", "", ""},
		{"locale of another encoding", target, "update pg_collation set collencoding = 8 where collname = 'C.utf8'",
			"update pg_collation set collencoding = 6 where collname = 'C.utf8'", "", "", ""},
		{"temporary tablespaces on the local disk", target,
			"alter role migrator set azure.enable_temp_tablespaces_on_local_ssd = on",
			"alter role migrator reset azure.enable_temp_tablespaces_on_local_ssd", "target PRE_TEMP_TABLESPACES", none, ""},
		{"no administrator", target, "revoke azure_pg_admin from migrator; grant pg_signal_backend to migrator",
			"grant azure_pg_admin to migrator; revoke pg_signal_backend from migrator", "target PRE_AZURE_PG_ADMIN", "", ""},
		{"no right to make roles", target, "alter role migrator nocreaterole", "alter role migrator createrole",
			"target PRE_CREATE_ROLE", "", ""},
		{"no right to end sessions", target, "revoke pg_signal_backend from azure_pg_admin",
			"grant pg_signal_backend to azure_pg_admin", "target PRE_SIGNAL_BACKEND advisory", "", ""},
		{"database exists", target, "create database orders owner migrator", "drop database orders", "target PRE_DATABASE_EXISTS", "", ""},
		{"database of somebody else exists", target, "create database orders owner clerk", "drop database orders",
			"target PRE_DATABASE_DROP", "", ""},
		{"Entra role", source, `create role "ann@contoso.com" login`, `drop role "ann@contoso.com"`, "target PRE_ROLE_MISSING", "", ""},
		{"Entra group of Single Server", source, "create role azure_ad_user; create role readers login in role azure_ad_user",
			"drop role readers, azure_ad_user", "target PRE_ROLE_MISSING", "", request.AzureSingleServer},
		{"ordinary role, and one without use", source, `create role bob login; create role "unused@contoso.com"`,
			`drop role bob, "unused@contoso.com"`, "", "", ""},
		{"md5 of Single Server", source, "alter role migrator set password_encryption = 'md5'",
			"alter role migrator reset password_encryption", "target PRE_PASSWORD_ENCRYPTION", "", request.AzureSingleServer},
		{"md5 of a server of one's own", source, "alter role migrator set password_encryption = 'md5'",
			"alter role migrator reset password_encryption", "", "", ""},
	}
}

func TestRealEachRuleBrokenAlone(t *testing.T) {
	t.Parallel()
	source, target := startSource(t, nil), startTarget(t, nil)
	for _, b := range breaches() {
		t.Run(b.name, func(t *testing.T) {
			at := source
			if b.side == prerequisites.SideTarget {
				at = target
			}
			if strings.HasPrefix(b.spoil, "begin") {
				at.execIn(t, "orders", b.spoil)
			} else {
				at.exec(t, b.spoil)
			}
			defer at.exec(t, b.mend)
			pairSays(t, source, target, b.expect(request.Online), b.want)
			switch b.offline {
			case "":
				pairSays(t, source, target, b.expect(request.Offline), b.want)
			case "-":
				pairSays(t, source, target, b.expect(request.Offline), "")
			}
		})
	}
	pairSays(t, source, target, expect(request.Online), "")
}

func pairSays(t *testing.T, source, target lab, e prerequisites.Expect, want string) {
	t.Helper()
	s := source.observe(t, source.dial(t), source.ask(e.Mode))
	d := target.observe(t, target.dial(t), target.ask(e.Mode))
	if got := strings.Join(judged(s, d, e), "; "); got != want {
		t.Errorf("%s: %q, want %q; not read: %+v %+v", e.Mode, got, want, s.NotRead, d.NotRead)
	}
}

func TestRealSettingsBrokenAlone(t *testing.T) {
	t.Parallel()
	source, target := startSource(t, nil), startTarget(t, nil)
	source.exec(t, "create table shop.many (id int primary key) partition by range (id)")
	source.execIn(t, "orders", `alter table shop.many owner to migrator; do $$ begin for i in 1..60 loop execute
		format('create table shop.many_%s partition of shop.many for values from (%s) to (%s)', i, i, i+1);
		execute format('alter table shop.many_%s owner to migrator', i); end loop; end $$`)
	healthy := [2]prerequisites.Observation{source.observe(t, source.dial(t), source.ask(request.Online)),
		target.observe(t, target.dial(t), target.ask(request.Online))}
	few := map[string]string{"max_connections": "10", "max_locks_per_transaction": "10"}
	for _, row := range []struct {
		name    string
		side    prerequisites.Side
		changed map[string]string
		want    string
	}{
		{"wal_level", prerequisites.SideSource, map[string]string{"wal_level": "replica"}, "source PRE_WAL_LEVEL"},
		{"slots", prerequisites.SideSource, map[string]string{"max_replication_slots": "1"}, "source PRE_REPLICATION_SLOTS"},
		{"senders", prerequisites.SideSource, map[string]string{"max_wal_senders": "9"}, "source PRE_WAL_SENDERS"},
		{"locks of the target", prerequisites.SideTarget, few, "target PRE_LOCK_TABLE_SIZE"},
		{"origins of the target", prerequisites.SideTarget, map[string]string{originsSetting(t, source): "1"},
			"target PRE_REPLICATION_SLOTS"},
		{"nothing allowed", prerequisites.SideTarget, map[string]string{"azure.extensions": ""},
			"target PRE_EXTENSION_NOT_ALLOWED"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			pair := healthy
			if row.side == prerequisites.SideSource {
				broken := startSource(t, row.changed)
				pair[0] = broken.observe(t, broken.dial(t), broken.ask(request.Online))
			} else {
				broken := startTarget(t, row.changed)
				pair[1] = broken.observe(t, broken.dial(t), broken.ask(request.Online))
			}
			if got := strings.Join(judged(pair[0], pair[1], expect(request.Online)), "; "); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	if got := judged(healthy[0], healthy[1], expect(request.Online)); len(got) != 0 {
		t.Errorf("the others: %q", got)
	}
}

// originsSetting limits the replication origins: from PostgreSQL 18 on it has a name of its own.
func originsSetting(t *testing.T, l lab) string {
	t.Helper()
	rows, err := l.QueryIn(t.Context(), "postgres",
		"select name from pg_settings where name in ('max_active_replication_origins', 'max_replication_slots') order by 1 limit 1")
	if err != nil {
		t.Fatal(err)
	}
	return rows[0][0]
}

// What follows needs a source of its own, but not one each.
func TestRealSource(t *testing.T) {
	t.Parallel()
	source := startSource(t, nil)
	t.Run("decoder library", func(t *testing.T) { findDecoderLibrary(t, source) })
	t.Run("further database", func(t *testing.T) { askFurtherDatabase(t, source) })
	t.Run("long transaction", func(t *testing.T) { seeLongTransaction(t, source) })
}

func seeLongTransaction(t *testing.T, source lab) {
	source.exec(t, "create role batch login")
	conn, session := login.Observe(t.Context(), source.dial(t), login.Target{User: "batch", Database: "orders",
		ApplicationName: "nightly"})
	if session == nil {
		t.Fatalf("no session: %+v", conn)
	}
	defer session.Close(t.Context())
	said := func() (string, prerequisites.Observation) {
		o := source.observe(t, source.dial(t), source.ask(request.Online))
		var codes []string
		e := expect(request.Online)
		e.PatienceSeconds = 0.001
		for _, f := range prerequisites.Judge(o, e) {
			codes = append(codes, string(f.Code))
		}
		return strings.Join(codes, " "), o
	}
	if _, err := handed(t, session).Exec(t.Context(), "begin; select 1").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if got, _ := said(); got != "" {
		t.Errorf("a transaction that has only read holds up no slot: %s", got)
	}
	if _, err := handed(t, session).Exec(t.Context(), "select txid_current()").ReadAll(); err != nil {
		t.Fatal(err)
	}
	got, o := said()
	for o.Server.Transactions.Oldest == nil || o.Server.Transactions.Oldest.AgeSeconds == 0 {
		got, o = said()
	}
	if oldest := o.Server.Transactions.Oldest; got != "PRE_LONG_TRANSACTION" || oldest.User != "batch" ||
		oldest.Application != "nightly" || oldest.State != "idle in transaction" || oldest.PID == 0 {
		t.Errorf("%s: %+v", got, oldest)
	}
	source.exec(t, "revoke pg_read_all_stats from migrator")
	if got, o := said(); got != "PRE_NOT_CHECKED" || o.Server.Transactions.Hidden != 1 {
		t.Errorf("hidden: %s, %+v", got, o.Server.Transactions)
	}
}

func askFurtherDatabase(t *testing.T, source lab) {
	name := `it's "odd" \ Ünï`
	source.execIn(t, "postgres", `create database "it's ""odd"" \ Ünï" owner migrator`)
	source.execIn(t, name, "create table t (a int); alter table t owner to migrator")
	ask := source.ask(request.Online)
	ask.Databases = []string{"orders", name}
	first := source.observe(t, source.dial(t), ask)
	ask.Database, ask.DatabaseOnly = name, true
	wire := new(relay)
	second := source.observe(t, wire.through(t, source), ask)
	if wire.waits != 2 || second.Answered != second.Asked || second.Asked >= first.Asked {
		t.Errorf("%d waits, %d of %d answered", wire.waits, second.Answered, second.Asked)
	}
	both := first.With(second)
	survives(t, both)
	e := expect(request.Online)
	e.Databases = ask.Databases
	found := prerequisites.Judge(both, e)
	if len(found) != 1 || string(found[0].Code) != "PRE_TABLE_WITHOUT_KEY" || found[0].Args["database"] != name {
		t.Errorf("%+v", found)
	}
	if len(both.Server.Catalog) != 2 || !both.Server.Catalog[0].Owns || !both.Server.Catalog[1].Owns {
		t.Errorf("catalogue %+v", both.Server.Catalog)
	}
}

// What cannot be read is said, and nothing is concluded from it.
func TestRealRightsThatAreMissing(t *testing.T) {
	t.Parallel()
	source, target := startSource(t, nil), startTarget(t, nil)
	source.exec(t, "create extension pg_stat_statements; revoke select on pg_prepared_xacts from public; "+
		"revoke execute on function pg_database_size(oid), pg_database_size(name) from public")
	target.exec(t, "revoke pg_monitor from azure_pg_admin; "+
		"create table public.pg_roles (n int); create table public.pg_settings (n int)")
	s := source.observe(t, source.dial(t), source.ask(request.Online))
	d := target.observe(t, target.dial(t), target.ask(request.Online))
	e := expect(request.Online)
	if got := strings.Join(judged(s, d, e), "; "); got != "source PRE_NOT_CHECKED; target PRE_EXTENSION_NOT_ALLOWED; "+
		"target PRE_NOT_CHECKED" {
		t.Error(got)
	}
	f := prerequisites.Judge(s, e)[0]
	why, _ := f.Args["why"].([]string)
	rules, _ := f.Args["rules"].([]string)
	if len(why) != 2 || !strings.Contains(why[0], "prepared of database orders (42501): permission denied for view pg_prepared_xacts") ||
		!strings.Contains(why[1], "size of database orders (42501)") ||
		strings.Join(rules, " ") != "PRE_PREPARED_TRANSACTION PRE_STORAGE" {
		t.Errorf("%q %q", why, rules)
	}
	if f := prerequisites.Compare(s, d, e); !strings.Contains(f[1].Args["why"].([]string)[0], "pg_read_all_settings") {
		t.Errorf("%+v", f)
	}
}

// A superuser of 9.6 looks for a library file; this is that query on a newer server.
func findDecoderLibrary(t *testing.T, source lab) {
	for _, q := range prerequisites.Questions(source.ask(request.Online)) {
		if q.ID != "decoder" {
			continue
		}
		for library, want := range map[string]string{"test_decoding": "true", "no_such_thing": "false"} {
			sql := strings.Replace(q.SQL, "99999", "999999", 1)
			rows, err := source.QueryIn(t.Context(), "orders", strings.Replace(sql, "/test_decoding.", "/"+library+".", 1))
			if err != nil || !strings.HasSuffix(rows[0][0], ": "+want+"}") && !strings.HasSuffix(rows[0][0], ":"+want+"}") {
				t.Errorf("%s: %v, %v", library, rows, err)
			}
		}
	}
}

// handed is the connection in the hands of pgconn.
func handed(t *testing.T, session *login.Session) *pgconn.PgConn {
	t.Helper()
	pg, err := session.PG(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pg
}
