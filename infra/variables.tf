# Where and what. Networks are in variables_network.tf, the handler's own settings in variables_settings.tf.

variable "name" {
  type        = string
  description = "Short name that stands in the name of every resource. Some of those names are unique in all of Azure."
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,15}$", var.name))
    error_message = "name must be 3 to 16 lower-case letters and digits, the first one a letter."
  }
}

variable "names" {
  type = object({
    function_app    = optional(string)
    storage_account = optional(string)
    key_vault       = optional(string)
    service_bus     = optional(string)
    event_topic     = optional(string)
  })
  default     = {}
  description = "Names of your own for what must be unique in all of Azure; what is left out is made of `name`."
  validation {
    condition     = var.names.storage_account == null || can(regex("^[a-z0-9]{3,24}$", var.names.storage_account))
    error_message = "names.storage_account must be 3 to 24 lower-case letters and digits."
  }
  validation {
    condition     = var.names.function_app == null || can(regex("^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$", var.names.function_app))
    error_message = "names.function_app must be at most 32 letters, digits and hyphens: the host cuts longer names, and two apps then share locks."
  }
}

variable "location" {
  type        = string
  description = "Region of the virtual network: an app can join a network of its own region only."
}

variable "resource_group_name" {
  type        = string
  description = "Resource group of everything that is made here, subnets left out."
}

variable "create_resource_group" {
  type        = bool
  default     = false
  description = "Make the resource group as well; needs a right on the subscription."
}

variable "tags" {
  type    = map(string)
  default = {}
}

variable "plan" {
  type        = string
  default     = "flex"
  description = "`flex` (Flex Consumption) or `premium` (Elastic Premium), for regions without Flex and for instances that are always there."
  validation {
    condition     = contains(["flex", "premium"], var.plan)
    error_message = "plan must be flex or premium."
  }
}

variable "premium_sku" {
  type    = string
  default = "EP1"
  validation {
    condition     = contains(["EP1", "EP2", "EP3"], var.premium_sku)
    error_message = "premium_sku must be EP1, EP2 or EP3."
  }
}

variable "instance_memory_mb" {
  type        = number
  default     = 2048
  description = "Memory of a Flex Consumption instance."
  validation {
    condition     = contains([512, 2048, 4096], var.instance_memory_mb)
    error_message = "instance_memory_mb must be 512, 2048 or 4096: Flex Consumption has no other sizes."
  }
}

variable "maximum_instances" {
  type        = number
  default     = 10
  description = "Most instances at once. One instance runs MAX_CONCURRENT_CHECKS checks, so a few are plenty."
  validation {
    condition     = var.maximum_instances >= 1 && var.maximum_instances <= 1000 && floor(var.maximum_instances) == var.maximum_instances
    error_message = "maximum_instances must be a whole number from 1 to 1000."
  }
}

variable "always_ready" {
  type        = map(number)
  default     = {}
  description = "Flex Consumption: function name => instances that never go away, such as { RunCheck = 1 }. They cost while idle."
  validation {
    condition     = sum(concat([0], values(var.always_ready))) <= var.maximum_instances
    error_message = "always_ready must not add up to more than maximum_instances."
  }
}

variable "storage_replication" {
  type        = string
  default     = "ZRS"
  description = "ZRS, or LRS in regions without availability zones."
  validation {
    condition     = contains(["LRS", "ZRS", "GRS", "GZRS", "RAGRS", "RAGZRS"], var.storage_replication)
    error_message = "storage_replication must be LRS, ZRS, GRS, GZRS, RAGRS or RAGZRS."
  }
}

variable "service_bus_sku" {
  type        = string
  default     = "Standard"
  description = "`Standard` is reached over the Internet way of the subnet (tag ServiceBus); `Premium` has a private endpoint and no public access."
  validation {
    condition     = contains(["Standard", "Premium"], var.service_bus_sku)
    error_message = "service_bus_sku must be Standard or Premium: Basic knows neither duplicate detection nor private endpoints."
  }
}

variable "service_bus_capacity" {
  type        = number
  default     = 1
  description = "Messaging units of a Premium namespace."
  validation {
    condition     = contains([1, 2, 4, 8, 16], var.service_bus_capacity)
    error_message = "service_bus_capacity must be 1, 2, 4, 8 or 16."
  }
}

variable "service_bus_namespace_id" {
  type        = string
  default     = null
  description = "A namespace that exists, of tier Standard or Premium; the queues are made in it. Its networking stays as it is."
  validation {
    condition     = var.service_bus_namespace_id == null || can(regex("(?i)/providers/Microsoft.ServiceBus/namespaces/[^/]+$", var.service_bus_namespace_id))
    error_message = "service_bus_namespace_id must be the resource id of a Service Bus namespace."
  }
}

variable "check_queue" {
  type        = string
  default     = "check-requests"
  description = "Queue that check requests wait in (CHECK_QUEUE)."
  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9._-]{0,258}[A-Za-z0-9])?$", var.check_queue))
    error_message = "check_queue must be 1 to 260 letters, digits, periods, hyphens and underscores."
  }
}

variable "reply_queues" {
  type        = set(string)
  default     = []
  description = "Queues that requests may name in notify.replyTo. They are made, and the app may send to them."
  validation {
    condition     = !contains(var.reply_queues, var.check_queue)
    error_message = "reply_queues must not name the queue of the requests: a report would be taken for a request."
  }
}

variable "key_vault_id" {
  type        = string
  default     = null
  description = "A vault that exists and takes roles (RBAC). The app then gets a role on the named secrets only."
  validation {
    condition     = var.key_vault_id == null || can(regex("(?i)/providers/Microsoft.KeyVault/vaults/[^/]+$", var.key_vault_id))
    error_message = "key_vault_id must be the resource id of a Key Vault."
  }
}

variable "reader_scopes" {
  type        = map(string)
  default     = {}
  description = "What the app may read in the management plane: a name of your own => resource id of a server, network, NSG, route table or zone. The virtual network, the NSG and the route table of the app are always in it."
  validation {
    condition     = alltrue([for id in values(var.reader_scopes) : can(regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/.+/.+", id))])
    error_message = "reader_scopes must name single resources: the app reads no whole subscription or resource group."
  }
}

variable "reader_role" {
  type        = string
  default     = "custom"
  description = "`custom` makes a role of infra/reader-actions.json (needs Microsoft.Authorization/roleDefinitions/write); `builtin` assigns Reader on the same scopes; `none` leaves the checks of layer azure out."
  validation {
    condition     = contains(["custom", "builtin", "none"], var.reader_role)
    error_message = "reader_role must be custom, builtin or none."
  }
}
