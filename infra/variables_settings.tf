# The handler's app settings, see README.md of the repository. Secrets are names of Key Vault secrets here, never values.

variable "readiness_schedule" {
  type        = string
  default     = "0 */5 * * * *"
  description = "Six-field NCRONTAB of the timer."
  validation {
    condition     = length(split(" ", var.readiness_schedule)) == 6
    error_message = "readiness_schedule must have six fields, the first one for seconds."
  }
}

variable "allowed_targets" {
  type        = list(string)
  default     = []
  description = "CIDRs and host suffixes that may be probed; empty means the handler's own defaults."
}

variable "allowed_ports" {
  type    = list(string)
  default = ["5432", "6432"]
  validation {
    condition     = length(var.allowed_ports) > 0 && alltrue([for ports in var.allowed_ports : can(regex("^[0-9]{1,5}(-[0-9]{1,5})?$", ports))])
    error_message = "allowed_ports must be ports and ranges such as 5432 and 5432-5440."
  }
}

variable "resolvers" {
  type        = list(string)
  default     = []
  description = "ip:port of DNS servers to ask instead of the network's own."
}

variable "max_concurrent_checks" {
  type    = number
  default = 512
  validation {
    # host.json gives out 640 messages at once; who waits for a slot must be visible behind those that run.
    condition     = var.max_concurrent_checks >= 1 && var.max_concurrent_checks < 640
    error_message = "max_concurrent_checks must be from 1 to 639, less than maxConcurrentCalls of host.json."
  }
}

variable "max_sockets" {
  type    = number
  default = 2400
}

variable "max_requests_per_minute" {
  type    = number
  default = 3000
}

variable "public_base_url" {
  type        = string
  default     = null
  description = "Address under which people reach the app, for links; null means its default host name."
  validation {
    condition     = var.public_base_url == null || can(regex("^https://[^/?#]+(/[^?#]*)?$", var.public_base_url))
    error_message = "public_base_url must be https://HOST or https://HOST/PATH."
  }
}

variable "report_link_key_secret" {
  type        = string
  default     = "report-link-key"
  description = "Key Vault secret that signs report links (REPORT_LINK_KEY); null leaves links unsigned."
  validation {
    condition     = var.report_link_key_secret == null || can(regex("^[A-Za-z0-9-]{1,127}$", var.report_link_key_secret))
    error_message = "report_link_key_secret must be the name of a Key Vault secret: letters, digits and hyphens."
  }
}

variable "callback_secret" {
  type        = string
  default     = null
  description = "Key Vault secret that signs posts to callback addresses (CALLBACK_SECRET)."
  validation {
    condition     = var.callback_secret == null || can(regex("^[A-Za-z0-9-]{1,127}$", var.callback_secret))
    error_message = "callback_secret must be the name of a Key Vault secret: letters, digits and hyphens."
  }
}

variable "allowed_callbacks" {
  type        = list(string)
  default     = []
  description = "Host suffixes that results may be posted to; empty means none."
}

variable "ticket_secrets" {
  type        = map(string)
  default     = {}
  description = "Ticketing system (jira, servicenow, generic) => Key Vault secret of its webhook."
  validation {
    condition     = alltrue([for system in keys(var.ticket_secrets) : contains(["jira", "servicenow", "generic"], system)])
    error_message = "ticket_secrets knows jira, servicenow and generic."
  }
  validation {
    condition     = alltrue([for secret in values(var.ticket_secrets) : can(regex("^[A-Za-z0-9-]{1,127}$", secret))])
    error_message = "ticket_secrets must name Key Vault secrets: letters, digits and hyphens. Their values never stand here."
  }
}

variable "ticket_fields" {
  type        = map(string)
  default     = {}
  description = "Field names of the ticketing system (TICKET_FIELDS)."
}

variable "ticket_apis" {
  type = map(object({
    url    = string
    user   = optional(string)
    secret = string
    table  = optional(string)
    field  = optional(string)
  }))
  default     = {}
  description = "Where comments on tickets go: jira or servicenow => address, user and the Key Vault secret with the token (TICKET_APIS)."
  validation {
    condition     = alltrue([for system in keys(var.ticket_apis) : contains(["jira", "servicenow"], system)])
    error_message = "ticket_apis knows jira and servicenow."
  }
  validation {
    condition     = alltrue([for api in values(var.ticket_apis) : startswith(api.url, "https://") && can(regex("^[A-Za-z0-9-]{1,127}$", api.secret))])
    error_message = "ticket_apis: url must be https, and secret the name of a Key Vault secret: letters, digits and hyphens."
  }
}

variable "secret_settings" {
  type        = map(string)
  default     = {}
  description = "App setting => Key Vault secret, such as { ORDERS_SOURCE_PASSWORD = \"orders-source-password\" }; what requests name in credential.setting."
  validation {
    condition     = alltrue([for setting in keys(var.secret_settings) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", setting))])
    error_message = "secret_settings: a setting's name has letters, digits and underscores."
  }
  validation {
    condition     = alltrue([for secret in values(var.secret_settings) : can(regex("^[A-Za-z0-9-]{1,127}$", secret))])
    error_message = "secret_settings must name Key Vault secrets: letters, digits and hyphens. Their values never stand here."
  }
}

variable "extra_settings" {
  type        = map(string)
  default     = {}
  description = "More app settings in plain text, such as OTEL_EXPORTER_OTLP_ENDPOINT. They win over the ones made here."
  validation {
    condition     = alltrue([for setting, value in var.extra_settings : startswith(value, "@Microsoft.KeyVault(") || !can(regex("(?i)(password|passwd|secret|token|_key|connectionstring)$", setting))])
    error_message = "extra_settings: a setting of this name holds a secret. Put it into the Key Vault and name it in secret_settings, so that its value is not in the state."
  }
  validation {
    condition     = alltrue([for value in values(var.extra_settings) : !can(regex("(?i)(AccountKey|SharedAccessKey|SharedAccessSignature|password)=|://[^/@ ]+:[^/@ ]+@", value))])
    error_message = "extra_settings: a value holds a key or a password. Put it into the Key Vault and name it in secret_settings, so that its value is not in the state."
  }
}
