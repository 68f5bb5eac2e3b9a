package terraform

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/arm"
)

func (j *judge) subnet() {
	if j.want.Delegation == "" {
		return
	}
	const kind = "microsoft.network/virtualnetworks/subnets"
	// between its making and the two associations it is written three times, and must never be without its delegation
	for _, call := range j.calls {
		if call.Type == kind && call.Body != nil && strings.HasSuffix(call.ID, "-function") {
			service := At(call.Body, "properties", "delegations", "0", "properties", "serviceName")
			j.expect(same(service, j.want.Delegation), RuleDelegation, "%s has %v, not %s", call.ID, service, j.want.Delegation)
		}
	}
	subnet, ok := j.one(RuleDelegation, kind, "-function")
	if !ok {
		return
	}
	for member, id := range map[string]string{"networkSecurityGroup": j.want.SecurityGroup,
		"routeTable": j.want.RouteTable} {
		has := At(subnet.Body, "properties", member, "id")
		j.expect(same(has, id) || has == nil && id == "", RuleFilters, "%s is %v, not %q", member, has, id)
	}
}

func (j *judge) site() {
	identity := j.identity()
	site, ok := j.one(RuleRuntime, "microsoft.web/sites", "")
	if !ok {
		return
	}
	_, has := object(At(site.Body, "identity", "userAssignedIdentities"))[identity.ID]
	j.expect(identity.ID != "" && has, RuleIdentity, "the site has %v, not %s", At(site.Body, "identity"), identity.ID)
	j.expect(At(site.Body, "properties", "virtualNetworkSubnetId") != nil, RuleFilters, "the site is in no subnet")
	settings := AppSettings(site)
	if !j.want.Flex {
		j.expect(settings["FUNCTIONS_WORKER_RUNTIME"] == "custom", RuleRuntime, "FUNCTIONS_WORKER_RUNTIME is %q",
			settings["FUNCTIONS_WORKER_RUNTIME"])
		j.expect(strings.HasSuffix(settings["WEBSITE_RUN_FROM_PACKAGE"], "/app-package/handler.zip"), RuleRuntime,
			"WEBSITE_RUN_FROM_PACKAGE is %q", settings["WEBSITE_RUN_FROM_PACKAGE"])
		// with a content share the host would want an account key
		j.expect(settings["WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"] == "", RuleSettings, "there is a content share")
		j.expect(same(At(site.Body, "properties", "keyVaultReferenceIdentity"), identity.ID), RuleIdentity,
			"references are read as %v", At(site.Body, "properties", "keyVaultReferenceIdentity"))
		return
	}
	config := At(site.Body, "properties", "functionAppConfig")
	j.expect(same(At(config, "runtime", "name"), "custom") && same(At(config, "runtime", "version"), "1.0"), RuleRuntime,
		"runtime is %v", At(config, "runtime"))
	storage := At(config, "deployment", "storage")
	j.expect(same(At(storage, "authentication", "type"), "UserAssignedIdentity") &&
		same(At(storage, "authentication", "userAssignedIdentityResourceId"), identity.ID), RuleIdentity,
		"the package is read as %v", At(storage, "authentication"))
	container, _ := At(storage, "value").(string)
	j.expect(strings.HasSuffix(container, ".blob.core.windows.net/app-package"), RuleRuntime, "the package is in %q",
		container)
}

func (j *judge) identity() arm.Call {
	identity, _ := j.one(RuleIdentity, "microsoft.managedidentity/userassignedidentities", "")
	return identity
}

func (j *judge) settings() {
	site, ok := j.one(RuleSettings, "microsoft.web/sites", "")
	if !ok {
		return
	}
	settings := AppSettings(site)
	for _, name := range slices.Sorted(maps.Keys(j.want.Settings)) {
		value, has := settings[name]
		j.expect(has && value == j.want.Settings[name], RuleSettings, "%s is %q, not %q", name, value, j.want.Settings[name])
	}
	// A host that reads the connection string would never look at the identity's settings.
	j.expect(settings["AzureWebJobsStorage"] == "", RuleSettings, "AzureWebJobsStorage is %q",
		settings["AzureWebJobsStorage"])
	client := settings["AZURE_CLIENT_ID"]
	for _, connection := range []string{"CheckQueue", "ResultTables", "AzureWebJobsStorage"} {
		ok := settings[connection+"__clientId"] == client && settings[connection+"__credential"] == "managedidentity"
		j.expect(client != "" && ok, RuleIdentity, "%s does not use the identity %q", connection, client)
	}
}

// AppSettings are the settings that a site is written with, by name.
func AppSettings(site arm.Call) map[string]string {
	settings := map[string]string{}
	sent, _ := At(site.Body, "properties", "siteConfig", "appSettings").([]any)
	for _, setting := range sent {
		name, _ := At(setting, "name").(string)
		settings[name], _ = At(setting, "value").(string)
	}
	return settings
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}
