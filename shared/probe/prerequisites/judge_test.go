package prerequisites

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

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

// version96 makes the source a PostgreSQL 9.6.
func version96() change { return edit(SideSource, "version", "150018", "90624") }

func TestJudgeRecordedRows(t *testing.T) {
	t.Parallel()
	allow := func(names string) change {
		return with(setting(SideTarget, "azure.extensions", names), answer(SideTarget, "azure"))
	}
	postgis := func(source, target string) change {
		return with(extension("postgis", source), allow("postgis"),
			answer(SideTarget, "available", `{"n":"postgis","v":"`+target+`"}`))
	}
	temp := func(value string) change {
		return answer(SideTarget, "azure", `{"n":"azure.enable_temp_tablespaces_on_local_ssd","v":"`+value+`"}`)
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
		{"wal_level of Heroku, which has no such command", with(of(request.Heroku), setting(SideSource, "wal_level", "replica")),
			"source WAL_LEVEL", finding.Args{"managed": true}},
		{"wal_level of a flexible server", with(of(request.Other), edit(SideSource, "roles", `"pg_read_all_stats"`,
			`"azure_pg_admin" : true, "pg_read_all_stats"`), setting(SideSource, "wal_level", "replica")), "source WAL_LEVEL",
			finding.Args{"managed": true}},
		{"wal_level of Single Server seen by its role", with(of(""), edit(SideSource, "version", "150018", "110022"),
			edit(SideSource, "roles", `"pg_read_all_stats"`, `"azure_pg_admin" : true, "pg_read_all_stats"`),
			setting(SideSource, "wal_level", "replica")), "source WAL_LEVEL", finding.Args{"azure": true}},
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

		{"temporary tablespaces on the local disk", temp("on"), "target TEMP_TABLESPACES",
			finding.Args{"setting": "azure.enable_temp_tablespaces_on_local_ssd", "setTo": "off", "azure": true}},
		{"temporary tablespaces off", temp("off"), "", nil},
		{"temporary tablespaces unknown to the server", answer(SideTarget, "azure",
			`{"n":"azure.enable_temp_tablespaces_on_local_ssd","v":null}`), "", nil},

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
		{"PostGIS of a later minor version", postgis("3.10.0", "3.9.2"), "target POSTGIS_VERSION", finding.Args{"version": "3.10.0",
			"targetVersion": "3.9.2", "database": "orders", "validationType": "ExtensionsValidation", "validationState": "Failed"}},
		{"PostGIS of a later patch", postgis("3.4.2", "3.4.1"), "target POSTGIS_VERSION?", finding.Args{"validationState": "Warning"}},
		{"PostGIS of the same version", postgis("3.4.2", "3.4.2"), "", nil},
		{"PostGIS of an earlier version", postgis("2.5.0dev", "3.5"), "", nil},
		{"PostGIS without a version", postgis("unpackaged", "3.5.0"), "", nil},
		{"PostGIS, and the target's list not read", with(extension("postgis", "3.10.0"), allow("postgis"),
			answer(SideTarget, "available", "!42501")), "target NOT_CHECKED", nil},
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

		{"base type", answer(SideSource, "baseTypes", `{"count":2,"first":["public.money3","shop.tag"]}`), "source BASE_TYPE",
			finding.Args{"count": 2, "first": []string{"public.money3", "shop.tag"}, "database": "orders",
				"validationType": "SchemaValidation", "validationState": "Warning"}},

		{"large objects online", answer(SideSource, "notCarried", `{"kind":"largeObjects","count":7}`), "source NOT_CARRIED",
			finding.Args{"largeObjects": 7, "database": "orders"}},
		{"nothing of a kind", answer(SideSource, "notCarried", `{"kind":"tablespaces","count":0}`), "", nil},

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

		// Roles of both.
		{"Entra role missing", with(of(request.AzureSingleServer), answer(SideSource, "entraRoles", `"ann@contoso.com"`, `"readers"`)),
			"target ROLE_MISSING", finding.Args{"count": 1, "first": []string{"readers"}, "name": "readers", "azure": true,
				"validationState": "Warning"}},
		{"Entra role there", answer(SideSource, "entraRoles", `"ann@contoso.com"`), "", nil},
		{"a principal of Google", with(of(request.GoogleCloudSQL), answer(SideSource, "entraRoles", `"bob@project.iam"`)), "", nil},
		{"target's roles not read", with(answer(SideSource, "entraRoles", `"bob@contoso.com"`), answer(SideTarget, "roleNames", "!42501")),
			"target NOT_CHECKED", nil},
		{"more roles than are read", with(answer(SideSource, "entraRoles", `"bob@contoso.com"`),
			answer(SideTarget, "roleNames", slices.Repeat([]string{`"r"`}, maxRoleNames)...)), "target NOT_CHECKED", nil},
		{"md5 of Single Server", with(of(request.AzureSingleServer), setting(SideSource, "password_encryption", "md5")),
			"target PASSWORD_ENCRYPTION", finding.Args{"value": "scram-sha-256", "setTo": "md5", "azure": true}},
		{"md5 of an old Single Server", with(of(request.AzureSingleServer), setting(SideSource, "password_encryption", "on")),
			"target PASSWORD_ENCRYPTION", nil},
		{"md5 of both", with(of(request.AzureSingleServer), setting(SideSource, "password_encryption", "md5"),
			setting(SideTarget, "password_encryption", "md5")), "", nil},
		{"SCRAM of both", of(request.AzureSingleServer), "", nil},
		{"md5 of RDS", with(of(request.AmazonRDS), setting(SideSource, "password_encryption", "md5")), "", nil},
		{"password_encryption not seen", with(of(request.AzureSingleServer), setting(SideSource, "password_encryption", "md5"),
			setting(SideTarget, "password_encryption", "")), "", nil},

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
