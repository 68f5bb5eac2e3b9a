mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  name                           = "demo"
  location                       = "westeurope"
  resource_group_name            = "rg"
  virtual_network_id             = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
  network_security_group_id      = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg-postgres"
  route_table_id                 = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/routeTables/rt-postgres"
  function_subnet_prefix         = "10.1.4.0/27"
  private_endpoint_subnet_prefix = "10.1.4.32/28"
}

run "private_by_default" {
  command = apply
  assert {
    condition     = azurerm_subnet.function[0].delegation[0].service_delegation[0].name == "Microsoft.App/environments"
    error_message = "Flex Consumption needs the delegation Microsoft.App/environments."
  }
  assert {
    condition     = azurerm_subnet_network_security_group_association.function[0].network_security_group_id == var.network_security_group_id && azurerm_subnet_route_table_association.function[0].route_table_id == var.route_table_id
    error_message = "The function's subnet needs the runtime's NSG and route table."
  }
  assert {
    condition     = !azurerm_storage_account.this.public_network_access_enabled && !azurerm_key_vault.this[0].public_network_access_enabled && !azurerm_function_app_flex_consumption.this[0].public_network_access_enabled
    error_message = "Storage, vault and app must have public access off."
  }
  assert {
    condition     = !azurerm_storage_account.this.shared_access_key_enabled && !azurerm_servicebus_namespace.this[0].local_auth_enabled && !azurerm_application_insights.this.local_authentication_enabled && !azurerm_log_analytics_workspace.this[0].local_authentication_enabled && azurerm_key_vault.this[0].rbac_authorization_enabled
    error_message = "No key may open anything."
  }
  assert {
    condition     = azurerm_servicebus_queue.checks.requires_duplicate_detection && azurerm_servicebus_queue.checks.dead_lettering_on_message_expiration && azurerm_servicebus_queue.checks.max_delivery_count == 10 && azurerm_servicebus_queue.checks.lock_duration == "PT5M" && azurerm_servicebus_queue.checks.default_message_ttl == "P14D"
    error_message = "The queue must fit the handler: duplicates, dead letters, ten deliveries, five minutes, fourteen days."
  }
  assert {
    condition     = toset(keys(azurerm_role_assignment.app)) == toset(["host_blobs", "tables", "checks_receive", "checks_send", "telemetry", "secrets_vault"])
    error_message = "A role of the app is missing, or there is one too many."
  }
  assert {
    condition     = toset(keys(azurerm_role_assignment.reader)) == toset(["network", "security_group", "route_table"]) && length(azurerm_role_definition.reader) == 1
    error_message = "The app reads its network, NSG and route table with the role made for it."
  }
  assert {
    condition     = toset(keys(azurerm_private_endpoint.this)) == toset(["blob", "table", "vault"]) && length(azurerm_private_endpoint.site) == 1
    error_message = "Blobs, tables, vault and site need a private endpoint."
  }
  assert {
    condition     = azurerm_function_app_flex_consumption.this[0].runtime_name == "custom" && azurerm_function_app_flex_consumption.this[0].runtime_version == "1.0" && azurerm_function_app_flex_consumption.this[0].storage_container_endpoint == "https://stmade.blob.core.windows.net/app-package"
    error_message = "The app must be a custom handler, run from our container."
  }
  assert {
    condition     = azurerm_function_app_flex_consumption.this[0].app_settings["AzureWebJobsStorage"] == "" && azurerm_function_app_flex_consumption.this[0].app_settings["AzureWebJobsStorage__clientId"] == "22222222-2222-2222-2222-222222222222"
    error_message = "Host storage must use the identity, with the provider's connection string blanked."
  }
  assert {
    condition     = azurerm_function_app_flex_consumption.this[0].app_settings["REPORT_LINK_KEY"] == "@Microsoft.KeyVault(SecretUri=https://kv-made.vault.azure.net/secrets/report-link-key)"
    error_message = "REPORT_LINK_KEY must be a reference to the vault."
  }
  assert {
    condition     = length(azurerm_eventgrid_event_subscription.checks) == 0 && length(azurerm_application_insights_standard_web_test.health) == 0 && length(azurerm_linux_function_app.this) == 0
    error_message = "What was not asked for must not be made."
  }
  assert {
    condition     = output.vantage.address_ranges == tolist(["10.1.4.0/27"]) && output.queue.namespace == "sbns-demo.servicebus.windows.net"
    error_message = "Outputs must tell the vantage and the queue."
  }
}
