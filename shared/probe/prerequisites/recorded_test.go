package prerequisites

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// recorded are rows as servers sent them, by question. An empty row list is an answer without rows; a row that begins
// with "!" is a refusal with that SQLSTATE.
type recorded map[string][]string

// healthySource is a self-hosted PostgreSQL 15 with nothing wrong.
func healthySource() recorded {
	return recorded{
		"version": {`{"num" : 150018, "inRecovery" : false, "icu" : true}`},
		"settings": {`{"n" : "wal_level", "v" : "logical"}`, `{"n" : "max_replication_slots", "v" : "10"}`,
			`{"n" : "max_wal_senders", "v" : "10"}`, `{"n" : "wal_sender_timeout", "v" : "0"}`,
			`{"n" : "idle_in_transaction_session_timeout", "v" : "0"}`, `{"n" : "default_transaction_read_only", "v" : "off"}`,
			`{"n" : "max_locks_per_transaction", "v" : "64"}`, `{"n" : "max_connections", "v" : "100"}`,
			`{"n" : "password_encryption", "v" : "scram-sha-256"}`},
		"roles": {`{"name" : "migrator", "superuser" : false, "replication" : true, "createRole" : false, "createDB" : false,
			"member" : { "pg_read_all_stats" : true, "pg_signal_backend" : false }}`},
		"catalog": {`{"name" : "orders", "owner" : "migrator", "owns" : true, "canCreate" : true, "encoding" : "UTF8",
			"collate" : "en_US.UTF-8", "ctype" : "en_US.UTF-8", "provider" : "c"}`},
		"entraRoles":   {},
		"slots":        {`{"used" : 1, "senders" : 1, "inactive" : [], "plugins" : ["pgoutput"]}`},
		"transactions": {`{"open" : 0, "hidden" : 0, "oldest" : null}`},
		"prepared":     {`{"count" : 0, "oldestAgeSeconds" : 0, "first" : []}`},
		"decoder":      {`{"testDecoding" : null}`},
		"size":         {`{"bytes" : 4294967296}`},
		"tables":       {`{"kind" : "relations", "count" : 100, "first" : []}`},
		"withOids":     {`{"count" : 0, "first" : []}`},
		"extensions": {`{"name" : "plpgsql", "version" : "1.0", "schema" : "pg_catalog"}`,
			`{"name" : "pg_trgm", "version" : "1.6", "schema" : "public"}`},
		"userCollations": {`{"count" : 0, "first" : []}`},
		"collated":       {`{"name" : "de-DE-x-icu", "provider" : "i", "column" : "public.t.name"}`},
		"casts":          {`{"count" : 0, "first" : []}`},
		"baseTypes":      {`{"count" : 0, "first" : []}`},
		"languages":      {},
		"notCarried":     {},
		"grants":         {`{"count" : 0, "first" : []}`},
	}
}

// healthyTarget is a flexible server with PostgreSQL 16.
func healthyTarget() recorded {
	return recorded{
		"version": {`{"num" : 160009, "inRecovery" : false, "icu" : true}`},
		"settings": {`{"n" : "azure.extensions", "v" : "PG_TRGM,Hstore, uuid-ossp"}`, `{"n" : "max_replication_slots", "v" : "10"}`,
			`{"n" : "idle_in_transaction_session_timeout", "v" : "0"}`, `{"n" : "default_transaction_read_only", "v" : "off"}`,
			`{"n" : "shared_preload_libraries", "v" : "azure,pg_stat_statements"}`,
			`{"n" : "max_locks_per_transaction", "v" : "64"}`, `{"n" : "max_connections", "v" : "859"}`,
			`{"n" : "password_encryption", "v" : "scram-sha-256"}`},
		"roles": {`{"name" : "admin", "superuser" : false, "replication" : false, "createRole" : true, "createDB" : true,
			"member" : { "azure_pg_admin" : true, "pg_signal_backend" : true }}`},
		"catalog":   {},
		"roleNames": {`"admin"`, `"azure_pg_admin"`, `"ann@contoso.com"`},
		"origins":   {`{"count" : 0}`},
		"azure":     {`{"n" : "azure.extensions", "v" : "PG_TRGM,Hstore, uuid-ossp"}`},
		"available": {`{"n" : "pg_trgm", "v" : "1.6"}`, `{"n" : "hstore", "v" : "1.8"}`, `{"n" : "uuid-ossp", "v" : "1.1"}`,
			`{"n" : "timescaledb", "v" : "2.24.0"}`, `{"n" : "pg_partman", "v" : "5.3.1"}`, `{"n" : "postgres_fdw", "v" : "1.1"}`,
			`{"n" : "pg_cron", "v" : "1.6"}`, `{"n" : "pg_stat_statements", "v" : "1.10"}`, `{"n" : "pg_hint_plan", "v" : "1.6.0"}`},
		"collations": {`"C"`, `"POSIX"`, `"default"`, `"en_US"`, `"en_US.utf8"`, `"C.utf8"`},
	}
}

func (r recorded) observation(side Side, mode request.Mode) Observation {
	t := Target{Side: side, Mode: mode, Database: "orders", Databases: []string{"orders"}}
	var answers []Answer
	for _, q := range Questions(t) {
		rows, there := r[q.ID]
		switch {
		case !there:
			answers = append(answers, Answer{Missing: "closed"})
		case len(rows) == 1 && strings.HasPrefix(rows[0], "!"):
			answers = append(answers, Answer{SQLState: rows[0][1:], Message: "permission denied"})
		default:
			answers = append(answers, Answer{Rows: rows})
		}
	}
	return Read(t, answers)
}

// replace changes a part of a recorded row, and insists that it is there.
func (r recorded) replace(t *testing.T, question, from, to string) {
	t.Helper()
	rows := slices.Clone(r[question])
	for i, row := range rows {
		if strings.Contains(row, from) {
			rows[i] = strings.Replace(row, from, to, 1)
			r[question] = rows
			return
		}
	}
	t.Fatalf("%s has no %s", question, from)
}

type change func(t *testing.T, source, target recorded, e *Expect)

// edit changes one recorded row of one side.
func edit(side Side, question, from, to string) change {
	return func(t *testing.T, source, target recorded, _ *Expect) {
		t.Helper()
		if side == SideSource {
			source.replace(t, question, from, to)
			return
		}
		target.replace(t, question, from, to)
	}
}

func answer(side Side, question string, rows ...string) change {
	return func(_ *testing.T, source, target recorded, _ *Expect) {
		if side == SideSource {
			source[question] = rows
			return
		}
		target[question] = rows
	}
}

func with(changes ...change) change {
	return func(t *testing.T, source, target recorded, e *Expect) {
		t.Helper()
		for _, c := range changes {
			c(t, source, target, e)
		}
	}
}

func of(kind request.Kind) change {
	return func(_ *testing.T, _, _ recorded, e *Expect) { e.Kind = kind }
}

func extension(name, version string) change {
	return answer(SideSource, "extensions", fmt.Sprintf(`{"name":%q,"version":%q,"schema":"public"}`, name, version))
}

func setting(side Side, name, value string) change {
	return func(_ *testing.T, source, target recorded, _ *Expect) {
		r := source
		if side == SideTarget {
			r = target
		}
		rows := slices.DeleteFunc(slices.Clone(r["settings"]), func(row string) bool { return strings.Contains(row, `"`+name+`"`) })
		if value != "" {
			rows = append(rows, fmt.Sprintf(`{"n":%q,"v":%q}`, name, value))
		}
		r["settings"] = rows
	}
}
