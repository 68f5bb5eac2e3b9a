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

run "secrets_are_references" {
  command = plan
  variables {
    secret_settings   = { ORDERS_SOURCE_PASSWORD = "orders-source-password" }
    ticket_secrets    = { jira = "jira-webhook" }
    ticket_apis       = { jira = { url = "https://x.example", secret = "jira-token" } }
    callback_secret   = "callback-key"
    allowed_callbacks = ["*.corp.example"]
  }
  assert {
    condition     = tomap(output.secrets_to_set.secrets) == tomap({ ORDERS_SOURCE_PASSWORD = "orders-source-password", JIRA_WEBHOOK_SECRET = "jira-webhook", JIRA_API_TOKEN = "jira-token", CALLBACK_SECRET = "callback-key", REPORT_LINK_KEY = "report-link-key" })
    error_message = "Every secret setting must be listed with its secret."
  }
}

run "events_wait_in_the_queue" {
  command = apply
  variables {
    create_event_topic = true
    reply_queues       = ["replies"]
  }
  assert {
    condition     = azurerm_eventgrid_event_subscription.checks["own"].service_bus_queue_id == azurerm_servicebus_queue.checks.id && azurerm_eventgrid_event_subscription.checks["own"].delivery_identity[0].type == "SystemAssigned"
    error_message = "Events must be delivered to the queue with an identity."
  }
  assert {
    condition     = !azurerm_eventgrid_topic.this[0].public_network_access_enabled && !azurerm_eventgrid_topic.this[0].local_auth_enabled && contains(keys(azurerm_private_endpoint.this), "event_topic")
    error_message = "The topic must be private and take no keys."
  }
  assert {
    condition     = contains(keys(azurerm_role_assignment.app), "reply_replies")
    error_message = "The app must be able to send to reply queues."
  }
}

run "public_app" {
  command = plan
  variables {
    app_public_access     = true
    app_allowed_ip_ranges = ["203.0.113.0/24"]
    operator_ip_ranges    = ["198.51.100.0/28"]
  }
  assert {
    condition     = length(azurerm_private_endpoint.site) == 0 && azurerm_function_app_flex_consumption.this[0].site_config[0].ip_restriction_default_action == "Deny" && length(azurerm_application_insights_standard_web_test.health) == 1
    error_message = "A public app lets in who is named, and its health is asked from outside."
  }
  assert {
    condition     = azurerm_storage_account.this.public_network_access_enabled && one(azurerm_storage_account.this.network_rules[*].default_action) == "Deny"
    error_message = "Operators' ranges only may reach storage from outside."
  }
}

run "everything_given" {
  command = plan
  variables {
    function_subnet_prefix         = null
    function_subnet_id             = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-function"
    private_endpoint_subnet_prefix = null
    private_endpoint_subnet_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-endpoints"
    private_dns_zones              = "policy"
    key_vault_id                   = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-shared/providers/Microsoft.KeyVault/vaults/kv-platform"
    service_bus_namespace_id       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-shared/providers/Microsoft.ServiceBus/namespaces/sbns-platform"
    reader_role                    = "none"
  }
  assert {
    condition     = length(azurerm_subnet.function) + length(azurerm_subnet.endpoints) + length(azurerm_key_vault.this) + length(azurerm_servicebus_namespace.this) + length(azurerm_private_dns_zone.this) + length(azurerm_role_definition.reader) + length(azurerm_role_assignment.reader) == 0
    error_message = "What is given must not be made."
  }
  assert {
    condition     = azurerm_role_assignment.app["secrets_report-link-key"].scope == "${var.key_vault_id}/secrets/report-link-key"
    error_message = "Of a given vault the app reads the named secrets only."
  }
}

run "another_network_filter_is_told" {
  command = plan
  variables {
    runtime_subnet_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
    network_security_group_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg-other"
  }
  expect_failures = [check.runtime_subnet_has_these]
}
