# Target with a private endpoint, so a runtime server stands in the virtual network. Nothing of ours is public: Elastic
# Premium, Service Bus Premium, zones of the hub that are linked already, a workspace that is there.
name                = "ledger"
location            = "westeurope"
resource_group_name = "rg-pgpreflight"

plan                = "premium"
service_bus_sku     = "Premium"
storage_replication = "ZRS"

virtual_network_id        = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
runtime_subnet_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
network_security_group_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg-postgres"
route_table_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/routeTables/rt-postgres"

function_subnet_prefix     = "10.1.5.0/26"
private_endpoint_subnet_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-endpoints"

private_dns_zones = "given"
private_dns_zone_ids = {
  blob        = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
  table       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.table.core.windows.net"
  vault       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
  service_bus = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.servicebus.windows.net"
  site        = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net"
}

log_analytics_workspace_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-shared/providers/Microsoft.OperationalInsights/workspaces/log-platform"
action_group_ids           = ["/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-shared/providers/Microsoft.Insights/actionGroups/ag-platform"]

reader_role = "builtin"
reader_scopes = {
  target  = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-database/providers/Microsoft.DBforPostgreSQL/flexibleServers/ledger"
  runtime = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-database/providers/Microsoft.DBforPostgreSQL/flexibleServers/ledger-runtime"
}

secret_settings   = { LEDGER_SOURCE_PASSWORD = "ledger-source-password" }
ticket_secrets    = { generic = "tickets-webhook" }
ticket_apis       = { jira = { url = "https://tickets.corp.example", user = "pgpreflight@corp.example", secret = "tickets-token" } }
callback_secret   = "callback-key"
allowed_callbacks = ["*.corp.example"]
