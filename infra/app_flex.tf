locals {
  flex = var.plan == "flex"
  app = {
    id       = one(concat(azurerm_function_app_flex_consumption.this[*].id, azurerm_linux_function_app.this[*].id))
    name     = one(concat(azurerm_function_app_flex_consumption.this[*].name, azurerm_linux_function_app.this[*].name))
    hostname = one(concat(azurerm_function_app_flex_consumption.this[*].default_hostname, azurerm_linux_function_app.this[*].default_hostname))
  }
}

resource "azurerm_service_plan" "this" {
  name                         = "asp-${var.name}"
  location                     = var.location
  resource_group_name          = local.resource_group
  os_type                      = "Linux"
  sku_name                     = local.flex ? "FC1" : var.premium_sku
  maximum_elastic_worker_count = local.flex ? null : min(var.maximum_instances, 100)
  tags                         = local.tags
}

resource "azurerm_function_app_flex_consumption" "this" {
  count                                          = local.flex ? 1 : 0
  name                                           = local.names.function_app
  location                                       = var.location
  resource_group_name                            = local.resource_group
  service_plan_id                                = azurerm_service_plan.this.id
  virtual_network_subnet_id                      = local.function_subnet_id
  https_only                                     = true
  public_network_access_enabled                  = var.app_public_access
  webdeploy_publish_basic_authentication_enabled = false
  storage_container_type                         = "blobContainer"
  storage_container_endpoint                     = "${azurerm_storage_account.this.primary_blob_endpoint}${azurerm_storage_container.package.name}"
  storage_authentication_type                    = "UserAssignedIdentity"
  storage_user_assigned_identity_id              = azurerm_user_assigned_identity.app.id
  runtime_name                                   = "custom"
  runtime_version                                = "1.0"
  instance_memory_in_mb                          = var.instance_memory_mb
  maximum_instance_count                         = var.maximum_instances
  tags                                           = local.tags

  # The platform reads Key Vault references with the system-assigned identity unless the site names another one, and
  # azurerm has no argument for that on this plan. So the app has both, and the second one reads secrets only.
  identity {
    type         = "SystemAssigned, UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  dynamic "always_ready" {
    for_each = var.always_ready
    content {
      name           = "function:${always_ready.key}"
      instance_count = always_ready.value
    }
  }

  site_config {
    application_insights_connection_string = azurerm_application_insights.this.connection_string
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    http2_enabled                          = true
    ip_restriction_default_action          = local.caller_ranges == null ? "Allow" : "Deny"
    scm_ip_restriction_default_action      = "Deny"

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

  # The provider sends AzureWebJobsStorage as a connection string without a key beside the identity's settings
  # (hashicorp/terraform-provider-azurerm issue 29693). Empty, the host takes the identity's.
  app_settings = merge(local.settings, {
    AzureWebJobsStorage              = ""
    AzureWebJobsStorage__accountName = azurerm_storage_account.this.name
  })

  lifecycle {
    # The provider drops this key when it reads (issue 29149): every plan would show a change.
    ignore_changes = [app_settings["AzureWebJobsStorage"]]
  }

  depends_on = [
    azurerm_role_assignment.app,
    azurerm_private_endpoint.this,
    azurerm_subnet_network_security_group_association.function,
    azurerm_subnet_route_table_association.function,
  ]
}
