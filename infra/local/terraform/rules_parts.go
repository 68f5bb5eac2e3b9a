package terraform

import (
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/arm"
)

// private looks at every write: what was public for a minute was public.
func (j *judge) private() {
	kinds := []string{"microsoft.storage/storageaccounts", "microsoft.keyvault/vaults", "microsoft.servicebus/namespaces",
		"microsoft.web/sites", "microsoft.eventgrid/topics"}
	for _, call := range j.calls {
		if call.Body == nil || !slices.Contains(kinds, call.Type) || slices.Contains(j.want.Public, call.Type) {
			continue
		}
		access := At(call.Body, "properties", "publicNetworkAccess")
		j.expect(same(access, "Disabled"), RulePrivate, "%s has publicNetworkAccess %v", call.ID, access)
	}
	for _, call := range j.of("microsoft.storage/storageaccounts") {
		j.expect(At(call.Body, "properties", "allowBlobPublicAccess") == false, RulePrivate, "%s lets blobs be public",
			call.ID)
		j.expect(same(At(call.Body, "properties", "networkAcls", "defaultAction"), "Deny"), RulePrivate,
			"%s allows by default", call.ID)
	}
	for _, call := range j.of("microsoft.keyvault/vaults") {
		j.expect(same(At(call.Body, "properties", "networkAcls", "defaultAction"), "Deny"), RulePrivate,
			"%s allows by default", call.ID)
	}
	for _, call := range j.of("microsoft.web/sites") {
		j.expect(At(call.Body, "properties", "httpsOnly") == true, RulePrivate, "%s answers plain http", call.ID)
		publishers := At(call.Body, "properties", "siteConfig", "scmIpSecurityRestrictionsDefaultAction")
		j.expect(same(publishers, "Deny"), RulePrivate, "%s lets everybody publish", call.ID)
	}
}

// keyAuth: azurerm keeps the keys that a service has in the state, so they must be of no use.
func (j *judge) keyAuth() {
	for kind, off := range map[string]struct {
		path  []string
		value bool
	}{
		"microsoft.storage/storageaccounts":        {[]string{"properties", "allowSharedKeyAccess"}, false},
		"microsoft.servicebus/namespaces":          {[]string{"properties", "disableLocalAuth"}, true},
		"microsoft.keyvault/vaults":                {[]string{"properties", "enableRbacAuthorization"}, true},
		"microsoft.insights/components":            {[]string{"properties", "DisableLocalAuth"}, true},
		"microsoft.operationalinsights/workspaces": {[]string{"properties", "features", "disableLocalAuth"}, true},
		"microsoft.eventgrid/topics":               {[]string{"properties", "disableLocalAuth"}, true},
		// the credentials that publish
		"microsoft.web/sites/basicpublishingcredentialspolicies": {[]string{"properties", "allow"}, false},
	} {
		for _, call := range j.of(kind) {
			has := At(call.Body, off.path...)
			j.expect(has == off.value, RuleNoKeyAuth, "%s has %s %v", call.ID, strings.Join(off.path, "."), has)
		}
	}
	policies := len(j.of("microsoft.web/sites/basicpublishingcredentialspolicies"))
	j.expect(policies > 0 && (j.want.Flex || policies == 2), RuleNoKeyAuth, "%d publishing policies were set", policies)
}

func (j *judge) queue() {
	queue, ok := j.one(RuleQueue, "microsoft.servicebus/namespaces/queues", "/check-requests")
	if !ok {
		return
	}
	for name, value := range map[string]any{
		"lockDuration": "PT5M", "maxDeliveryCount": 10.0, "deadLetteringOnMessageExpiration": true,
		"defaultMessageTimeToLive":   "P14D",
		"requiresDuplicateDetection": true, "duplicateDetectionHistoryTimeWindow": "PT10M", "requiresSession": false,
	} {
		has := At(queue.Body, "properties", name)
		j.expect(has == value, RuleQueue, "%s is %v, not %v", name, has, value)
	}
	for _, namespace := range j.of("microsoft.servicebus/namespaces") {
		j.expect(!same(At(namespace.Body, "sku", "name"), "Basic"), RuleQueue, "a Basic namespace knows no duplicates")
	}
}

func (j *judge) endpoints() {
	var groups []string
	for _, endpoint := range j.of("microsoft.network/privateendpoints") {
		connection := At(endpoint.Body, "properties", "privateLinkServiceConnections", "0")
		group, _ := At(connection, "properties", "groupIds", "0").(string)
		groups = append(groups, group)
	}
	slices.Sort(groups)
	want := slices.Sorted(slices.Values(j.want.Endpoints))
	j.expect(slices.Equal(groups, want), RuleEndpoints, "%v, not %v", groups, want)
}

func (j *judge) events() {
	subscriptions := j.of("microsoft.eventgrid/eventsubscriptions")
	j.expect(len(subscriptions) > 0 == j.want.Events, RuleEvents, "%d subscriptions", len(subscriptions))
	for _, subscription := range subscriptions {
		delivery := At(subscription.Body, "properties", "deliveryWithResourceIdentity")
		j.expect(same(At(delivery, "identity", "type"), "SystemAssigned") &&
			same(At(delivery, "destination", "endpointType"), "ServiceBusQueue"), RuleEvents, "delivery is %v", delivery)
		dead := At(subscription.Body, "properties", "deadLetterWithResourceIdentity", "deadLetterDestination", "endpointType")
		j.expect(same(dead, "StorageBlob"), RuleEvents, "what cannot be delivered goes to %v", dead)
	}
}

func (j *judge) alerts() {
	names := []string{}
	for _, alert := range append(j.of("microsoft.insights/scheduledqueryrules"), j.of("microsoft.insights/metricalerts")...) {
		names = append(names, alert.ID[strings.LastIndex(alert.ID, "/")+1:])
	}
	for _, ending := range []string{"-route-down", "-dead-letters", "-dead-letters-stay", "-health-red", "-no-checks"} {
		j.expect(slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ending) }), RuleAlerts,
			"none of %v ends with %s", names, ending)
	}
	j.expect(len(j.of("microsoft.insights/diagnosticsettings")) >= 3, RuleAlerts, "only %d diagnostic settings",
		len(j.of("microsoft.insights/diagnosticsettings")))
}

func (j *judge) roles() {
	roles := []string{}
	for _, assignment := range j.of("microsoft.authorization/roleassignments") {
		scope, _, _ := strings.Cut(assignment.ID, "/providers/Microsoft.Authorization/")
		id, _ := At(assignment.Body, "properties", "roleDefinitionId").(string)
		role := j.roleName(id)
		roles = append(roles, role+" @ "+scope[strings.LastIndex(scope, "/")+1:])
		j.expect(strings.Contains(scope, "/providers/"), RuleRoles, "%s on all of %s", role, scope)
	}
	slices.Sort(roles)
	want := slices.Sorted(slices.Values(j.want.Roles))
	for _, role := range roles {
		j.expect(slices.Contains(want, role), RuleRoles, "%s is one too many", role)
	}
	for _, role := range want {
		j.expect(slices.Contains(roles, role), RuleRoles, "%s is missing", role)
	}
	j.expect(len(roles) == len(want), RuleRoles, "%d assignments, not %d", len(roles), len(want))
	for _, definition := range j.of("microsoft.authorization/roledefinitions") {
		actions, _ := At(definition.Body, "properties", "permissions", "0", "actions").([]any)
		j.expect(len(actions) > 0, RuleRoles, "%s allows nothing", definition.ID)
		for _, action := range actions {
			text, _ := action.(string)
			j.expect(strings.HasSuffix(text, "/read") && !strings.Contains(text, "*"), RuleRoles, "the reader may %s", text)
		}
	}
}

// roleName names built-in roles, and calls ours by the name that it was made with.
func (j *judge) roleName(id string) string {
	for _, role := range BuiltIn {
		if same(id, arm.RoleID(role)) {
			return role
		}
	}
	for _, definition := range j.of("microsoft.authorization/roledefinitions") {
		if strings.HasSuffix(strings.ToLower(id), strings.ToLower(definition.ID[strings.LastIndex(definition.ID, "/"):])) {
			name, _ := At(definition.Body, "properties", "roleName").(string)
			return name
		}
	}
	return id
}

// BuiltIn are the built-in roles that may be assigned.
var BuiltIn = []string{"Storage Blob Data Owner", "Storage Blob Data Contributor", "Storage Table Data Contributor",
	"Azure Service Bus Data Receiver", "Azure Service Bus Data Sender", "Key Vault Secrets User",
	"Monitoring Metrics Publisher", "Reader"}
