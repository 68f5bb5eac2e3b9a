# What the app's identity may do, each role at the narrowest scope that works. Roles in the data plane name one queue, one
# account, one vault; in the management plane the app only reads, and only what reader_scopes names.
locals {
  grants = merge(
    {
      # the host's locks and keys, and the package
      host_blobs = { role = "Storage Blob Data Owner", scope = azurerm_storage_account.this.id }
      # the result tables, made at start; the host's diagnostic events
      tables         = { role = "Storage Table Data Contributor", scope = azurerm_storage_account.this.id }
      checks_receive = { role = "Azure Service Bus Data Receiver", scope = azurerm_servicebus_queue.checks.id }
      checks_send    = { role = "Azure Service Bus Data Sender", scope = azurerm_servicebus_queue.checks.id }
      telemetry      = { role = "Monitoring Metrics Publisher", scope = azurerm_application_insights.this.id }
    },
    { for queue in var.reply_queues : "reply_${queue}" => { role = "Azure Service Bus Data Sender", scope = azurerm_servicebus_queue.replies[queue].id } },
    { for key, scope in local.secret_scopes : "secrets_${key}" => { role = "Key Vault Secrets User", scope = scope } },
  )

  # Our own vault holds our secrets only, and requests may name any of them. Of somebody else's vault: the named ones.
  secret_scopes = local.make_vault ? { vault = local.vault.id } : { for secret in toset(values(local.secrets)) : secret => "${local.vault.id}/secrets/${secret}" }

  reader_scopes = var.reader_role == "none" ? {} : merge(
    { network = var.virtual_network_id },
    { for key, id in { security_group = var.network_security_group_id, route_table = var.route_table_id } : key => id if id != null },
    var.reader_scopes,
  )
  # A custom role can be assigned in resource groups that it lists.
  reader_groups = distinct([for id in values(local.reader_scopes) : regex("(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+", id)])
}

resource "azurerm_role_assignment" "app" {
  for_each             = local.grants
  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# Flex Consumption resolves Key Vault references with the system-assigned identity, see app_flex.tf.
resource "azurerm_role_assignment" "references" {
  for_each             = local.flex ? local.secret_scopes : {}
  scope                = each.value
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_function_app_flex_consumption.this[0].identity[0].principal_id
  principal_type       = "ServicePrincipal"
}

# Its actions come from the code that calls the management plane: see infra/reader-actions.json.
resource "azurerm_role_definition" "reader" {
  count             = var.reader_role == "custom" ? 1 : 0
  name              = "pgpreflight reader (${var.name}, ${var.resource_group_name})"
  description       = "Reads what decides whether a PostgreSQL migration gets through: networks, filters, routes, zones, servers."
  scope             = local.reader_groups[0]
  assignable_scopes = local.reader_groups

  permissions {
    actions = jsondecode(file("${path.module}/reader-actions.json")).actions
  }
}

resource "azurerm_role_assignment" "reader" {
  for_each             = local.reader_scopes
  scope                = each.value
  role_definition_id   = one(azurerm_role_definition.reader[*].role_definition_resource_id)
  role_definition_name = var.reader_role == "builtin" ? "Reader" : null
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}
