# Source and target with public access. The app still goes out through the virtual network, so that its address is that
# of the network's gateway; its HTTP functions can be called from the Internet, for a ticketing system in the cloud.
name                = "billing"
location            = "westeurope"
resource_group_name = "rg-pgpreflight"

virtual_network_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
function_subnet_prefix = "10.1.4.0/27"

private_endpoint_subnet_prefix = "10.1.4.32/28"

app_public_access     = true
app_allowed_ip_ranges = ["203.0.113.0/24"]
operator_ip_ranges    = ["198.51.100.0/28"]

allowed_targets = ["*.rds.amazonaws.com", "*.postgres.database.azure.com"]
secret_settings = { BILLING_SOURCE_PASSWORD = "billing-source-password" }
ticket_secrets  = { jira = "jira-webhook", servicenow = "servicenow-webhook" }

create_event_topic    = true
event_topic_ip_ranges = ["203.0.113.0/24"]

alert_emails = { migration = "migration@corp.example" }
