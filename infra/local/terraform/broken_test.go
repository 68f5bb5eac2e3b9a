package terraform_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/terraform"
)

// broken is a mistake that somebody could make in the templates, and what must catch it.
type broken struct {
	name, file, old, text string
	// mocked is the message of the assertion in infra/tests; empty where mocks cannot see it.
	mocked string
	// rule and detail are those of the violation in what is sent when target is applied.
	rule, detail, target string
}

var mistakes = []broken{
	{name: "wrong delegation", file: "network.tf", old: `"Microsoft.App/environments", action`, text: `"Microsoft.Web/serverFarms", action`,
		mocked: "Flex Consumption needs the delegation Microsoft.App/environments.",
		rule:   terraform.RuleDelegation, detail: "not Microsoft.App/environments", target: "azurerm_subnet.function"},
	{name: "missing role", file: "roles.tf", old: `checks_send    =`, text: `checks_sendd   =`,
		mocked: "A role of the app is missing"},
	{name: "role of another", file: "roles.tf", old: `role = "Azure Service Bus Data Sender", scope = azurerm_servicebus_queue.checks.id`,
		text: `role = "Azure Service Bus Data Receiver", scope = azurerm_servicebus_namespace.this[0].id`,
		rule: terraform.RuleRoles, detail: "Azure Service Bus Data Sender @ check-requests is missing", target: "azurerm_role_assignment.app"},
	// what no layer before the wire can see: the provider puts the connection string in by itself
	{name: "key in a setting", file: "app_flex.tf", old: `    AzureWebJobsStorage              = ""` + "\n", text: "",
		rule: terraform.RuleNoKey, detail: "func-orders has AccountKey=", target: "azurerm_function_app_flex_consumption.this"},
	{name: "public storage", file: "storage.tf", old: `length(var.operator_ip_ranges) > 0`, text: `true`,
		mocked: "must have public access off",
		rule:   terraform.RulePrivate, detail: "storders has publicNetworkAccess Enabled", target: "azurerm_storage_account.this"},
	{name: "storage keys on", file: "storage.tf", old: `shared_access_key_enabled       = false`, text: `shared_access_key_enabled       = true`,
		mocked: "No key may open anything.",
		rule:   terraform.RuleNoKeyAuth, detail: "storders has properties.allowSharedKeyAccess true", target: "azurerm_storage_account.this"},
	{name: "no NSG", file: "network.tf", old: `local.make_function_subnet && var.network_security_group_id != null ? 1 : 0`, text: `0`,
		rule: terraform.RuleFilters, detail: "networkSecurityGroup is <nil>", target: "azurerm_subnet.function"},
	{name: "queue that drops what expires", file: "queue.tf", old: `dead_lettering_on_message_expiration    = true`,
		text: `dead_lettering_on_message_expiration    = false`, mocked: "The queue must fit the handler",
		rule: terraform.RuleQueue, detail: "deadLetteringOnMessageExpiration is false", target: "azurerm_servicebus_queue.checks"},
	{name: "another runtime", file: "app_flex.tf", old: `= "custom"`, text: `= "node"`, mocked: "The app must be a custom handler"},
}

// A deliberately broken copy of the templates is caught, each by the check that names it.
func TestBroken(t *testing.T) {
	t.Parallel()
	for _, mistake := range mistakes {
		t.Run(mistake.name, func(t *testing.T) {
			t.Parallel()
			if mistake.mocked != "" {
				b := newBench(t)
				b.damage(mistake)
				out, err := b.Run(t.Context(), "test", "-no-color", "-filter=tests/defaults.tftest.hcl")
				if err == nil || !strings.Contains(flat(out), mistake.mocked) {
					t.Errorf("terraform test does not say %q: %v\n%s", mistake.mocked, err, out)
				}
			}
			if mistake.rule != "" {
				b := newBench(t)
				b.damage(mistake)
				b.run(append(slices.Clone(apply), "-var-file=examples/private-source.tfvars", "-target="+mistake.target)...)
				b.catches(mistake)
			}
		})
	}
}

func (b bench) damage(mistake broken) {
	b.t.Helper()
	if err := b.Edit(mistake.file, mistake.old, mistake.text); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) catches(mistake broken) {
	b.t.Helper()
	violations := terraform.Judge(b.plane.Calls(), wantFlex())
	if !slices.ContainsFunc(violations, func(v terraform.Violation) bool {
		return v.Rule == mistake.rule && strings.Contains(v.Detail, mistake.detail)
	}) {
		b.t.Errorf("no violation of %q says %q: %v", mistake.rule, mistake.detail, violations)
	}
}

// flat undoes the wrapping of terraform's messages.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
