output "function_app" {
  description = "What `az functionapp` and the publish step need."
  value       = { id = local.app.id, name = local.app.name, resource_group = local.resource_group, url = "https://${local.app.hostname}" }
}

output "package_location" {
  description = "Container of the package. Premium runs handler.zip in it; on Flex the publish step stores it there."
  value = {
    storage_account = azurerm_storage_account.this.name
    container       = azurerm_storage_container.package.name
    url             = local.package_url
  }
}

output "identity" {
  description = "The identity that probes log in as with {\"entra\": true}; make it a PostgreSQL role with pgaadauth_create_principal_with_oid."
  value = {
    name         = azurerm_user_assigned_identity.app.name
    client_id    = azurerm_user_assigned_identity.app.client_id
    principal_id = azurerm_user_assigned_identity.app.principal_id
  }
}

output "vantage" {
  description = "Where probes come from. Firewalls and NSGs that allow the runtime server's range only must allow this one as well."
  value = {
    subnet_id      = local.function_subnet_id
    address_ranges = local.make_function_subnet ? [var.function_subnet_prefix] : flatten(data.azurerm_subnet.function[*].address_prefixes)
  }
}

output "queue" {
  description = "Where check requests are sent, by senders with the role Azure Service Bus Data Sender on it."
  value       = { id = azurerm_servicebus_queue.checks.id, name = azurerm_servicebus_queue.checks.name, namespace = local.namespace_host }
}

output "tables_url" {
  description = "Table service with the reports."
  value       = local.settings["ResultTables__tableServiceUri"]
}

output "secrets_to_set" {
  description = "Secrets that the app settings refer to, to be put into the vault by somebody who holds them: setting => secret."
  value       = { vault = local.vault.uri, secrets = local.secrets }
}

output "event_topic" {
  description = "Topic to publish check requests to; null where none was made."
  value       = one([for topic in azurerm_eventgrid_topic.this : { id = topic.id, endpoint = topic.endpoint }])
}

output "workspace_id" {
  value = local.workspace_id
}
