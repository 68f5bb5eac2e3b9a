variable "log_analytics_workspace_id" {
  type        = string
  default     = null
  description = "A workspace that exists; null makes one."
  validation {
    condition     = var.log_analytics_workspace_id == null || can(regex("(?i)/providers/Microsoft.OperationalInsights/workspaces/[^/]+$", var.log_analytics_workspace_id))
    error_message = "log_analytics_workspace_id must be the resource id of a Log Analytics workspace."
  }
}

variable "log_retention_days" {
  type    = number
  default = 30
  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730
    error_message = "log_retention_days must be from 30 to 730."
  }
}

variable "log_daily_quota_gb" {
  type        = number
  default     = 1
  description = "Most that a workspace made here takes in a day, a limit of cost; -1 means none."
}

variable "alert_emails" {
  type        = map(string)
  default     = {}
  description = "A name of your own => address that alerts are sent to."
  validation {
    condition     = alltrue([for address in values(var.alert_emails) : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "alert_emails must be mail addresses."
  }
}

variable "action_group_ids" {
  type        = list(string)
  default     = []
  description = "Action groups that exist and that alerts call as well."
}

variable "no_checks_window" {
  type        = string
  default     = "PT1H"
  description = "How long without any check is an alert; null where checks are rare by intent."
  validation {
    condition     = var.no_checks_window == null || contains(["PT15M", "PT30M", "PT1H", "PT3H", "PT6H", "PT12H", "P1D"], coalesce(var.no_checks_window, "-"))
    error_message = "no_checks_window must be PT15M, PT30M, PT1H, PT3H, PT6H, PT12H or P1D."
  }
}

variable "create_event_topic" {
  type        = bool
  default     = false
  description = "Make an Event Grid topic for check requests; its subscription delivers to the queue."
}

variable "event_topic_ip_ranges" {
  type        = list(string)
  default     = []
  description = "Public IPv4 ranges that may publish to the topic; empty: from the virtual network only, over a private endpoint."
  validation {
    condition     = alltrue([for range in var.event_topic_ip_ranges : can(cidrnetmask(range))])
    error_message = "event_topic_ip_ranges must be IPv4 ranges such as 203.0.113.0/24."
  }
}

variable "event_sources" {
  type = map(object({
    topic_id     = string
    principal_id = string
    event_types  = optional(list(string))
  }))
  default     = {}
  description = "Custom topics that exist, with a system-assigned identity: a name of your own => topic id, that identity's object id, event types to take (null: all). Their events carry check requests."
  validation {
    condition     = alltrue([for source in values(var.event_sources) : can(regex("(?i)/providers/Microsoft.EventGrid/topics/[^/]+$", source.topic_id))])
    error_message = "event_sources: topic_id must be the resource id of an Event Grid topic."
  }
  validation {
    condition     = alltrue([for source in values(var.event_sources) : can(regex("^[0-9a-fA-F-]{36}$", source.principal_id))])
    error_message = "event_sources: principal_id must be the object id of the topic's system-assigned identity; without it events cannot be delivered to a queue that takes no keys."
  }
}

variable "pipeline_event_sources" {
  type = map(object({
    scope       = string
    event_types = optional(list(string))
  }))
  default     = {}
  description = "Sources whose events AcceptPipelineEvent turns into checks: a name of your own => resource id. Needs the published package and app_public_access, since Event Grid pushes from outside of the network."
  validation {
    condition     = length(var.pipeline_event_sources) == 0 || var.app_public_access
    error_message = "pipeline_event_sources needs app_public_access = true; without it use event_sources or create_event_topic, whose events wait in the queue."
  }
}
