package prerequisites

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
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
			`{"n" : "max_locks_per_transaction", "v" : "64"}`, `{"n" : "max_connections", "v" : "100"}`},
		"roles": {`{"name" : "migrator", "superuser" : false, "replication" : true, "createRole" : false, "createDB" : false,
			"member" : { "pg_read_all_stats" : true, "pg_signal_backend" : false }}`},
		"catalog": {`{"name" : "orders", "owner" : "migrator", "owns" : true, "canCreate" : true, "encoding" : "UTF8",
			"collate" : "en_US.UTF-8", "ctype" : "en_US.UTF-8", "provider" : "c"}`},
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
		"languages":      {},
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
			`{"n" : "max_locks_per_transaction", "v" : "64"}`, `{"n" : "max_connections", "v" : "859"}`},
		"roles": {`{"name" : "admin", "superuser" : false, "replication" : false, "createRole" : true, "createDB" : true,
			"member" : { "azure_pg_admin" : true, "pg_signal_backend" : true }}`},
		"catalog": {},
		"origins": {`{"count" : 0}`},
		"azure":   {`{"n" : "azure.extensions", "v" : "PG_TRGM,Hstore, uuid-ossp"}`},
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

func coded(found []finding.Finding, side string) []string {
	var codes []string
	for _, f := range found {
		leg := side
		if f.Leg != "" {
			leg = f.Leg
		}
		code := leg + " " + strings.TrimPrefix(string(f.Code), "PRE_")
		if f.Advisory {
			code += "?"
		}
		codes = append(codes, code)
	}
	return codes
}

// said is what a whole check says of two recorded servers.
func said(source, target Observation, e Expect) ([]finding.Finding, string) {
	own, far, both := Judge(source, e), Judge(target, e), Compare(source, target, e)
	codes := slices.Concat(coded(own, "source"), coded(far, "target"), coded(both, ""))
	slices.Sort(codes)
	return slices.Concat(own, far, both), strings.Join(codes, ", ")
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

// version96 makes the source a PostgreSQL 9.6.
func version96() change { return edit(SideSource, "version", "150018", "90624") }

func TestJudgeRecordedRows(t *testing.T) {
	t.Parallel()
	allow := func(names string) change {
		return with(setting(SideTarget, "azure.extensions", names), answer(SideTarget, "azure"))
	}
	rows := []struct {
		name   string
		change change
		want   string
		args   finding.Args
	}{
		{"healthy", with(), "", nil},
		{"no kind known", of(""), "", nil},

		// Versions.
		{"9.4", edit(SideSource, "version", "150018", "90426"), "source NOT_CHECKED, source VERSION_TOO_OLD", finding.Args{"version": "9.4",
			"validationType": "SourceVersionValidation", "validationState": "Failed", "selfHosted": true}},
		{"9.5, decoder not to be seen", edit(SideSource, "version", "150018", "90525"), "source NOT_CHECKED", nil},
		{"9.6 without the library", with(version96(), edit(SideSource, "decoder", "null", "false")), "source DECODER_MISSING",
			finding.Args{"name": "test_decoding", "version": "9.6"}},
		{"9.6 with the library", with(version96(), edit(SideSource, "decoder", "null", "true")), "", nil},
		{"9.6 with a slot that proves it", with(version96(), edit(SideSource, "slots", "pgoutput", "test_decoding")), "", nil},
		{"9.6 of RDS, which delivers it", with(version96(), of(request.AmazonRDS)), "", nil},
		{"9.6 has no publications", with(version96(), of(request.AmazonRDS), answer(SideSource, "tables",
			`{"kind":"notOwned","count":2,"first":["public.a"]}`)), "", nil},
		{"10 has", with(edit(SideSource, "version", "150018", "100023"), answer(SideSource, "tables",
			`{"kind":"notOwned","count":2,"first":["public.a","public.b"]}`, `{"kind":"ownedBy","count":1,"first":["clerk"]}`)),
			"source PUBLICATION_RIGHTS", finding.Args{"count": 2, "owners": []string{"clerk"}, "database": "orders"}},
		{"no CREATE", edit(SideSource, "catalog", `"canCreate" : true`, `"canCreate" : false`), "source PUBLICATION_RIGHTS",
			finding.Args{"noCreate": true}},
		{"superuser needs no rights", with(edit(SideSource, "roles", `"superuser" : false`, `"superuser" : true`),
			edit(SideSource, "roles", `"replication" : true`, `"replication" : false`),
			edit(SideSource, "catalog", `"canCreate" : true`, `"canCreate" : false`)), "", nil},
		{"18 to 17", with(edit(SideSource, "version", "150018", "180001"), edit(SideTarget, "version", "160009", "170006")),
			"target VERSION_TARGET_OLDER", finding.Args{"version": "17", "sourceVersion": "18",
				"validationType": "SourceVersionValidation"}},
		{"minor version older", with(edit(SideSource, "version", "150018", "160011")), "", nil},
		{"9.6 to 9.5", with(version96(), of(request.AmazonRDS), edit(SideTarget, "version", "160009", "90525")),
			"target VERSION_TARGET_OLDER", finding.Args{"version": "9.5", "sourceVersion": "9.6"}},
		{"with OIDs", with(edit(SideSource, "version", "150018", "110022"), answer(SideSource, "withOids",
			`{"count":1,"first":["public.old"]}`)), "source TABLE_WITH_OIDS", finding.Args{"validationType": "SchemaValidation"}},
		{"with OIDs to a target that may have them", with(edit(SideSource, "version", "150018", "110022"),
			edit(SideTarget, "version", "160009", "110022"), answer(SideSource, "withOids", `{"count":1,"first":["public.old"]}`)), "", nil},

		// The server's state and settings.
		{"standby", edit(SideSource, "version", `"inRecovery" : false`, `"inRecovery" : true`), "source READ_ONLY",
			finding.Args{"standby": true}},
		{"storage of the target full", setting(SideTarget, "default_transaction_read_only", "on"), "target READ_ONLY", nil},
		{"wal_level of RDS", with(of(request.AmazonRDS), setting(SideSource, "wal_level", "replica")), "source WAL_LEVEL",
			finding.Args{"value": "replica", "rds": true, "validationType": "ServerParametersValidation"}},
		{"wal_level of Aurora", with(of(request.AmazonAurora), setting(SideSource, "wal_level", "replica")), "source WAL_LEVEL",
			finding.Args{"aurora": true}},
		{"wal_level of Cloud SQL seen by its role", with(of(""), edit(SideSource, "roles", `"pg_read_all_stats"`,
			`"cloudsqlsuperuser" : true, "pg_read_all_stats"`), setting(SideSource, "wal_level", "replica")), "source WAL_LEVEL",
			finding.Args{"cloudSQL": true}},
		{"wal_level of AlloyDB seen by its role", with(of(request.Other), edit(SideSource, "roles", `"pg_read_all_stats"`,
			`"cloudsqlsuperuser" : true, "alloydbsuperuser" : true, "pg_read_all_stats"`), setting(SideSource, "wal_level", "replica")),
			"source WAL_LEVEL", finding.Args{"alloyDB": true}},
		{"slots just enough", edit(SideSource, "slots", `"used" : 1`, `"used" : 8`), "", nil},
		{"a slot too few", edit(SideSource, "slots", `"used" : 1`, `"used" : 9`), "source REPLICATION_SLOTS",
			finding.Args{"free": 1, "needed": 2, "setTo": 11, "value": 10}},
		{"slots for eight databases", func(_ *testing.T, source, _ recorded, e *Expect) {
			e.Databases = strings.Split("orders b c d e f g h", " ")
			source["slots"] = []string{`{"used":3,"senders":0,"inactive":["old"],"plugins":[]}`}
		}, "source REPLICATION_SLOTS", finding.Args{"free": 7, "needed": 9, "setTo": 12, "inactive": []string{"old"}}},
		{"origins of 18", with(edit(SideTarget, "version", "160009", "180001"),
			setting(SideTarget, "max_active_replication_origins", "1")), "target REPLICATION_SLOTS",
			finding.Args{"setting": "max_active_replication_origins", "azure": true}},
		{"senders fewer than slots", setting(SideSource, "max_wal_senders", "9"), "source WAL_SENDERS", finding.Args{"setTo": 10}},
		{"senders all in use", edit(SideSource, "slots", `"senders" : 1`, `"senders" : 9`), "source WAL_SENDERS",
			finding.Args{"setTo": 11, "used": 9}},
		{"sender timeout of RDS", setting(SideSource, "wal_sender_timeout", "30000"), "source WAL_SENDER_TIMEOUT", nil},
		{"sender timeout as it comes", setting(SideSource, "wal_sender_timeout", "60000"), "source WAL_SENDER_TIMEOUT?", nil},
		{"sender timeout of five minutes", setting(SideSource, "wal_sender_timeout", "300000"), "", nil},
		{"idle timeout of the target of an RDS", with(of(request.AmazonRDS),
			setting(SideTarget, "idle_in_transaction_session_timeout", "60000")), "target IDLE_TIMEOUT",
			finding.Args{"elapsedMs": 60000, "azure": true}},
		{"setting that is not there", setting(SideSource, "idle_in_transaction_session_timeout", ""), "", nil},
		{"old prepared transaction", answer(SideSource, "prepared", `{"count":1,"oldestAgeSeconds":86400.5,"first":["xa-1"]}`),
			"source PREPARED_TRANSACTION", finding.Args{"ageSeconds": 86400.5}},
		{"young prepared transaction", answer(SideSource, "prepared", `{"count":1,"oldestAgeSeconds":0.2,"first":["xa-1"]}`),
			"source PREPARED_TRANSACTION?", nil},
		{"long transaction", answer(SideSource, "transactions", `{"open":2,"hidden":3,"oldest":{"pid":7,"user":"batch",
			"database":"orders","application":"cron","state":"active","ageSeconds":301}}`), "source LONG_TRANSACTION",
			finding.Args{"pid": 7, "role": "batch", "ageSeconds": 301.0}},
		{"short transaction", answer(SideSource, "transactions", `{"open":2,"hidden":0,"oldest":{"pid":7,"ageSeconds":299}}`), "", nil},
		{"hidden transactions", answer(SideSource, "transactions", `{"open":0,"hidden":3,"oldest":null}`), "source NOT_CHECKED", nil},

		// Roles.
		{"replication on RDS", with(of(request.AmazonRDS), edit(SideSource, "roles", `"replication" : true`, `"replication" : false`),
			edit(SideSource, "roles", `"pg_read_all_stats"`, `"rds_replication" : true, "pg_read_all_stats"`)), "", nil},
		{"no replication on RDS", with(of(""), edit(SideSource, "roles", `"replication" : true`, `"replication" : false`),
			edit(SideSource, "roles", `"pg_read_all_stats"`, `"rds_replication" : false, "rds_superuser" : false, "pg_read_all_stats"`)),
			"source REPLICATION_ROLE", finding.Args{"rds": true, "role": "migrator"}},
		{"no administrator", edit(SideTarget, "roles", `"azure_pg_admin" : true`, `"azure_pg_admin" : false`),
			"target AZURE_PG_ADMIN", finding.Args{"validationState": "Failed"}},
		{"not an Azure server", edit(SideTarget, "roles", `"azure_pg_admin" : true, `, ``), "", nil},
		{"sessions cannot be ended, and a database is there", with(edit(SideTarget, "roles", `"pg_signal_backend" : true`,
			`"pg_signal_backend" : false`), answer(SideTarget, "catalog", `{"name":"orders","owner":"admin","owns":true}`)),
			"target DATABASE_EXISTS, target SIGNAL_BACKEND", nil},
		{"another database is there", answer(SideTarget, "catalog", `{"name":"other","owner":"clerk","owns":false}`), "", nil},

		// Extensions.
		{"allowed in another case", with(extension("uuid-ossp", "1.1")), "", nil},
		{"not allowed", with(extension("hstore", "1.8"), allow("PG_TRGM")), "target EXTENSION_NOT_ALLOWED",
			finding.Args{"names": []string{"hstore"}, "setTo": "pg_trgm,hstore", "validationType": "ExtensionsValidation", "azure": true}},
		{"allow-list seen by the other question", with(setting(SideTarget, "azure.extensions", ""), extension("pg_cron", "1.6"),
			setting(SideTarget, "shared_preload_libraries", "pg_cron")), "target EXTENSION_NOT_ALLOWED", nil},
		{"allow-list not shown", with(setting(SideTarget, "azure.extensions", ""),
			answer(SideTarget, "azure", `{"n":"azure.extensions","v":null}`)), "target NOT_CHECKED", nil},
		{"not available", extension("rds_tools", "1.0"), "source EXTENSION_UNSUPPORTED", finding.Args{"reason": "not_available"}},
		{"target's list not read, documented", func(_ *testing.T, _, target recorded, _ *Expect) {
			target["available"] = []string{"!42501"}
		}, "target NOT_CHECKED", nil},
		{"target's list not read, not documented", with(extension("rds_tools", "1.0"), answer(SideTarget, "available", "!42501")),
			"source EXTENSION_UNSUPPORTED, target NOT_CHECKED", finding.Args{"reason": "not_documented"}},
		{"TimescaleDB online", extension("timescaledb", "2.14"), "source EXTENSION_UNSUPPORTED", finding.Args{"offlineOnly": true}},
		{"pg_partman 4 to 5", extension("pg_partman", "4.7.4"), "source EXTENSION_UNSUPPORTED",
			finding.Args{"reason": "breaking_version", "targetVersion": "5.3.1"}},
		{"pg_partman 5 without its worker", with(extension("pg_partman", "5.1.0"), allow("pg_partman")),
			"target EXTENSION_NOT_PRELOADED?", finding.Args{"names": []string{"pg_partman_bgw"}, "validationState": "Warning"}},
		{"postgres_fdw from RDS", with(of(request.AmazonRDS), extension("postgres_fdw", "1.1")), "source EXTENSION_UNSUPPORTED",
			finding.Args{"reason": "source_kind"}},
		{"postgres_fdw from somewhere", with(of(""), extension("postgres_fdw", "1.1"), allow("postgres_fdw")),
			"source EXTENSION_UNSUPPORTED?", finding.Args{"reason": "source_kind", "validationState": "Warning"}},
		{"postgres_fdw from Single Server", with(of(request.AzureSingleServer), extension("postgres_fdw", "1.1"), allow("postgres_fdw")),
			"", nil},
		{"postgres_fdw from 16", with(of(request.AzureSingleServer), edit(SideSource, "version", "150018", "160001"),
			extension("postgres_fdw", "1.1")), "source EXTENSION_UNSUPPORTED", finding.Args{"reason": "source_version"}},
		{"not preloaded", with(extension("pg_cron", "1.6"), allow("pg_cron")), "target EXTENSION_NOT_PRELOADED",
			finding.Args{"names": []string{"pg_cron"}, "setTo": "azure,pg_stat_statements,pg_cron"}},
		{"preloaded by its path", with(extension("pg_cron", "1.6"), allow("pg_cron"),
			setting(SideTarget, "shared_preload_libraries", `azure, "$libdir/pg_cron"`)), "", nil},
		{"libraries not shown", with(extension("pg_cron", "1.6"), allow("pg_cron"),
			setting(SideTarget, "shared_preload_libraries", "")), "target NOT_CHECKED", nil},
		{"pg_cron belongs in pg_catalog", with(answer(SideSource, "extensions", `{"name":"pg_cron","version":"1.6","schema":"pg_catalog"}`),
			allow("pg_cron"), setting(SideTarget, "shared_preload_libraries", "pg_cron")), "", nil},
		{"hstore does not", answer(SideSource, "extensions", `{"name":"hstore","version":"1.8","schema":"pg_catalog"}`),
			"source EXTENSION_SCHEMA", finding.Args{"names": []string{"hstore"}}},
		{"a language is not an unsupported extension too", with(extension("plperl", "1.0"), answer(SideSource, "languages", `"plperl"`)),
			"source LANGUAGE_UNSUPPORTED", finding.Args{"names": []string{"plperl"}}},
		{"plv8 is supported", answer(SideSource, "languages", `"plv8"`), "", nil},

		// Collations, locks and storage.
		{"Windows locale", edit(SideSource, "catalog", `"collate" : "en_US.UTF-8", "ctype" : "en_US.UTF-8"`,
			`"collate" : "English_United States.1252", "ctype" : "English_United States.1252"`), "target COLLATION_MISSING",
			finding.Args{"name": "English_United States.1252", "database": "orders", "validationType": "CollationsValidation"}},
		{"collation and ctype both missing", edit(SideSource, "catalog", `"collate" : "en_US.UTF-8", "ctype" : "en_US.UTF-8"`,
			`"collate" : "de_DE.UTF-8", "ctype" : "fr_FR.UTF-8"`), "target COLLATION_MISSING, target COLLATION_MISSING", nil},
		{"C", edit(SideSource, "catalog", `"collate" : "en_US.UTF-8", "ctype" : "en_US.UTF-8"`, `"collate" : "C", "ctype" : "C"`), "", nil},
		{"column of a libc collation", answer(SideSource, "collated", `{"name":"sv_SE","provider":"c","column":"public.t.n"}`),
			"target COLLATION_MISSING", finding.Args{"column": "public.t.n"}},
		{"ICU on a target without", edit(SideTarget, "version", `"icu" : true`, `"icu" : false`), "target COLLATION_MISSING", nil},
		{"locks", answer(SideSource, "tables", `{"kind":"relations","count":6400,"first":[]}`), "source LOCK_TABLE_SIZE",
			finding.Args{"locks": 6400, "count": 6400, "setTo": 65}},
		{"locks of the target", with(setting(SideTarget, "max_connections", "1"), answer(SideSource, "tables",
			`{"kind":"relations","count":100,"first":[]}`)), "target LOCK_TABLE_SIZE", finding.Args{"locks": 64, "setTo": 101}},
		{"storage", func(_ *testing.T, _, _ recorded, e *Expect) { e.TargetStorageBytes = 5<<30 - 1 }, "target STORAGE",
			finding.Args{"sourceGiB": 4.0, "needed": 5.0, "value": 4.9}},
		{"storage just enough", func(_ *testing.T, _, _ recorded, e *Expect) { e.TargetStorageBytes = 5 << 30 }, "", nil},

		// What is not read is said once a side, and nothing follows from it.
		{"refused", with(answer(SideSource, "tables", "!57014"), answer(SideSource, "slots", "!42501")), "source NOT_CHECKED",
			finding.Args{"count": 2, "rules": []string{"PRE_DECODER_MISSING", "PRE_LOCK_TABLE_SIZE", "PRE_PUBLICATION_RIGHTS",
				"PRE_REPLICATION_SLOTS", "PRE_TABLE_WITHOUT_KEY", "PRE_UNLOGGED_TABLE", "PRE_WAL_SENDERS"}}},
		{"nonsense", with(answer(SideSource, "grants", "nonsense"), answer(SideTarget, "roles", `[]`),
			answer(SideTarget, "version", `{}`, `{}`)), "source NOT_CHECKED, target NOT_CHECKED", nil},
		{"nothing at all", func(_ *testing.T, source, target recorded, _ *Expect) { clear(source); clear(target) },
			"source NOT_CHECKED, target NOT_CHECKED", nil},
		{"one end only", func(_ *testing.T, _, target recorded, _ *Expect) { clear(target) }, "target NOT_CHECKED", nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			source, target := healthySource(), healthyTarget()
			e := Expect{Mode: request.Online, Kind: request.OnPremises, Databases: []string{"orders"}}
			row.change(t, source, target, &e)
			found, codes := said(source.observation(SideSource, e.Mode), target.observation(SideTarget, e.Mode), e)
			if codes != row.want {
				t.Fatalf("said %q, want %q\n%+v", codes, row.want, found)
			}
			if row.args != nil && !slices.ContainsFunc(found, func(f finding.Finding) bool { return holds(f.Args, row.args) }) {
				t.Errorf("args %+v", found)
			}
			for _, f := range found {
				if f.Layer != finding.Prerequisites {
					t.Errorf("%s in layer %s", f.Code, f.Layer)
				}
			}
		})
	}
}

func holds(args, want finding.Args) bool {
	for name, value := range want {
		if !reflect.DeepEqual(args[name], value) {
			return false
		}
	}
	return true
}

// An offline migration is not told about slots, and is not asked about them either.
func TestJudgeOfflineAsksAndSaysLess(t *testing.T) {
	t.Parallel()
	source := healthySource()
	source.replace(t, "roles", `"replication" : true`, `"replication" : false`)
	e := Expect{Mode: request.Offline, Kind: request.OnPremises, Databases: []string{"orders"}}
	for _, s := range []change{setting(SideSource, "wal_level", "minimal"), setting(SideSource, "wal_sender_timeout", "1")} {
		s(t, source, nil, nil)
	}
	source["tables"] = []string{`{"kind":"keyless","count":3,"first":["a"]}`, `{"kind":"unlogged","count":3,"first":["a"]}`}
	if _, got := said(source.observation(SideSource, e.Mode), healthyTarget().observation(SideTarget, e.Mode), e); got != "" {
		t.Error(got)
	}
	extension("timescaledb", "2.14")(t, source, nil, nil)
	if _, got := said(source.observation(SideSource, e.Mode), healthyTarget().observation(SideTarget, e.Mode), e); got !=
		"target EXTENSION_NOT_ALLOWED, target EXTENSION_NOT_PRELOADED" {
		t.Error(got)
	}
	for _, q := range Questions(Target{Side: SideSource, Mode: request.Offline}) {
		if q.Mode == request.Online {
			t.Errorf("asked %s", q.ID)
		}
	}
}

func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	asked := map[string]Question{}
	for _, side := range []Side{SideSource, SideTarget} {
		for _, q := range Questions(Target{Side: side, Mode: request.Online}) {
			asked[q.ID] = q
		}
	}
	needed, ruled := map[string]bool{}, map[finding.Code]bool{}
	for _, r := range Rules() {
		ruled[r.Code] = true
		if (r.own == nil) == (r.compare == nil) || (r.Validation == "") != (r.State == "") || len(r.Needs) == 0 {
			t.Errorf("%s: %+v", r.Code, r)
		}
		for _, id := range r.Needs {
			needed[id] = true
			if _, there := asked[id]; !there {
				t.Errorf("%s needs %s, which nobody asks", r.Code, id)
			}
		}
	}
	for id := range asked {
		if !needed[id] {
			t.Errorf("%s is asked for nothing", id)
		}
	}
	for _, code := range finding.Codes() {
		if strings.HasPrefix(string(code), "PRE_") && code != finding.PreNotChecked && !ruled[code] {
			t.Errorf("no rule gives %s", code)
		}
	}
}

// A question is one statement that reads, and says how much it may bring.
func TestQuestionsAreSingleReads(t *testing.T) {
	t.Parallel()
	hostile := []string{"orders", `x'); drop table t; --`, `back\slash'`, "Ünï"}
	for _, side := range []Side{SideSource, SideTarget} {
		for _, q := range Questions(Target{Side: side, Mode: request.Online, Databases: hostile}) {
			if strings.Contains(q.SQL, ";") || strings.Contains(q.SQL, `\`) || strings.Contains(q.SQL, "--") {
				t.Errorf("%s: %s", q.ID, q.SQL)
			}
			if !strings.HasPrefix(q.SQL, "select ") && !strings.HasPrefix(q.SQL, "with ") {
				t.Errorf("%s begins %.20s", q.ID, q.SQL)
			}
			if len(q.SQL) > 2048 {
				t.Errorf("%s is %d bytes long", q.ID, len(q.SQL))
			}
		}
	}
	for _, q := range Questions(Target{Side: SideSource, Mode: request.Online, DatabaseOnly: true}) {
		if q.Scope != PerDatabase {
			t.Errorf("%s is asked on every connection", q.ID)
		}
	}
	if got := literals(nil); got != "null" {
		t.Error(got)
	}
	if got := literals(make([]string, 500)); strings.Count(got, "''") != maxDatabases {
		t.Error(len(got))
	}
}

func TestTextIsFitForALog(t *testing.T) {
	t.Parallel()
	source := healthySource()
	source["casts"] = []string{`{"count":1,"first":["evil\u001b[2J\u202e` + strings.Repeat("x", 5000) + `"]}`}
	o := source.observation(SideSource, request.Online)
	name := string(o.Databases[0].Casts.First[0])
	if len(name) > maxText || strings.ContainsAny(name, "\x1b\u202e") || !strings.HasPrefix(name, `evil\u001b[2J\u202e`) {
		t.Errorf("%q", name)
	}
}

// Whatever a server answers, nothing panics, and what is kept is bounded.
func FuzzReadAndJudge(f *testing.F) {
	for _, r := range []recorded{healthySource(), healthyTarget()} {
		for question, rows := range r {
			f.Add(question, strings.Join(rows, "\n"))
		}
	}
	f.Add("tables", `{"kind":"notOwned","count":-1}`)
	f.Add("roles", "null")
	f.Add("available", `{"n":null,"v":null}`)
	f.Fuzz(func(t *testing.T, question, rows string) {
		source, target := healthySource(), healthyTarget()
		source[question], target[question] = strings.Split(rows, "\n"), strings.Split(rows, "\n")
		e := Expect{Mode: request.Online, Databases: []string{"orders"}, TargetStorageBytes: 1}
		found, _ := said(source.observation(SideSource, e.Mode), target.observation(SideTarget, e.Mode), e)
		for _, one := range found {
			if !slices.Contains(finding.Codes(), one.Code) {
				t.Errorf("code %q", one.Code)
			}
		}
	})
}
