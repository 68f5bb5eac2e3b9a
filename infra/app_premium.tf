# Elastic Premium without Azure Files: a content share takes no identity, only an account key. The package is run from
# its blob instead, read with the app's identity, and nothing here needs a key.
locals {
  package_url = "${azurerm_storage_account.this.primary_blob_endpoint}${azurerm_storage_container.package.name}/handler.zip"

  # null: everybody may call
  caller_ranges = var.app_public_access && length(var.app_allowed_ip_ranges) > 0 ? var.app_allowed_ip_ranges : null
}

resource "azurerm_linux_function_app" "this" {
  count                                          = local.flex ? 0 : 1
  name                                           = local.names.function_app
  location                                       = var.location
  resource_group_name                            = local.resource_group
  service_plan_id                                = azurerm_service_plan.this.id
  virtual_network_subnet_id                      = local.function_subnet_id
  https_only                                     = true
  public_network_access_enabled                  = var.app_public_access
  webdeploy_publish_basic_authentication_enabled = false
  ftp_publish_basic_authentication_enabled       = false
  storage_account_name                           = azurerm_storage_account.this.name
  storage_uses_managed_identity                  = true
  builtin_logging_enabled                        = false
  key_vault_reference_identity_id                = azurerm_user_assigned_identity.app.id
  tags                                           = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  site_config {
    application_insights_connection_string = azurerm_application_insights.this.connection_string
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    http2_enabled                          = true
    ftps_state                             = "Disabled"
    # all traffic through the subnet, so that the NSG and the route table hold for it
    vnet_route_all_enabled = true
    # without it a Service Bus behind a private endpoint wakes nobody
    runtime_scale_monitoring_enabled = true
    elastic_instance_minimum         = 1
    pre_warmed_instance_count        = 1
    app_scale_limit                  = min(var.maximum_instances, 100)
    # the platform asks each instance every minute: what alerts.tf looks for is then in the log
    health_check_path                 = "/api/health"
    health_check_eviction_time_in_min = 10
    ip_restriction_default_action     = local.caller_ranges == null ? "Allow" : "Deny"
    scm_ip_restriction_default_action = "Deny"

    application_stack {
      use_custom_runtime = true
    }

    dynamic "ip_restriction" {
      for_each = coalesce(local.caller_ranges, [])
      content {
        name       = "caller-${ip_restriction.key}"
        ip_address = ip_restriction.value
        priority   = 100 + ip_restriction.key
      }
    }
    dynamic "ip_restriction" {
      for_each = local.caller_ranges == null ? [] : ["ApplicationInsightsAvailability"]
      content {
        name        = "health-test"
        service_tag = ip_restriction.value
        priority    = 900
      }
    }
    dynamic "scm_ip_restriction" {
      for_each = var.operator_ip_ranges
      content {
        name       = "operator-${scm_ip_restriction.key}"
        ip_address = scm_ip_restriction.value
        priority   = 100 + scm_ip_restriction.key
      }
    }
  }

  app_settings = merge(local.settings, {
    WEBSITE_RUN_FROM_PACKAGE                     = local.package_url
    WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID = azurerm_user_assigned_identity.app.id
  })

  depends_on = [
    azurerm_role_assignment.app,
    azurerm_private_endpoint.this,
    azurerm_subnet_network_security_group_association.function,
    azurerm_subnet_route_table_association.function,
  ]
}
