package prerequisites

func databaseQuestions() []Question {
	own := []Side{SideSource}
	counted := func(place func(*Database) **Counted) func([]string, *Observation) error { return single(mine(place)) }
	return []Question{
		{ID: "size", Scope: PerDatabase, Sides: own, SQL: sizeSQL,
			keep: single(mine(func(d *Database) **Size { return &d.Size }))},
		{ID: "tables", Scope: PerDatabase, Sides: own, SQL: tablesSQL,
			keep: list(mine(func(d *Database) *[]TableCount { return &d.Tables }))},
		{ID: "withOids", Scope: PerDatabase, Sides: own, SQL: withOIDsSQL,
			keep: counted(func(d *Database) **Counted { return &d.WithOIDs })},
		{ID: "extensions", Scope: PerDatabase, Sides: own, SQL: extensionsSQL,
			keep: list(mine(func(d *Database) *[]Extension { return &d.Extensions }))},
		{ID: "userCollations", Scope: PerDatabase, Sides: own, SQL: userCollationsSQL,
			keep: counted(func(d *Database) **Counted { return &d.UserCollations })},
		{ID: "collated", Scope: PerDatabase, Sides: own, SQL: collatedSQL,
			keep: list(mine(func(d *Database) *[]Collated { return &d.Collated }))},
		{ID: "casts", Scope: PerDatabase, Sides: own, SQL: castsSQL,
			keep: counted(func(d *Database) **Counted { return &d.Casts })},
		{ID: "baseTypes", Scope: PerDatabase, Sides: own, SQL: baseTypesSQL,
			keep: counted(func(d *Database) **Counted { return &d.BaseTypes })},
		{ID: "notCarried", Scope: PerDatabase, Sides: own, SQL: notCarriedSQL,
			keep: list(mine(func(d *Database) *[]TableCount { return &d.NotCarried }))},
		{ID: "languages", Scope: PerDatabase, Sides: own, SQL: languagesSQL,
			keep: list(mine(func(d *Database) *[]Text { return &d.Languages }))},
		{ID: "grants", Scope: PerDatabase, Sides: own, SQL: grantsSQL,
			keep: counted(func(d *Database) **Counted { return &d.Grants })},
	}
}

// userSchema picks what is not PostgreSQL's own.
const userSchema = `n.nspname!~'^pg_' and n.nspname<>'information_schema'`

const sizeSQL = `select json_build_object('bytes',pg_database_size(current_database()))`

// Tables of extensions are left out: the service does not copy them as tables. Partitions stand for their partitioned
// table, as they do in a publication. A deferrable primary key identifies no row.
// Members are looked up by their extension, since there can be 100,000 tables and each would be a look-up of its own.
const tablesSQL = `with c as(select c.oid,relkind k,relpersistence p,relreplident i,relowner o
from pg_class c join pg_namespace n on n.oid=relnamespace where relkind in('r','p','i','I') and ` + userSchema + `),
t as(select *,case i when 'f' then true
when 'n' then false when 'd' then exists(select 1 from pg_index where indrelid=c.oid and indisprimary and indimmediate) else
exists(select 1 from pg_index where indrelid=c.oid and indisreplident) end as keyed from c where k in('r','p') and
oid not in(select objid from pg_depend where refclassid='pg_extension'::regclass and classid='pg_class'::regclass
and deptype='e')),
x as(select 'relations' kind,null::text n from c union all
select 'keyless',oid::regclass::text from t where not keyed and p='p' and k='r' union all
select 'unlogged',oid::regclass::text from t where p='u' union all
select 'notOwned',oid::regclass::text from t where not pg_has_role(o,'usage') union all
select distinct 'ownedBy',pg_get_userbyid(o)::text from t where not pg_has_role(o,'usage'))
select json_build_object('kind',kind,'count',count(*),'first',array(select n from x y
where y.kind=x.kind and n is not null order by 1 limit 10)) from x group by kind`

// countedSQL ends a query that has named the rows of x by a column n.
const countedSQL = `select json_build_object('count',count(*),'first',array(select n from x order by 1 limit 10))
from x`

const withOIDsSQL = `with x as(select c.oid::regclass::text n from pg_class c where
current_setting('server_version_num')::int<120000 and relkind='r' and oid>=16384
and to_jsonb(c)->>'relhasoids'='true')` + countedSQL

const extensionsSQL = `select json_build_object('name',extname,'version',extversion,'schema',nspname)
from pg_extension e join pg_namespace n on n.oid=extnamespace order by extname limit 200`

// pg_import_system_collations makes collations in pg_catalog after initdb too; those are the operating system's.
const userCollationsSQL = `with x as(select quote_ident(nspname)||'.'||quote_ident(collname) n
from pg_collation o join pg_namespace n on n.oid=collnamespace where ` + userSchema + ` and not exists(
select 1 from pg_depend where classid='pg_collation'::regclass and objid=o.oid and deptype='e'))` + countedSQL

// 100, 950 and 951 are default, C and POSIX in every version.
const collatedSQL = `select json_build_object('name',collname,'provider',p,'column',min(col)) from(select l.collname,
to_jsonb(l)->>'collprovider' p,c.oid::regclass::text||'.'||quote_ident(a.attname) col
from pg_attribute a join pg_class c on c.oid=attrelid join pg_namespace n on n.oid=relnamespace
join pg_collation l on l.oid=attcollation
where attcollation not in(0,100,950,951) and attnum>0 and not attisdropped and relkind in('r','p')
and collnamespace='pg_catalog'::regnamespace and ` + userSchema + `)x group by collname,p order by collname limit 50`

// A range type brings its cast to a multirange (PostgreSQL 14), which depends on it internally.
const castsSQL = `with x as(select format_type(castsource,null)||' AS '||format_type(casttarget,null) n from pg_cast o
where oid>=16384 and not exists(select 1 from pg_depend where classid='pg_cast'::regclass and objid=o.oid
and deptype in('e','i')))` + countedSQL

// The array type that comes with a type has an input function of PostgreSQL's own.
const baseTypesSQL = `with x as(select quote_ident(nspname)||'.'||quote_ident(typname) n from pg_type t
join pg_namespace n on n.oid=typnamespace where typtype='b' and typinput::oid>=16384 and ` + userSchema + `
and not exists(select 1 from pg_depend where classid='pg_type'::regclass and objid=t.oid
and deptype='e'))` + countedSQL

// The clouds' own roles and tablespaces came with the server. Large objects are counted without their names.
const notCarriedSQL = `with x as(select 'textSearch' k,'parser '||quote_ident(prsname) n from pg_ts_parser o
where oid>=16384 and not exists(select 1 from pg_depend where classid='pg_ts_parser'::regclass and objid=o.oid
and deptype='e') union all select 'textSearch','template '||quote_ident(tmplname) from pg_ts_template o
where oid>=16384 and not exists(select 1 from pg_depend where classid='pg_ts_template'::regclass and objid=o.oid
and deptype='e') union all select 'tablespaces',spcname::text from pg_tablespace
where spcname!~'^(pg_|rds|cloudsql|alloydb|azure)' union all select 'superusers',rolname::text from pg_roles
where rolsuper and oid>=16384 and rolname!~'^(pg_|rds|cloudsql|alloydb|azure)')
select json_build_object('kind',k,'count',count(*),'first',array(select n from x y where y.k=x.k order by 1 limit 10))
from x group by k union all select json_build_object('kind','largeObjects','count',count(*))
from pg_largeobject_metadata having count(*)>0`

const languagesSQL = `select to_json(lanname::text) from pg_language where
lanname not in('internal','c','sql','plpgsql') order by lanname limit 20`

// The relations are those of the service's own query in "Permissions in migration scenarios". Roles of PostgreSQL and
// of the cloud providers got their rights with the server; everybody may read pg_pltemplate as it comes.
const grantsSQL = `with x as(select string_agg(distinct a.privilege_type,', ')||' on '||relname||' to '||
coalesce(r.rolname,'public') n from pg_class c cross join lateral aclexplode(relacl)a
left join pg_roles r on r.oid=a.grantee
where relnamespace='pg_catalog'::regnamespace and relname in('pg_authid','pg_largeobject','pg_subscription',
'pg_user_mapping','pg_statistic','pg_config','pg_file_settings','pg_hba_file_rules','pg_replication_origin_status',
'pg_shadow','pg_pltemplate') and a.grantee<>relowner and not(a.grantee=0 and relname='pg_pltemplate')
and coalesce(r.rolname,'')!~'^(pg_|rds|cloudsql|alloydb|azure)' group by relname,r.rolname)` + countedSQL
