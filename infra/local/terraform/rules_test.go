package terraform_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/arm"
	"github.com/pgpreflight/pgpreflight/infra/local/terraform"
)

// recorded is what TestWire sent when RECORD was last set.
func recorded(t *testing.T, example string) []arm.Call {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", example+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var calls []arm.Call
	if err := json.Unmarshal(content, &calls); err != nil {
		t.Fatal(err)
	}
	return calls
}

func TestJudgeFindsNothing(t *testing.T) {
	t.Parallel()
	for example, want := range map[string]terraform.Want{"private-source": wantFlex(), "premium-locked-down": wantPremium()} {
		if found := terraform.Judge(recorded(t, example), want); len(found) > 0 {
			t.Errorf("%s: %v", example, found)
		}
	}
}

// Each row changes what was sent in one place, in the text of the JSON, and names the one rule that must speak.
func TestJudge(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ example, kind, old, text, rule string }{
		"account key": {"private-source", "microsoft.web/sites", `"name":"AzureWebJobsStorage","value":""`,
			`"name":"OTHER","value":"AccountKey=;"`, terraform.RuleNoKey},
		"key of the plane": {"private-source", "microsoft.web/sites", `"2400"`, `"` + arm.Secret + `"`, terraform.RuleNoKey},
		"delegation":       {"private-source", "microsoft.network/virtualnetworks/subnets", `Microsoft.App/environments`, `Microsoft.Web/serverFarms`, terraform.RuleDelegation},
		"route table":      {"private-source", "microsoft.network/virtualnetworks/subnets", `rt-postgres`, `rt-other`, terraform.RuleFilters},
		"NSG":              {"premium-locked-down", "microsoft.network/virtualnetworks/subnets", `nsg-postgres`, `nsg-other`, terraform.RuleFilters},
		"identity":         {"premium-locked-down", "microsoft.web/sites", `"keyVaultReferenceIdentity":"`, `"keyVaultReferenceIdentity":"x`, terraform.RuleIdentity},
		"other client":     {"private-source", "microsoft.web/sites", `"ResultTables__credential","value":"managedidentity"`, `"ResultTables__credential","value":"x"`, terraform.RuleIdentity},
		"runtime":          {"private-source", "microsoft.web/sites", `"name":"custom"`, `"name":"node"`, terraform.RuleRuntime},
		"worker":           {"premium-locked-down", "microsoft.web/sites", `"value":"custom"`, `"value":"node"`, terraform.RuleRuntime},
		"public vault":     {"private-source", "microsoft.keyvault/vaults", `"publicNetworkAccess":"Disabled"`, `"publicNetworkAccess":"Enabled"`, terraform.RulePrivate},
		"public bus":       {"premium-locked-down", "microsoft.servicebus/namespaces", `"publicNetworkAccess":"Disabled"`, `"publicNetworkAccess":"Enabled"`, terraform.RulePrivate},
		"public site":      {"premium-locked-down", "microsoft.web/sites", `"publicNetworkAccess":"Disabled"`, `"publicNetworkAccess":"Enabled"`, terraform.RulePrivate},
		"public topic":     {"private-source", "microsoft.eventgrid/topics", `"publicNetworkAccess":"Disabled"`, `"publicNetworkAccess":"Enabled"`, terraform.RulePrivate},
		"keys of a queue":  {"private-source", "microsoft.servicebus/namespaces", `"disableLocalAuth":true`, `"disableLocalAuth":false`, terraform.RuleNoKeyAuth},
		"publish password": {"premium-locked-down", "microsoft.web/sites/basicpublishingcredentialspolicies", `"allow":false`, `"allow":true`, terraform.RuleNoKeyAuth},
		"lock":             {"private-source", "microsoft.servicebus/namespaces/queues", `"PT5M"`, `"PT1M"`, terraform.RuleQueue},
		"no duplicates":    {"private-source", "microsoft.servicebus/namespaces/queues", `"requiresDuplicateDetection":true`, `"requiresDuplicateDetection":false`, terraform.RuleQueue},
		"other role":       {"private-source", "microsoft.authorization/roleassignments", role("Storage Blob Data Owner"), role("Owner"), terraform.RuleRoles},
		"writer":           {"private-source", "microsoft.authorization/roledefinitions", `Microsoft.Network/routeTables/read`, `Microsoft.Network/routeTables/*`, terraform.RuleRoles},
		"endpoint":         {"private-source", "microsoft.network/privateendpoints", `"groupIds":["vault"]`, `"groupIds":["other"]`, terraform.RuleEndpoints},
		"setting":          {"private-source", "microsoft.web/sites", `"MAX_CONCURRENT_CHECKS","value":"512"`, `"MAX_CONCURRENT_CHECKS","value":"256"`, terraform.RuleSettings},
		"events by key":    {"private-source", "microsoft.eventgrid/eventsubscriptions", `"deliveryWithResourceIdentity"`, `"delivery"`, terraform.RuleEvents},
		"alert":            {"private-source", "microsoft.insights/scheduledqueryrules", `-route-down`, `-other`, terraform.RuleAlerts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := wantFlex()
			if row.example == "premium-locked-down" {
				want = wantPremium()
			}
			found := terraform.Judge(changed(t, recorded(t, row.example), row.kind, row.old, row.text), want)
			if len(found) == 0 {
				t.Fatal("nothing was found")
			}
			for _, violation := range found {
				if violation.Rule != row.rule {
					t.Errorf("%s, and not %q alone", violation, row.rule)
				}
			}
		})
	}
}

func role(name string) string { id := arm.RoleID(name); return id[strings.LastIndex(id, "/")+1:] }

// changed replaces text in the calls of one type; text that is in none of them is a mistake of the row.
func changed(t *testing.T, calls []arm.Call, kind, old, text string) []arm.Call {
	t.Helper()
	hit := false
	for i, call := range calls {
		if call.Type != kind {
			continue
		}
		before, err := json.Marshal(call)
		if err != nil {
			t.Fatal(err)
		}
		after := strings.ReplaceAll(string(before), old, text)
		hit = hit || after != string(before)
		calls[i] = arm.Call{}
		if err := json.Unmarshal([]byte(after), &calls[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !hit {
		t.Fatalf("no call of %s has %s", kind, old)
	}
	return calls
}

func TestJudgeMissesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	rules := map[string]bool{}
	for _, violation := range terraform.Judge(nil, wantFlex()) {
		rules[violation.Rule] = true
	}
	for _, rule := range []string{terraform.RuleDelegation, terraform.RuleIdentity, terraform.RuleRuntime, terraform.RuleNoKeyAuth,
		terraform.RuleQueue, terraform.RuleRoles, terraform.RuleEndpoints, terraform.RuleSettings, terraform.RuleEvents, terraform.RuleAlerts} {
		if !rules[rule] {
			t.Errorf("nothing was sent, and %q is content", rule)
		}
	}
}
