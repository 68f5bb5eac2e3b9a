package arm

import (
	"fmt"
	"hash/crc32"
	"strings"
)

// computed is what Azure adds to a stored resource, by type: endpoints, ids, defaults that azurerm reads back.
var computed = map[string]func(name string) map[string]any{
	"microsoft.storage/storageaccounts": func(name string) map[string]any {
		endpoint := func(service string) string { return "https://" + name + "." + service + ".core.windows.net/" }
		return map[string]any{"primaryLocation": "westeurope", "primaryEndpoints": map[string]any{
			"blob": endpoint("blob"), "queue": endpoint("queue"), "table": endpoint("table"), "file": endpoint("file"),
			"dfs": endpoint("dfs"), "web": endpoint("z1.web")}}
	},
	"microsoft.managedidentity/userassignedidentities": func(name string) map[string]any {
		return map[string]any{"principalId": principal(name), "clientId": client(name), "tenantId": Tenant}
	},
	"microsoft.insights/components": func(string) map[string]any {
		return map[string]any{"InstrumentationKey": "44444444-4444-4444-4444-444444444444", "AppId": "appid",
			"ConnectionString": "InstrumentationKey=44444444-4444-4444-4444-444444444444;" +
				"IngestionEndpoint=https://westeurope.in.applicationinsights.azure.com/"}
	},
	"microsoft.operationalinsights/workspaces": func(string) map[string]any {
		return map[string]any{"customerId": "55555555-5555-5555-5555-555555555555"}
	},
	"microsoft.web/sites": func(name string) map[string]any {
		return map[string]any{"defaultHostName": name + ".azurewebsites.net", "outboundIpAddresses": "",
			"possibleOutboundIpAddresses": "", "customDomainVerificationId": "x"}
	},
	"microsoft.network/virtualnetworks/subnets": func(string) map[string]any {
		return map[string]any{"privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled"}
	},
	"microsoft.keyvault/vaults": func(name string) map[string]any {
		return map[string]any{"vaultUri": "https://" + name + ".vault.azure.net/"}
	},
	"microsoft.eventgrid/topics": func(name string) map[string]any {
		return map[string]any{"endpoint": "https://" + name + ".westeurope-1.eventgrid.azure.net/api/events"}
	},
	"microsoft.servicebus/namespaces": func(name string) map[string]any {
		return map[string]any{"serviceBusEndpoint": "https://" + name + ".servicebus.windows.net:443/"}
	},
	"microsoft.servicebus/namespaces/queues": func(string) map[string]any {
		return map[string]any{"status": "Active", "autoDeleteOnIdle": "P10675199DT2H48M5.4775807S"}
	},
}

// addIdentity fills in what the platform gives: a principal for the system-assigned identity, ids for the others.
func addIdentity(resource map[string]any) {
	identity, ok := resource["identity"].(map[string]any)
	if !ok {
		return
	}
	if kind, _ := identity["type"].(string); strings.HasPrefix(kind, "SystemAssigned") {
		identity["principalId"], identity["tenantId"] = SystemPrincipal, Tenant
	}
	assigned := object(identity["userAssignedIdentities"])
	for id := range assigned {
		name := path(id).name()
		assigned[id] = map[string]any{"clientId": client(name), "principalId": principal(name)}
	}
}

// SystemPrincipal is the object id of every system-assigned identity.
const SystemPrincipal = "33333333-3333-3333-3333-333333333333"

func principal(name string) string { return fmt.Sprintf("11111111-1111-1111-1111-%012x", digest(name)) }

func client(name string) string { return fmt.Sprintf("22222222-2222-2222-2222-%012x", digest(name)) }

func digest(text string) uint32 { return crc32.ChecksumIEEE([]byte(text)) }
