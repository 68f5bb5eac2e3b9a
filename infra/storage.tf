# Host coordination, the deployed package and the result tables. The app makes the tables: azurerm would make them over
# the data plane, which a deployer outside of the network cannot reach. Nobody needs a key, on either plan.
resource "azurerm_storage_account" "this" {
  name                            = local.names.storage_account
  location                        = var.location
  resource_group_name             = local.resource_group
  account_tier                    = "Standard"
  account_replication_type        = var.storage_replication
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
  local_user_enabled              = false
  min_tls_version                 = "TLS1_2"
  public_network_access_enabled   = length(var.operator_ip_ranges) > 0
  tags                            = local.tags

  network_rules {
    default_action = "Deny"
    # Event Grid stores what it could not deliver as a trusted service.
    bypass   = ["AzureServices"]
    ip_rules = var.operator_ip_ranges
  }
}

resource "azurerm_storage_container" "package" {
  name               = "app-package"
  storage_account_id = azurerm_storage_account.this.id
}

resource "azurerm_storage_container" "undelivered" {
  count              = local.takes_events ? 1 : 0
  name               = "undelivered-events"
  storage_account_id = azurerm_storage_account.this.id
}
