locals {
  tags = merge({ application = "pgpreflight" }, var.tags)

  resource_group = var.create_resource_group ? azurerm_resource_group.this[0].name : var.resource_group_name

  names = {
    function_app    = coalesce(var.names.function_app, "func-${var.name}")
    storage_account = coalesce(var.names.storage_account, "st${var.name}")
    key_vault       = coalesce(var.names.key_vault, "kv-${var.name}")
    service_bus     = coalesce(var.names.service_bus, "sbns-${var.name}")
    event_topic     = coalesce(var.names.event_topic, "evgt-${var.name}")
  }

  subscription = split("/", var.virtual_network_id)[2]
  network = {
    resource_group = split("/", var.virtual_network_id)[4]
    name           = split("/", var.virtual_network_id)[8]
  }
}

resource "azurerm_resource_group" "this" {
  count    = var.create_resource_group ? 1 : 0
  name     = var.resource_group_name
  location = var.location
  tags     = local.tags
}

# One identity for everything the app does, made before the app, so that its roles are there when the host first starts.
resource "azurerm_user_assigned_identity" "app" {
  name                = "id-${var.name}"
  location            = var.location
  resource_group_name = local.resource_group
  tags                = local.tags
}
