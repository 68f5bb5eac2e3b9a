package terraform_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/arm"
	"github.com/pgpreflight/pgpreflight/infra/local/terraform"
)

const group = "/subscriptions/" + arm.Subscription + "/resourceGroups/"

// Ids of what somebody else made, as the examples name them.
const (
	network       = group + "rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
	securityGroup = group + "rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg-postgres"
	routeTable    = group + "rg-network/providers/Microsoft.Network/routeTables/rt-postgres"
)

func tools(t *testing.T) terraform.Tools {
	t.Helper()
	found, err := terraform.Find(t.Context(), ".")
	if errors.Is(err, terraform.ErrNoTools) {
		t.Skip(terraform.ErrNoTools)
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// bench is a workspace with a management plane of its own.
type bench struct {
	*terraform.Workspace
	t     *testing.T
	plane *arm.Plane
}

func newBench(t *testing.T) bench {
	t.Helper()
	found := tools(t)
	plane, err := arm.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		plane.Close()
		if strayed := plane.Strayed(); len(strayed) > 0 {
			t.Errorf("reached for %v: nothing but the plane on loopback is to be asked", strayed)
		}
	})
	seed(plane)
	workspace, err := terraform.NewWorkspace(found, filepath.Join("..", ".."), t.TempDir(), plane)
	if err != nil {
		t.Fatal(err)
	}
	return bench{Workspace: workspace, t: t, plane: plane}
}

func seed(plane *arm.Plane) {
	for _, name := range []string{"rg-network", "rg-dns", "rg-shared", "rg-database", "rg-pgpreflight"} {
		plane.Seed(group+name, nil)
	}
	plane.Seed(network, map[string]any{"addressSpace": map[string]any{"addressPrefixes": []any{"10.1.0.0/16"}}})
	plane.Seed(securityGroup, nil)
	plane.Seed(routeTable, nil)
	for name, prefix := range map[string]string{"snet-postgres": "10.1.0.0/24", "snet-function": "10.1.7.0/27"} {
		plane.Seed(network+"/subnets/"+name, map[string]any{"addressPrefix": prefix,
			"networkSecurityGroup": map[string]any{"id": securityGroup}, "routeTable": map[string]any{"id": routeTable}})
	}
	plane.Seed(network+"/subnets/snet-endpoints", map[string]any{"addressPrefix": "10.1.6.0/28"})
	for _, server := range []string{"orders", "ledger", "ledger-runtime"} {
		plane.Seed(group+"rg-database/providers/Microsoft.DBforPostgreSQL/flexibleServers/"+server, nil)
	}
	for _, zone := range []string{"blob.core.windows.net", "table.core.windows.net", "vaultcore.azure.net",
		"servicebus.windows.net", "azurewebsites.net", "postgres.database.azure.com"} {
		plane.Seed(group+"rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink."+zone, nil)
	}
	for _, shared := range []string{"OperationalInsights/workspaces/log-platform", "Insights/actionGroups/ag-platform",
		"KeyVault/vaults/kv-platform", "ServiceBus/namespaces/sbns-platform", "EventGrid/topics/evgt-platform"} {
		plane.Seed(group+"rg-shared/providers/Microsoft."+shared, nil)
	}
}

// run ends the test where terraform does not end well.
func (b bench) run(args ...string) string {
	b.t.Helper()
	out, err := b.Run(b.t.Context(), args...)
	if err != nil {
		b.t.Fatalf("terraform %v: %v\n%s\nrefused: %v", args, err, out, b.plane.Refused())
	}
	return out
}

var apply = []string{"apply", "-auto-approve", "-no-color", "-input=false", "-parallelism=60"}

// What the app gets in every deployment with a vault of its own.
var appRoles = []string{"Azure Service Bus Data Receiver @ check-requests", "Azure Service Bus Data Sender @ check-requests",
	"Key Vault Secrets User @ kv-%", "Monitoring Metrics Publisher @ appi-%", "Storage Blob Data Owner @ st%",
	"Storage Table Data Contributor @ st%"}

func roles(name string, more ...string) []string {
	all := slices.Clone(more)
	for _, role := range appRoles {
		all = append(all, strings.ReplaceAll(role, "%", name))
	}
	return all
}

func wantFlex() terraform.Want {
	const reader = "pgpreflight reader (orders, rg-pgpreflight) @ "
	return terraform.Want{
		Flex: true, Delegation: "Microsoft.App/environments", SecurityGroup: securityGroup, RouteTable: routeTable,
		Public:    []string{"microsoft.servicebus/namespaces"},
		Endpoints: []string{"blob", "table", "vault", "sites", "topic"},
		Events:    true,
		Roles: roles("orders",
			"Azure Service Bus Data Sender @ check-replies",                                                        // replies
			"Azure Service Bus Data Sender @ check-requests", "Storage Blob Data Contributor @ undelivered-events", // the topic
			"Key Vault Secrets User @ kv-orders", // references
			reader+"vnet-migration", reader+"nsg-postgres", reader+"rt-postgres", reader+"orders"),
		Settings: map[string]string{
			"CheckQueue__fullyQualifiedNamespace": "sbns-orders.servicebus.windows.net", "CHECK_QUEUE": "check-requests",
			"ResultTables__tableServiceUri":    "https://storders.table.core.windows.net",
			"AzureWebJobsStorage__accountName": "storders", "READINESS_SCHEDULE": "0 */5 * * * *",
			"ALLOWED_TARGETS": "10.0.0.0/8,*.corp.example,*.postgres.database.azure.com", "ALLOWED_PORTS": "5432,6432",
			"MAX_CONCURRENT_CHECKS": "512", "PUBLIC_BASE_URL": "https://func-orders.azurewebsites.net",
			"REPORT_LINK_KEY":        "@Microsoft.KeyVault(SecretUri=https://kv-orders.vault.azure.net/secrets/report-link-key)",
			"ORDERS_SOURCE_PASSWORD": "@Microsoft.KeyVault(SecretUri=https://kv-orders.vault.azure.net/secrets/orders-source-password)",
		},
	}
}

func wantPremium() terraform.Want {
	return terraform.Want{
		Delegation: "Microsoft.Web/serverFarms", SecurityGroup: securityGroup, RouteTable: routeTable,
		Endpoints: []string{"blob", "table", "vault", "sites", "namespace"},
		Roles: roles("ledger", "Reader @ vnet-migration", "Reader @ nsg-postgres", "Reader @ rt-postgres", "Reader @ ledger",
			"Reader @ ledger-runtime"),
		Settings: map[string]string{
			"CheckQueue__fullyQualifiedNamespace": "sbns-ledger.servicebus.windows.net",
			"ResultTables__tableServiceUri":       "https://stledger.table.core.windows.net",
			"AzureWebJobsStorage__accountName":    "stledger", "ALLOWED_CALLBACKS": "*.corp.example",
			"TICKET_SECRETS":         `{"generic":"GENERIC_WEBHOOK_SECRET"}`,
			"TICKET_APIS":            `{"jira":{"tokenSetting":"JIRA_API_TOKEN","url":"https://tickets.corp.example","user":"pgpreflight@corp.example"}}`,
			"GENERIC_WEBHOOK_SECRET": "@Microsoft.KeyVault(SecretUri=https://kv-ledger.vault.azure.net/secrets/tickets-webhook)",
			"CALLBACK_SECRET":        "@Microsoft.KeyVault(SecretUri=https://kv-ledger.vault.azure.net/secrets/callback-key)",
		},
	}
}

// Layer 4: the provider applies, finds nothing to change, and takes everything away again. Most of the time it waits, as
// it would for Azure: two minutes for the metric alert, three for a role definition that is gone.
func TestWire(t *testing.T) {
	t.Parallel()
	for example, want := range map[string]terraform.Want{"private-source": wantFlex(), "premium-locked-down": wantPremium()} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			before := b.plane.Resources()
			file := "-var-file=examples/" + example + ".tfvars"
			b.run(append(slices.Clone(apply), file)...)
			for _, violation := range terraform.Judge(b.plane.Calls(), want) {
				t.Error(violation)
			}
			b.recordFor(example)
			b.keysInState()
			if out, err := b.Run(t.Context(), "plan", "-detailed-exitcode", "-no-color", "-input=false", file); err != nil {
				t.Errorf("the second plan is not empty: %v\n%s", err, out)
			}
			b.run("destroy", "-auto-approve", "-no-color", "-input=false", "-parallelism=60", file)
			left := slices.DeleteFunc(b.plane.Resources(), func(id string) bool { return slices.Contains(before, id) })
			if len(left) > 0 {
				t.Errorf("left after destroy: %v", left)
			}
		})
	}
}

// recordFor keeps what was sent, as the material of the rules' own tests. Set RECORD=1 to renew it.
func (b bench) recordFor(example string) {
	b.t.Helper()
	if os.Getenv("RECORD") == "" {
		return
	}
	recorded, err := json.MarshalIndent(b.plane.Calls(), "", " ")
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", example+".json"), append(recorded, '\n'), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// keysInState: the provider keeps in the state the keys that Azure gives out for accounts. Those open nothing (RuleNoKeyAuth);
// anywhere else none may be.
func (b bench) keysInState() {
	b.t.Helper()
	content, err := os.ReadFile(filepath.Join(b.Dir, "terraform.tfstate"))
	if err != nil {
		b.t.Fatal(err)
	}
	var state any
	if err := json.Unmarshal(content, &state); err != nil {
		b.t.Fatal(err)
	}
	known := []string{"primary_access_key", "secondary_access_key", "primary_connection_string", "secondary_connection_string",
		"primary_blob_connection_string", "secondary_blob_connection_string", "default_primary_key", "default_secondary_key",
		"default_primary_connection_string", "default_secondary_connection_string", "primary_shared_key", "secondary_shared_key",
		"password"} // of site_credential, which may not publish
	walk(state, "", func(name, text string) {
		if strings.Contains(text, arm.Secret) && !slices.Contains(known, name) {
			b.t.Errorf("the state has a key in %s", name)
		}
	})
}

// walk calls visit for every text with the name of the member that it is in.
func walk(v any, name string, visit func(name, text string)) {
	switch v := v.(type) {
	case map[string]any:
		for member, inner := range v {
			walk(inner, member, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, name, visit)
		}
	case string:
		visit(name, v)
	}
}
