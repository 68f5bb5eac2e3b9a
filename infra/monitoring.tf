locals {
  workspace_id = coalesce(var.log_analytics_workspace_id, one(azurerm_log_analytics_workspace.this[*].id))
}

resource "azurerm_log_analytics_workspace" "this" {
  count                        = var.log_analytics_workspace_id == null ? 1 : 0
  name                         = "log-${var.name}"
  location                     = var.location
  resource_group_name          = local.resource_group
  sku                          = "PerGB2018"
  retention_in_days            = var.log_retention_days
  daily_quota_gb               = var.log_daily_quota_gb
  local_authentication_enabled = false
  tags                         = local.tags
}

resource "azurerm_application_insights" "this" {
  name                         = "appi-${var.name}"
  location                     = var.location
  resource_group_name          = local.resource_group
  workspace_id                 = local.workspace_id
  application_type             = "web"
  local_authentication_enabled = false
  # an alert that counts invocations must not count a sample
  sampling_percentage = 100
  tags                = local.tags
}

# Who did what to the parts; the app's own logs are in Application Insights.
locals {
  diagnosed = merge(
    {
      storage_tables = { id = "${azurerm_storage_account.this.id}/tableServices/default", logs = [], metrics = ["Transaction"] }
      app            = { id = local.app.id, logs = ["FunctionAppLogs"], metrics = [] }
    },
    local.make_vault ? { vault = { id = local.vault.id, logs = ["AuditEvent"], metrics = [] } } : {},
    local.make_namespace ? { service_bus = { id = local.namespace.id, logs = ["OperationalLogs"], metrics = ["AllMetrics"] } } : {},
    var.create_event_topic ? { event_topic = { id = azurerm_eventgrid_topic.this[0].id, logs = ["DeliveryFailures", "PublishFailures"], metrics = [] } } : {},
  )
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  for_each                   = local.diagnosed
  name                       = "pgpreflight"
  target_resource_id         = each.value.id
  log_analytics_workspace_id = local.workspace_id

  dynamic "enabled_log" {
    for_each = each.value.logs
    content {
      category = enabled_log.value
    }
  }
  dynamic "enabled_metric" {
    for_each = each.value.metrics
    content {
      category = enabled_metric.value
    }
  }
}
