package prerequisites

// Lists of documented facts. Source and date stand with each; a report shows them where they decided.

// extensionsDocumented is the date of the list of extensions, "PostgreSQL extensions by engine version" of Azure
// Database for PostgreSQL flexible server, tables for PostgreSQL 16 and 17.
const extensionsDocumented = "learn.microsoft.com/azure/postgresql/extensions/concepts-extensions-by-engine, 06/08/2026"

// azureExtensions are those that flexible server can have. The target's own list is better; this one stands in where
// that could not be read.
func azureExtensions() []string {
	return []string{"address_standardizer", "address_standardizer_data_us", "age", "amcheck", "anon", "azure_ai",
		"azure_storage", "bloom", "btree_gin", "btree_gist", "citext", "credcheck", "cube", "dblink", "dict_int",
		"dict_xsyn", "earthdistance", "fuzzystrmatch", "hll", "hstore", "hypopg", "intagg", "intarray", "ip4r", "isn",
		"lo", "login_hook", "ltree", "oracle_fdw", "orafce", "pageinspect", "pgaudit", "pg_buffercache", "pg_cron",
		"pgcrypto", "pg_diskann", "pg_duckdb", "pg_failover_slots", "pg_freespacemap", "pg_hint_plan", "pg_ivm",
		"pglogical", "pg_partman", "pg_prewarm", "pg_repack", "pgrouting", "pgrowlocks", "pg_squeeze",
		"pg_stat_statements", "pgstattuple", "pg_trgm", "pg_visibility", "plpgsql", "plv8", "postgis", "postgis_raster",
		"postgis_sfcgal", "postgis_tiger_geocoder", "postgis_topology", "postgres_fdw", "postgres_protobuf", "semver",
		"session_variable", "sslinfo", "tablefunc", "tdigest", "tds_fdw", "temporal_tables", "timescaledb", "topn",
		"tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp", "vector"}
}

// library is the library that an extension wants in shared_preload_libraries, by the notes of the same list.
type library struct {
	name string
	// optional says that the extension can be created without it, and lacks some function then.
	optional bool
}

func preloads() map[string]library {
	return map[string]library{
		"age": {name: "age"}, "anon": {name: "anon"}, "azure_storage": {name: "azure_storage"},
		"credcheck": {name: "credcheck"}, "pgaudit": {name: "pgaudit"}, "pg_cron": {name: "pg_cron"},
		"pg_duckdb": {name: "pg_duckdb"}, "pg_failover_slots": {name: "pg_failover_slots"}, "pg_ivm": {name: "pg_ivm"},
		"pglogical": {name: "pglogical"}, "pg_squeeze": {name: "pg_squeeze"}, "timescaledb": {name: "timescaledb"},
		"pg_stat_statements": {name: "pg_stat_statements", optional: true},
		"pg_hint_plan":       {name: "pg_hint_plan", optional: true},
		"pg_partman":         {name: "pg_partman_bgw", optional: true},
		"pg_prewarm":         {name: "pg_prewarm", optional: true},
	}
}

// catalogExtensions live in pg_catalog because their control files say so, on every server.
func catalogExtensions() []string {
	return []string{"plpgsql", "plperl", "plperlu", "pltcl", "pltclu", "plpythonu", "plpython2u", "plpython3u", "plv8",
		"plcoffee", "plls", "pg_cron", "adminpack"}
}

// azureLanguages are the procedural languages of flexible server, by the list above.
func azureLanguages() []string { return []string{"plv8"} }
