# Our own parts are reached over private endpoints. What cannot have one (a Standard Service Bus) or is somebody else's
# (a given vault or namespace) is left out.
locals {
  zone_names = {
    blob        = "privatelink.blob.core.windows.net"
    table       = "privatelink.table.core.windows.net"
    vault       = "privatelink.vaultcore.azure.net"
    service_bus = "privatelink.servicebus.windows.net"
    site        = "privatelink.azurewebsites.net"
    event_topic = "privatelink.eventgrid.azure.net"
  }

  wanted_endpoints = {
    blob        = true
    table       = true
    vault       = local.make_vault
    service_bus = local.make_namespace && var.service_bus_sku == "Premium"
    event_topic = local.private_topic
  }
  endpoints = toset([for key, wanted in local.wanted_endpoints : key if wanted])
  # the site's is a resource of its own: the app waits for the others
  zones = setunion(local.endpoints, var.app_public_access ? [] : ["site"])

  endpoint_targets = {
    blob        = { id = azurerm_storage_account.this.id, group = "blob" }
    table       = { id = azurerm_storage_account.this.id, group = "table" }
    vault       = { id = local.vault.id, group = "vault" }
    service_bus = { id = local.namespace.id, group = "namespace" }
    event_topic = { id = try(azurerm_eventgrid_topic.this[0].id, null), group = "topic" }
  }

  zone_ids = var.private_dns_zones == "create" ? { for key, zone in azurerm_private_dns_zone.this : key => zone.id } : var.private_dns_zone_ids
  # links by zone and network; the network's own name is "app"
  linked_zones  = var.private_dns_zones == "create" || var.private_dns_zones == "given" && var.link_given_private_dns_zones ? local.zones : toset([])
  link_networks = merge({ app = var.virtual_network_id }, var.private_dns_link_network_ids)
  links = merge([for zone in local.linked_zones : {
    for network, id in local.link_networks : "${zone}-${network}" => { zone = zone, network = network, id = id }
  }]...)
}

resource "azurerm_private_dns_zone" "this" {
  for_each            = var.private_dns_zones == "create" ? local.zones : toset([])
  name                = local.zone_names[each.key]
  resource_group_name = local.resource_group
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "this" {
  for_each            = local.links
  name                = "${var.name}-${each.value.network}"
  private_dns_zone_id = local.zone_ids[each.value.zone]
  virtual_network_id  = each.value.id
  tags                = local.tags
}

resource "azurerm_private_endpoint" "this" {
  for_each            = local.endpoints
  name                = "pep-${var.name}-${replace(each.key, "_", "-")}"
  location            = var.location
  resource_group_name = local.resource_group
  subnet_id           = local.endpoint_subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = each.key
    private_connection_resource_id = local.endpoint_targets[each.key].id
    subresource_names              = [local.endpoint_targets[each.key].group]
    is_manual_connection           = false
  }

  dynamic "private_dns_zone_group" {
    for_each = var.private_dns_zones == "policy" ? [] : [each.key]
    content {
      name                 = "default"
      private_dns_zone_ids = [local.zone_ids[each.key]]
    }
  }

  lifecycle {
    # With "policy" the landing zone adds a group that is not ours to remove.
    ignore_changes = [private_dns_zone_group]
    precondition {
      condition     = var.private_dns_zones != "given" || contains(keys(var.private_dns_zone_ids), each.key)
      error_message = "private_dns_zone_ids lacks ${each.key}, the id of a zone ${local.zone_names[each.key]}."
    }
  }

  depends_on = [azurerm_private_dns_zone_virtual_network_link.this]
}

resource "azurerm_private_endpoint" "site" {
  count               = var.app_public_access ? 0 : 1
  name                = "pep-${var.name}-site"
  location            = var.location
  resource_group_name = local.resource_group
  subnet_id           = local.endpoint_subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = "site"
    private_connection_resource_id = local.app.id
    subresource_names              = ["sites"]
    is_manual_connection           = false
  }

  dynamic "private_dns_zone_group" {
    for_each = var.private_dns_zones == "policy" ? [] : ["site"]
    content {
      name                 = "default"
      private_dns_zone_ids = [local.zone_ids["site"]]
    }
  }

  lifecycle {
    ignore_changes = [private_dns_zone_group]
    precondition {
      condition     = var.private_dns_zones != "given" || contains(keys(var.private_dns_zone_ids), "site")
      error_message = "private_dns_zone_ids lacks site, the id of a zone ${local.zone_names.site}."
    }
  }

  depends_on = [azurerm_private_dns_zone_virtual_network_link.this]
}
