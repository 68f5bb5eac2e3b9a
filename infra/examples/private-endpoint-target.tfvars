# Target with a private endpoint and a runtime server beside it. The probe stands beside the runtime server, since the
# migration service connects to both ends from there.
name                = "orders"
location            = "westeurope"
resource_group_name = "rg-pgpreflight"

virtual_network_id        = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
runtime_subnet_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
network_security_group_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg-postgres"
route_table_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/routeTables/rt-postgres"

function_subnet_prefix         = "10.1.4.0/27"
private_endpoint_subnet_prefix = "10.1.4.32/28"

# an Azure Policy of the landing zone registers private endpoints
private_dns_zones = "policy"

reader_scopes = {
  target          = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-database/providers/Microsoft.DBforPostgreSQL/flexibleServers/ledger"
  runtime         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-database/providers/Microsoft.DBforPostgreSQL/flexibleServers/ledger-runtime"
  target_dns_zone = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
}

secret_settings = { LEDGER_SOURCE_PASSWORD = "ledger-source-password" }
