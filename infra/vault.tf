# The vault is made, its secrets never: azurerm would write them over the data plane and keep them in the state.
locals {
  make_vault = var.key_vault_id == null
  vault = local.make_vault ? {
    id  = azurerm_key_vault.this[0].id
    uri = trimsuffix(azurerm_key_vault.this[0].vault_uri, "/")
    } : {
    id  = var.key_vault_id
    uri = "https://${basename(coalesce(var.key_vault_id, "-"))}.vault.azure.net"
  }
}

resource "azurerm_key_vault" "this" {
  count                         = local.make_vault ? 1 : 0
  name                          = local.names.key_vault
  location                      = var.location
  resource_group_name           = local.resource_group
  tenant_id                     = data.azurerm_client_config.current.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = length(var.operator_ip_ranges) > 0
  tags                          = local.tags

  network_acls {
    default_action = "Deny"
    bypass         = "None"
    ip_rules       = var.operator_ip_ranges
  }
}
