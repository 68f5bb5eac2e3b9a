package prerequisites

import "github.com/pgpreflight/pgpreflight/shared/request"

func serverQuestions(t Target) []Question {
	source, target := []Side{SideSource}, []Side{SideTarget}
	return []Question{
		{ID: "version", SQL: versionSQL,
			keep: single(func(o *Observation) **Version { return &o.Server.Version })},
		{ID: "settings", SQL: settingsSQL,
			keep: entries(func(o *Observation) *map[Text]Setting { return &o.Server.Settings })},
		{ID: "roles", SQL: rolesSQL,
			keep: single(func(o *Observation) **Roles { return &o.Server.Roles })},
		{ID: "catalog", SQL: catalogSQL + literals(t.Databases) + catalogEnd,
			keep: list(func(o *Observation) *[]CatalogRow { return &o.Server.Catalog })},
		{ID: "slots", Sides: source, Mode: request.Online, SQL: slotsSQL,
			keep: single(func(o *Observation) **Slots { return &o.Server.Slots })},
		{ID: "transactions", Sides: source, Mode: request.Online, SQL: transactionsSQL,
			keep: single(func(o *Observation) **Transactions { return &o.Server.Transactions })},
		{ID: "prepared", Sides: source, Mode: request.Online, SQL: preparedSQL,
			keep: single(func(o *Observation) **Prepared { return &o.Server.Prepared })},
		{ID: "decoder", Sides: source, Mode: request.Online, SQL: decoderSQL,
			keep: single(func(o *Observation) **Decoder { return &o.Server.Decoder })},
		{ID: "origins", Sides: target, Mode: request.Online, SQL: originsSQL,
			keep: single(func(o *Observation) **Origins { return &o.Server.Origins })},
		{ID: "azure", Sides: target, SQL: azureSQL,
			keep: entries(func(o *Observation) *map[Text]*Setting { return &o.Server.Azure })},
		{ID: "entraRoles", Sides: source, SQL: entraRolesSQL,
			keep: list(func(o *Observation) *[]Text { return &o.Server.EntraRoles })},
		{ID: "roleNames", Sides: target, SQL: roleNamesSQL,
			keep: list(func(o *Observation) *[]Text { return &o.Server.RoleNames })},
		{ID: "available", Sides: target, SQL: availableSQL,
			keep: entries(func(o *Observation) *map[Text]Text { return &o.Server.Available })},
		{ID: "collations", Sides: target, SQL: collationsSQL,
			keep: list(func(o *Observation) *[]Text { return &o.Server.Collations })},
	}
}

const versionSQL = `select json_build_object('num',current_setting('server_version_num')::int,
'inRecovery',pg_is_in_recovery(),'icu',exists(select 1 from pg_collation c where to_jsonb(c)->>'collprovider'='i'))`

// pg_settings leaves out what the role may not see, where SHOW and current_setting would raise an error.
// default_transaction_read_only can be asked for like this because the session's guard makes its transaction read-only
// by another setting.
const settingsSQL = `select json_build_object('n',name,'v',left(setting,3500)) from pg_settings where name in(
'wal_level','max_replication_slots','max_active_replication_origins','max_wal_senders','wal_sender_timeout',
'idle_in_transaction_session_timeout','default_transaction_read_only','max_locks_per_transaction','max_connections',
'max_prepared_transactions','shared_preload_libraries','password_encryption','rds.logical_replication',
'cloudsql.logical_decoding','alloydb.logical_decoding','azure.extensions')`

const rolesSQL = `select json_build_object('name',r.rolname,'superuser',r.rolsuper,'replication',r.rolreplication,
'createRole',r.rolcreaterole,'createDB',r.rolcreatedb,'member',(select json_object_agg(k.rolname,
pg_has_role(r.oid,k.oid,'member')) from pg_roles k where k.rolname in('rds_replication','rds_superuser',
'cloudsqlsuperuser','alloydbsuperuser','azure_pg_admin','pg_signal_backend','pg_read_all_settings',
'pg_read_all_stats'))) from pg_roles r where r.rolname=current_user`

const catalogSQL = `select json_build_object('name',datname,'owner',pg_get_userbyid(datdba),
'owns',pg_has_role(datdba,'usage'),'canCreate',has_database_privilege(oid,'create'),
'encoding',pg_encoding_to_char(encoding),'collate',datcollate,'ctype',datctype,'provider',to_jsonb(d)->>'datlocprovider')
from pg_database d where datname in(`

const catalogEnd = `) order by datname`

const slotsSQL = `select json_build_object('used',count(*),'senders',(select count(*) from pg_stat_replication),
'inactive',array(select slot_name from pg_replication_slots where not active and slot_type='logical'
order by 1 limit 10),'plugins',array(select distinct plugin from pg_replication_slots where plugin is not null
order by 1 limit 10))
from pg_replication_slots`

// Only a transaction with an xid is waited for when a slot is made. The text in the place of a query that we may not
// see is not translated; sessions without a database are the server's own.
const transactionsSQL = `with a as(select * from pg_stat_activity where pid<>pg_backend_pid()),
w as(select * from a where backend_xid is not null and xact_start is not null)
select json_build_object('open',(select count(*) from w),'hidden',(select count(*) from a where
query='<insufficient privilege>' and datid is not null and usesysid is not null),'oldest',(select row_to_json(x) from(
select pid,usename as user,datname as database,application_name as application,state,
round(extract(epoch from clock_timestamp()-xact_start)::numeric,1) as "ageSeconds"
from w order by xact_start limit 1)x))`

const preparedSQL = `select json_build_object('count',count(*),'oldestAgeSeconds',
coalesce(round(max(extract(epoch from clock_timestamp()-prepared))::numeric,1),0),
'first',array(select gid from pg_prepared_xacts order by prepared limit 10)) from pg_prepared_xacts`

// Before PostgreSQL 10 there is no pgoutput. A superuser of 9.6 can look for the library of test_decoding; the inner
// query is a text because its names must not be looked up, nor its rights tested, anywhere else.
const decoderSQL = `select json_build_object('testDecoding',case when current_setting('server_version_num')::int
between 90600 and 99999 and (select rolsuper from pg_roles where rolname=current_user) then
query_to_xml('` + libraryQuery + `',false,false,'')::text not like '%<n>0</n>%' end)`

const libraryQuery = `select count(*) n from pg_config c,unnest(''{so,dll,dylib,sl}''::text[])s,
pg_stat_file(c.setting||''/test_decoding.''||s,true)f where c.name=''PKGLIBDIR'' and f.size is not null`

const originsSQL = `select json_build_object('count',count(*)) from pg_replication_origin`

// A server of 9.5 does not know this form of current_setting, but flexible server begins with 11.
const azureSQL = `select json_build_object('n',n,'v',left(current_setting(n,true),3500)) from unnest(array[
'azure.extensions','azure.enable_temp_tablespaces_on_local_ssd'])n`

const availableSQL = `select json_build_object('n',name,'v',default_version)
from pg_available_extensions order by name limit 500`

// Those of every encoding: the source's databases need not have that of the one that is logged in to.
const collationsSQL = `select to_json(n) from(select distinct collname::text n from pg_collation c where
coalesce(to_jsonb(c)->>'collprovider','c')<>'i' order by 1 limit 3000)x`

// Roles that look like principals of Entra and have a use: Single Server marks its own by membership in azure_ad_user,
// and a user principal name has an @. pg_has_role would count every role of a superuser's.
const entraRolesSQL = `select to_json(rolname::text) from pg_roles r where rolname<>current_user
and rolname!~'^(pg_|rds|cloudsql|alloydb|azure)' and(rolname like '%@%' or exists(select 1 from pg_auth_members m
join pg_roles g on g.oid=m.roleid where m.member=r.oid and g.rolname='azure_ad_user'))and(rolcanlogin or exists(
select 1 from pg_shdepend where refclassid='pg_authid'::regclass and refobjid=r.oid and deptype='o'))
order by rolname limit 500`

const roleNamesSQL = `select to_json(rolname::text) from pg_roles where rolname!~'^pg_' order by rolname limit 2000`
