mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  name                           = "demo"
  location                       = "westeurope"
  resource_group_name            = "rg"
  plan                           = "premium"
  service_bus_sku                = "Premium"
  virtual_network_id             = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
  function_subnet_prefix         = "10.1.4.0/28"
  private_endpoint_subnet_prefix = "10.1.4.32/28"
}

run "locked_down" {
  command = apply
  assert {
    condition     = azurerm_subnet.function[0].delegation[0].service_delegation[0].name == "Microsoft.Web/serverFarms"
    error_message = "Premium needs the delegation Microsoft.Web/serverFarms."
  }
  assert {
    condition     = !azurerm_servicebus_namespace.this[0].public_network_access_enabled && contains(keys(azurerm_private_endpoint.this), "service_bus")
    error_message = "A Premium namespace must be private."
  }
  assert {
    condition     = azurerm_linux_function_app.this[0].storage_uses_managed_identity && !azurerm_storage_account.this.shared_access_key_enabled
    error_message = "Premium must do without an account key."
  }
  assert {
    condition     = azurerm_linux_function_app.this[0].app_settings["WEBSITE_RUN_FROM_PACKAGE"] == "https://stmade.blob.core.windows.net/app-package/handler.zip" && azurerm_linux_function_app.this[0].app_settings["WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID"] == azurerm_user_assigned_identity.app.id
    error_message = "The package must be run from its blob, read with the identity."
  }
  assert {
    condition     = azurerm_linux_function_app.this[0].site_config[0].vnet_route_all_enabled && azurerm_linux_function_app.this[0].site_config[0].runtime_scale_monitoring_enabled && azurerm_linux_function_app.this[0].site_config[0].application_stack[0].use_custom_runtime
    error_message = "All traffic goes through the network, and the queue behind its endpoint wakes the app."
  }
  assert {
    condition     = length(azurerm_subnet_network_security_group_association.function) + length(azurerm_subnet_route_table_association.function) + length(azurerm_function_app_flex_consumption.this) + length(azurerm_role_assignment.references) == 0
    error_message = "What was not asked for must not be made."
  }
}

run "missing_zone_is_told" {
  command = plan
  variables {
    private_dns_zones    = "given"
    private_dns_zone_ids = { blob = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net" }
  }
  expect_failures = [azurerm_private_endpoint.this]
}
