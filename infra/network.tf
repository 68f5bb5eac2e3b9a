# A flexible server's subnet is delegated to Microsoft.DBforPostgreSQL/flexibleServers and takes nothing else, so the app
# gets a subnet of its own beside it: same network (DNS, zones, peerings, gateways), same NSG and route table objects.
locals {
  delegation = {
    flex    = { service = "Microsoft.App/environments", action = "Microsoft.Network/virtualNetworks/subnets/join/action" }
    premium = { service = "Microsoft.Web/serverFarms", action = "Microsoft.Network/virtualNetworks/subnets/action" }
  }[var.plan]
  make_function_subnet = var.function_subnet_id == null
  make_endpoint_subnet = var.private_endpoint_subnet_id == null
  function_subnet_id   = local.make_function_subnet ? azurerm_subnet.function[0].id : var.function_subnet_id
  endpoint_subnet_id   = local.make_endpoint_subnet ? azurerm_subnet.endpoints[0].id : var.private_endpoint_subnet_id
}

resource "azurerm_subnet" "function" {
  count                = local.make_function_subnet ? 1 : 0
  name                 = "snet-${var.name}-function" # no underscore: Flex Consumption refuses it
  resource_group_name  = local.network.resource_group
  virtual_network_name = local.network.name
  address_prefixes     = [var.function_subnet_prefix]

  delegation {
    name = "function"
    service_delegation {
      name    = local.delegation.service
      actions = [local.delegation.action]
    }
  }

  lifecycle {
    precondition {
      condition     = lower(local.subscription) == lower(data.azurerm_client_config.current.subscription_id)
      error_message = "The virtual network is in another subscription. Make the subnet there and give it as function_subnet_id."
    }
  }
}

resource "azurerm_subnet_network_security_group_association" "function" {
  count                     = local.make_function_subnet && var.network_security_group_id != null ? 1 : 0
  subnet_id                 = azurerm_subnet.function[0].id
  network_security_group_id = var.network_security_group_id
}

resource "azurerm_subnet_route_table_association" "function" {
  count          = local.make_function_subnet && var.route_table_id != null ? 1 : 0
  subnet_id      = azurerm_subnet.function[0].id
  route_table_id = var.route_table_id
}

resource "azurerm_subnet" "endpoints" {
  count                = local.make_endpoint_subnet ? 1 : 0
  name                 = "snet-${var.name}-endpoints"
  resource_group_name  = local.network.resource_group
  virtual_network_name = local.network.name
  address_prefixes     = [var.private_endpoint_subnet_prefix]

  lifecycle {
    precondition {
      condition     = lower(local.subscription) == lower(data.azurerm_client_config.current.subscription_id)
      error_message = "The virtual network is in another subscription. Make the subnet there and give it as private_endpoint_subnet_id."
    }
  }
}

# What exists already is compared, not changed: a warning in the plan says where the probe would not see what the
# runtime server sees.
data "azurerm_subnet" "runtime" {
  count                = var.runtime_subnet_id == null ? 0 : 1
  name                 = basename(coalesce(var.runtime_subnet_id, "-"))
  resource_group_name  = local.network.resource_group
  virtual_network_name = local.network.name
}

data "azurerm_subnet" "function" {
  count                = local.make_function_subnet ? 0 : 1
  name                 = basename(coalesce(var.function_subnet_id, "-"))
  resource_group_name  = local.network.resource_group
  virtual_network_name = local.network.name
}

locals {
  given = [for id in [var.network_security_group_id, var.route_table_id] : lower(coalesce(id, "none"))]
  # azurerm reads a subnet without NSG or route table as an empty text
  seen = { for name, subnets in { runtime = data.azurerm_subnet.runtime, function = data.azurerm_subnet.function } : name => [
    for subnet in subnets : [for id in [subnet.network_security_group_id, subnet.route_table_id] : lower(try(length(id), 0) == 0 ? "none" : id)]
  ] }
}

check "runtime_subnet_has_these" {
  assert {
    condition     = alltrue([for ids in local.seen.runtime : ids == local.given])
    error_message = "network_security_group_id and route_table_id are not those of runtime_subnet_id: the probe would be filtered or routed otherwise than the runtime server."
  }
}

check "function_subnet_has_these" {
  assert {
    condition     = alltrue([for ids in local.seen.function : ids == local.given])
    error_message = "function_subnet_id has another NSG or route table than given: the probe would be filtered or routed otherwise than the runtime server."
  }
}
