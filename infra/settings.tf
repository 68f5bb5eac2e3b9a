# App settings of both plans. Connections are names of services with the identity; a secret is a reference to the vault.
locals {
  identity_settings = { for connection in ["CheckQueue", "ResultTables", "AzureWebJobsStorage"] : connection => {
    "${connection}__credential" = "managedidentity"
    "${connection}__clientId"   = azurerm_user_assigned_identity.app.client_id
  } }

  ticket_settings = { for system, secret in var.ticket_secrets : system => "${upper(system)}_WEBHOOK_SECRET" }

  ticket_apis = { for system, api in var.ticket_apis : system => { for member, value in {
    url          = api.url
    user         = api.user
    tokenSetting = "${upper(system)}_API_TOKEN"
    table        = api.table
    field        = api.field
  } : member => value if value != null } }

  # app setting => secret in the vault
  secrets = merge(
    var.secret_settings,
    { for system, setting in local.ticket_settings : setting => var.ticket_secrets[system] },
    { for system, api in var.ticket_apis : local.ticket_apis[system].tokenSetting => api.secret },
    { for setting, secret in { REPORT_LINK_KEY = var.report_link_key_secret, CALLBACK_SECRET = var.callback_secret } : setting => secret if secret != null },
  )
  references = { for setting, secret in local.secrets : setting => "@Microsoft.KeyVault(SecretUri=${local.vault.uri}/secrets/${secret})" }

  optional_settings = { for setting, value in {
    ALLOWED_TARGETS   = join(",", var.allowed_targets)
    RESOLVERS         = join(",", var.resolvers)
    ALLOWED_CALLBACKS = join(",", var.allowed_callbacks)
    TICKET_SECRETS    = length(local.ticket_settings) > 0 ? jsonencode(local.ticket_settings) : ""
    TICKET_APIS       = length(local.ticket_apis) > 0 ? jsonencode(local.ticket_apis) : ""
    TICKET_FIELDS     = length(var.ticket_fields) > 0 ? jsonencode(var.ticket_fields) : ""
  } : setting => value if value != "" }

  settings = merge(
    local.identity_settings["CheckQueue"],
    local.identity_settings["ResultTables"],
    local.identity_settings["AzureWebJobsStorage"],
    {
      CheckQueue__fullyQualifiedNamespace = local.namespace_host
      CHECK_QUEUE                         = var.check_queue
      ResultTables__tableServiceUri       = trimsuffix(azurerm_storage_account.this.primary_table_endpoint, "/")
      READINESS_SCHEDULE                  = var.readiness_schedule
      ALLOWED_PORTS                       = join(",", var.allowed_ports)
      MAX_CONCURRENT_CHECKS               = tostring(var.max_concurrent_checks)
      MAX_SOCKETS                         = tostring(var.max_sockets)
      MAX_REQUESTS_PER_MINUTE             = tostring(var.max_requests_per_minute)
      PUBLIC_BASE_URL                     = coalesce(var.public_base_url, "https://${local.names.function_app}.azurewebsites.net")
      # the identity of Entra logins and of {"keyVaultSecret": URL}
      AZURE_CLIENT_ID = azurerm_user_assigned_identity.app.client_id
      # the component takes no instrumentation key
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "Authorization=AAD;ClientId=${azurerm_user_assigned_identity.app.client_id}"
    },
    local.optional_settings,
    local.references,
    var.extra_settings,
  )
}
