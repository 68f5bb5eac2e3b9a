# Source on premises or in another cloud, reached over VPN or ExpressRoute; target with VNet integration. The target is
# the runtime server itself. The commonest case: everything private, Flex Consumption, Service Bus Standard.
name                = "orders"
location            = "westeurope"
resource_group_name = "rg-pgpreflight"

virtual_network_id        = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
runtime_subnet_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
network_security_group_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg-postgres"
route_table_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/routeTables/rt-postgres"

function_subnet_prefix         = "10.1.4.0/27"
private_endpoint_subnet_prefix = "10.1.4.32/28"

allowed_targets = ["10.0.0.0/8", "*.corp.example", "*.postgres.database.azure.com"]
secret_settings = { ORDERS_SOURCE_PASSWORD = "orders-source-password" }

reader_scopes = {
  target = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-database/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
}

create_event_topic = true
reply_queues       = ["check-replies"]
alert_emails       = { migration = "migration@corp.example" }
