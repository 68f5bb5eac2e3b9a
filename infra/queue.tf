locals {
  make_namespace = var.service_bus_namespace_id == null
  namespace = local.make_namespace ? {
    id   = azurerm_servicebus_namespace.this[0].id
    name = azurerm_servicebus_namespace.this[0].name
    } : {
    id   = var.service_bus_namespace_id
    name = basename(coalesce(var.service_bus_namespace_id, "-"))
  }
  namespace_host = "${local.namespace.name}.servicebus.windows.net"
}

resource "azurerm_servicebus_namespace" "this" {
  count                         = local.make_namespace ? 1 : 0
  name                          = local.names.service_bus
  location                      = var.location
  resource_group_name           = local.resource_group
  sku                           = var.service_bus_sku
  capacity                      = var.service_bus_sku == "Premium" ? var.service_bus_capacity : 0
  premium_messaging_partitions  = var.service_bus_sku == "Premium" ? 1 : 0
  local_auth_enabled            = false
  minimum_tls_version           = "1.2"
  public_network_access_enabled = var.service_bus_sku != "Premium" # Standard knows no other way in
  tags                          = local.tags

  dynamic "network_rule_set" {
    for_each = var.service_bus_sku == "Premium" ? [1] : []
    content {
      # Nothing comes in over the public way at all; azurerm takes Deny only beside rules for it.
      default_action                = "Allow"
      public_network_access_enabled = false
      # Event Grid delivers as a trusted service, with its identity.
      trusted_services_allowed = true
    }
  }
}

# Fits the handler: an invocation ends after 5 minutes at most and its lock is renewed; what cannot be done now is sent
# again under an id of its own (CHECK~n) for up to 7 hours; what ten deliveries cannot settle is dead-lettered.
resource "azurerm_servicebus_queue" "checks" {
  name                                    = var.check_queue
  namespace_id                            = local.namespace.id
  lock_duration                           = "PT5M"
  max_delivery_count                      = 10
  max_size_in_megabytes                   = 1024
  default_message_ttl                     = "P14D"
  dead_lettering_on_message_expiration    = true
  requires_duplicate_detection            = true
  duplicate_detection_history_time_window = "PT10M"
}

# A reply's message id is the check's id, and a reply is tried again for a day.
resource "azurerm_servicebus_queue" "replies" {
  for_each                                = var.reply_queues
  name                                    = each.key
  namespace_id                            = local.namespace.id
  lock_duration                           = "PT1M"
  max_delivery_count                      = 10
  max_size_in_megabytes                   = 1024
  default_message_ttl                     = "P14D"
  dead_lettering_on_message_expiration    = true
  requires_duplicate_detection            = true
  duplicate_detection_history_time_window = "P1D"
}
