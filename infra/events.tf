# Events that carry check requests wait in the queue like every other request: Event Grid delivers with an identity, and
# keeps what the queue does not take.
locals {
  private_topic = var.create_event_topic && length(var.event_topic_ip_ranges) == 0
  event_sources = merge(
    var.create_event_topic ? { own = {
      topic_id     = azurerm_eventgrid_topic.this[0].id
      principal_id = azurerm_eventgrid_topic.this[0].identity[0].principal_id
      event_types  = null
    } } : {},
    var.event_sources,
  )
  takes_events = var.create_event_topic || length(var.event_sources) > 0
}

resource "azurerm_eventgrid_topic" "this" {
  count                         = var.create_event_topic ? 1 : 0
  name                          = local.names.event_topic
  location                      = var.location
  resource_group_name           = local.resource_group
  input_schema                  = "CloudEventSchemaV1_0"
  local_auth_enabled            = false
  public_network_access_enabled = !local.private_topic
  tags                          = local.tags

  dynamic "inbound_ip_rule" {
    for_each = var.event_topic_ip_ranges
    content {
      ip_mask = inbound_ip_rule.value
      action  = "Allow"
    }
  }

  identity {
    type = "SystemAssigned"
  }
}

resource "azurerm_role_assignment" "event_sender" {
  for_each             = local.event_sources
  scope                = azurerm_servicebus_queue.checks.id
  role_definition_name = "Azure Service Bus Data Sender"
  principal_id         = each.value.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "event_keeper" {
  for_each             = local.event_sources
  scope                = azurerm_storage_container.undelivered[0].id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = each.value.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_eventgrid_event_subscription" "checks" {
  for_each              = local.event_sources
  name                  = "pgpreflight-${var.name}-checks"
  scope                 = each.value.topic_id
  event_delivery_schema = "CloudEventSchemaV1_0"
  included_event_types  = each.value.event_types
  service_bus_queue_id  = azurerm_servicebus_queue.checks.id

  delivery_identity {
    type = "SystemAssigned"
  }
  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.this.id
    storage_blob_container_name = azurerm_storage_container.undelivered[0].name
  }
  dead_letter_identity {
    type = "SystemAssigned"
  }
  retry_policy {
    max_delivery_attempts = 30
    event_time_to_live    = 1440
  }

  depends_on = [azurerm_role_assignment.event_sender, azurerm_role_assignment.event_keeper]
}

# A pipeline's own events are turned into requests by a function, which must be published before it can be subscribed.
resource "azurerm_eventgrid_event_subscription" "pipeline" {
  for_each              = var.pipeline_event_sources
  name                  = "pgpreflight-${var.name}-pipeline"
  scope                 = each.value.scope
  event_delivery_schema = "EventGridSchema"
  included_event_types  = each.value.event_types

  azure_function_endpoint {
    function_id          = "${local.app.id}/functions/AcceptPipelineEvent"
    max_events_per_batch = 1
  }
  retry_policy {
    max_delivery_attempts = 30
    event_time_to_live    = 1440
  }
}
