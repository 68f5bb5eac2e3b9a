package catalog

import (
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

func prerequisite(t *testing.T, code finding.Code, leg string, args finding.Args) report.Finding {
	t.Helper()
	facts := Facts{"leg": leg, "endpoint": "db.example:5432", "server": "orders", "resourceGroup": "rg", "user": `mig"rator`,
		"targetServer": "new", "targetResourceGroup": "rg2"}
	worded, err := load(t).Word(finding.Finding{Code: code, Layer: finding.Prerequisites, Leg: leg, Args: args}, facts)
	if err != nil {
		t.Fatal(err)
	}
	return worded
}

// The command is that of whoever runs the server, and of nobody else.
func TestPrerequisiteRemediesFollowThePlatform(t *testing.T) {
	slots := func(platform string) finding.Args {
		return finding.Args{platform: true, "setting": "max_replication_slots", "value": 5, "setTo": 12}
	}
	for _, row := range []struct {
		name string
		code finding.Code
		leg  string
		args finding.Args
		want []string
	}{
		{"self-hosted", finding.PreReplicationSlots, "source", slots("selfHosted"),
			[]string{`ALTER SYSTEM SET "max_replication_slots" = '12';`}},
		{"RDS", finding.PreReplicationSlots, "source", slots("rds"), []string{
			"aws rds modify-db-parameter-group --db-parameter-group-name PARAMETER_GROUP --parameters " +
				"ParameterName=max_replication_slots,ParameterValue=12,ApplyMethod=pending-reboot && " +
				"aws rds reboot-db-instance --db-instance-identifier orders"}},
		{"Cloud SQL", finding.PreReplicationSlots, "source", slots("cloudSQL"),
			[]string{"gcloud sql instances patch INSTANCE --database-flags=max_replication_slots=12"}},
		{"target", finding.PreReplicationSlots, "target", slots("azure"), []string{
			"az postgres flexible-server parameter set -g rg -s orders -n max_replication_slots -v 12 && " +
				"az postgres flexible-server restart -g rg -n orders"}},
		{"Single Server", finding.PreReplicationSlots, "source", slots("azure"),
			[]string{"az postgres server configuration set -g rg -s orders -n max_replication_slots -v 12"}},
		{"RDS, wal_level", finding.PreWALLevel, "source", finding.Args{"rds": true}, []string{
			"aws rds modify-db-parameter-group --db-parameter-group-name PARAMETER_GROUP --parameters " +
				"ParameterName=rds.logical_replication,ParameterValue=1,ApplyMethod=pending-reboot && " +
				"aws rds reboot-db-instance --db-instance-identifier orders"}},
		{"RDS, role", finding.PreReplicationRole, "source", finding.Args{"rds": true, "role": "m"},
			[]string{`GRANT rds_replication TO "m";`}},
		{"role", finding.PreReplicationRole, "source", finding.Args{"selfHosted": true},
			[]string{`ALTER ROLE "mig""rator" WITH REPLICATION;`}},
		{"allow-list", finding.PreExtensionNotAllowed, "target", finding.Args{"azure": true, "setTo": "hstore,uuid-ossp"},
			[]string{"az postgres flexible-server parameter set -g rg2 -s new -n azure.extensions -v hstore,uuid-ossp"}},
		{"md5 passwords", finding.PrePasswordEncryption, "target", finding.Args{"azure": true},
			[]string{"az postgres flexible-server parameter set -g rg2 -s new -n password_encryption -v md5"}},
		{"PostGIS", finding.PrePostGISVersion, "target", finding.Args{"azure": true, "version": "3.5.2", "targetVersion": "3.4.1"},
			[]string{"az postgres flexible-server upgrade -g rg2 -n new --version TARGET_VERSION"}},
		{"base type", finding.PreBaseType, "source", finding.Args{"selfHosted": true, "database": "d", "count": 1},
			[]string{"ALTER TABLE TABLE_NAME ALTER COLUMN COLUMN_NAME TYPE text USING COLUMN_NAME::text;",
				"DROP TYPE TYPE_NAME CASCADE;"}},
		{"Entra role", finding.PreRoleMissing, "target", finding.Args{"azure": true, "count": 1, "name": "ann@contoso.com"},
			[]string{`SELECT * FROM pgaadauth_create_principal('ann@contoso.com', false, false);`}},
		{"temporary tablespaces", finding.PreTempTablespaces, "target", finding.Args{"azure": true}, []string{
			"az postgres flexible-server parameter set -g rg2 -s new -n azure.enable_temp_tablespaces_on_local_ssd -v off && " +
				"az postgres flexible-server restart -g rg2 -n new"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, r := range prerequisite(t, row.code, row.leg, row.args).Remedy {
				if r.Command != "" {
					got = append(got, r.Command)
				}
			}
			if strings.Join(got, "\n") != strings.Join(row.want, "\n") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// What the login layer finds under the same codes has other args, and must read as a sentence too.
func TestPrerequisiteWordsDoWithoutArgs(t *testing.T) {
	c := load(t)
	for _, code := range []finding.Code{finding.PreWALLevel, finding.PreWALSenders, finding.PreReplicationRole} {
		for _, args := range []finding.Args{{"id": "REP-01"}, {"sqlstate": "53300", "message": "too many"}} {
			headline, err := c.Headline(finding.Finding{Code: code, Leg: "source", Args: args}, Facts{"endpoint": "db:5432", "user": "m"})
			if err != nil || strings.Contains(headline, "= ;") || strings.Contains(headline, "  ") {
				t.Errorf("%s: %q, %v", code, headline, err)
			}
			if worded := prerequisite(t, code, "source", args); len(worded.Remedy) == 0 || strings.Contains(worded.Detail, "()") {
				t.Errorf("%s: %+v", code, worded)
			}
		}
	}
}

func TestPrerequisitesCarryTheServiceCode(t *testing.T) {
	for code, want := range map[finding.Code]string{finding.PreVersionTooOld: "603400", finding.PreWALLevel: "603107",
		finding.PreReplicationSlots: "603105", finding.PreWALSenders: "603106", finding.PreReplicationRole: "603104",
		finding.PreReadOnly: "603112", finding.PreExtensionNotAllowed: "603108", finding.PreExtensionNotPreloaded: "603109",
		finding.PreExtensionUnsupported: "603405", finding.PreExtensionSchema: "603407", finding.PreCollationMissing: "603401",
		finding.PreCollationUserDefined: "603403", finding.PreTableWithOIDs: "603404", finding.PreUserCast: "603409",
		finding.PreLanguageUnsupported: "603413", finding.PreCatalogGrant: "603410", finding.PreDatabaseOwner: "603110",
		finding.PreSignalBackend: "603111", finding.PreAzurePGAdmin: "603115", finding.PreCreateRole: "603116",
		finding.PreDatabaseExists: "603101", finding.PreDatabaseDrop: "603117", finding.PreTableWithoutKey: "",
		finding.PreStorage: "", finding.PreTempTablespaces: "", finding.PreRoleMissing: "603103", finding.PreBaseType: "", finding.PreNotCarried: "", finding.PrePostGISVersion: "603406", finding.PrePasswordEncryption: "", finding.PreNotChecked: ""} {
		if got := prerequisite(t, code, "source", nil).ServiceCode; got != want {
			t.Errorf("%s has %q, not %q", code, got, want)
		}
	}
}
