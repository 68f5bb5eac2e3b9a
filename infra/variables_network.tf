variable "virtual_network_id" {
  type        = string
  description = "Virtual network of the migration runtime server: the flexible server itself, or the runtime server beside a target with a private endpoint."
  validation {
    condition     = can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Network/virtualNetworks/[^/]+$", var.virtual_network_id))
    error_message = "virtual_network_id must be the resource id of a virtual network."
  }
}

variable "runtime_subnet_id" {
  type        = string
  default     = null
  description = "The runtime server's own subnet. With it the plan compares that subnet's NSG and route table with the ids below and warns where they differ."
  validation {
    condition     = var.runtime_subnet_id == null || startswith(lower(coalesce(var.runtime_subnet_id, "-")), "${lower(var.virtual_network_id)}/subnets/")
    error_message = "runtime_subnet_id must be a subnet of virtual_network_id."
  }
}

variable "network_security_group_id" {
  type        = string
  default     = null
  description = "NSG of the runtime server's subnet, the same object; null where that subnet has none."
  validation {
    condition     = var.network_security_group_id == null || can(regex("(?i)/providers/Microsoft.Network/networkSecurityGroups/[^/]+$", var.network_security_group_id))
    error_message = "network_security_group_id must be the resource id of a network security group."
  }
}

variable "route_table_id" {
  type        = string
  default     = null
  description = "Route table of the runtime server's subnet, the same object; null where that subnet has none."
  validation {
    condition     = var.route_table_id == null || can(regex("(?i)/providers/Microsoft.Network/routeTables/[^/]+$", var.route_table_id))
    error_message = "route_table_id must be the resource id of a route table."
  }
}

variable "function_subnet_id" {
  type        = string
  default     = null
  description = "A subnet that exists, beside the runtime server's, delegated to Microsoft.App/environments (flex) or Microsoft.Web/serverFarms (premium)."
  validation {
    condition     = (var.function_subnet_id == null) != (var.function_subnet_prefix == null)
    error_message = "give either function_subnet_id (a subnet that exists) or function_subnet_prefix (one to make), not both and not neither."
  }
  validation {
    condition     = var.function_subnet_id == null || startswith(lower(coalesce(var.function_subnet_id, "-")), "${lower(var.virtual_network_id)}/subnets/")
    error_message = "function_subnet_id must be a subnet of virtual_network_id: only there DNS, zones, peerings and gateways are those of the runtime server."
  }
  validation {
    condition     = var.function_subnet_id == null || lower(coalesce(var.function_subnet_id, "-")) != lower(coalesce(var.runtime_subnet_id, "--"))
    error_message = "function_subnet_id must not be the runtime server's subnet: it is delegated to Microsoft.DBforPostgreSQL/flexibleServers and takes nothing else."
  }
  validation {
    condition     = var.function_subnet_id == null || var.plan != "flex" || !strcontains(basename(coalesce(var.function_subnet_id, "-")), "_")
    error_message = "function_subnet_id: Flex Consumption takes no subnet with an underscore in its name."
  }
}

variable "function_subnet_prefix" {
  type        = string
  default     = null
  description = "IPv4 range of the subnet to make: /27 or larger for flex, /28 or larger for premium (/26 advised)."
  validation {
    condition     = var.function_subnet_prefix == null || can(cidrnetmask(var.function_subnet_prefix))
    error_message = "function_subnet_prefix must be an IPv4 range such as 10.1.4.0/27."
  }
  validation {
    condition     = var.function_subnet_prefix == null || try(tonumber(split("/", var.function_subnet_prefix)[1]), 0) <= (var.plan == "flex" ? 27 : 28)
    error_message = "function_subnet_prefix is too small: Flex Consumption needs /27 or larger, Premium /28 or larger."
  }
}

variable "private_endpoint_subnet_id" {
  type        = string
  default     = null
  description = "A subnet that exists and is not delegated, for our own private endpoints."
  validation {
    condition     = (var.private_endpoint_subnet_id == null) != (var.private_endpoint_subnet_prefix == null)
    error_message = "give either private_endpoint_subnet_id (a subnet that exists) or private_endpoint_subnet_prefix (one to make), not both and not neither."
  }
  validation {
    condition     = var.private_endpoint_subnet_id == null || !contains([for id in [var.function_subnet_id, var.runtime_subnet_id] : lower(coalesce(id, "-"))], lower(coalesce(var.private_endpoint_subnet_id, "--")))
    error_message = "private_endpoint_subnet_id must be a subnet of its own: delegated subnets take no private endpoints."
  }
}

variable "private_endpoint_subnet_prefix" {
  type        = string
  default     = null
  description = "IPv4 range of the subnet to make for our own private endpoints, /28 or larger."
  validation {
    condition     = var.private_endpoint_subnet_prefix == null || can(cidrnetmask(var.private_endpoint_subnet_prefix)) && try(tonumber(split("/", var.private_endpoint_subnet_prefix)[1]), 99) <= 28
    error_message = "private_endpoint_subnet_prefix must be an IPv4 range of /28 or larger, such as 10.1.4.32/28."
  }
}

variable "private_dns_zones" {
  type        = string
  default     = "create"
  description = "`create` makes the privatelink zones and links them; `given` takes private_dns_zone_ids; `policy` registers nothing, because an Azure Policy of the landing zone does."
  validation {
    condition     = contains(["create", "given", "policy"], var.private_dns_zones)
    error_message = "private_dns_zones must be create, given or policy."
  }
}

variable "private_dns_zone_ids" {
  type        = map(string)
  default     = {}
  description = "With private_dns_zones = given: blob, table and, where they are made, vault, service_bus, site, event_topic => id of the privatelink zone."
  validation {
    condition     = alltrue([for key in keys(var.private_dns_zone_ids) : contains(["blob", "table", "vault", "service_bus", "site", "event_topic"], key)])
    error_message = "private_dns_zone_ids knows blob, table, vault, service_bus, site and event_topic."
  }
  validation {
    condition     = alltrue([for id in values(var.private_dns_zone_ids) : can(regex("(?i)/providers/Microsoft.Network/privateDnsZones/privatelink\\.[^/]+$", id))])
    error_message = "private_dns_zone_ids must be resource ids of zones whose names begin with privatelink."
  }
}

variable "link_given_private_dns_zones" {
  type        = bool
  default     = false
  description = "Link the given zones to the virtual network; false where they are linked already. A network can be linked to one zone of a name only."
}

variable "private_dns_link_network_ids" {
  type        = map(string)
  default     = {}
  description = "More networks to link the zones to: a name of your own => virtual network id, such as the hub that publishes the package."
}

variable "app_public_access" {
  type        = bool
  default     = false
  description = "Let the HTTP functions be called from the Internet, for ticketing systems in the cloud. Off: a private endpoint."
}

variable "app_allowed_ip_ranges" {
  type        = list(string)
  default     = []
  description = "With app_public_access: who may call the HTTP functions; empty means everybody (keys, signatures and links still decide)."
  validation {
    condition     = alltrue([for range in var.app_allowed_ip_ranges : can(cidrnetmask(range))])
    error_message = "app_allowed_ip_ranges must be IPv4 ranges such as 203.0.113.0/24."
  }
}

variable "operator_ip_ranges" {
  type        = list(string)
  default     = []
  description = "Public IPv4 ranges that may reach vault, storage and (with app_public_access) the deployment site from outside. Empty: from the virtual network only."
  validation {
    condition     = alltrue([for range in var.operator_ip_ranges : can(cidrnetmask(range)) && try(tonumber(split("/", range)[1]), 99) <= 30 && try(tonumber(split("/", range)[1]), 0) > 0])
    error_message = "operator_ip_ranges must be public IPv4 ranges of /1 to /30: Storage takes no smaller ones."
  }
}
