terraform {
  required_version = ">= 1.9"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
  }
}

# The subscription comes from ARM_SUBSCRIPTION_ID, the account from `az login` or the environment: neither belongs in a file.
provider "azurerm" {
  # Registering is a right of the subscription that a deployer to one resource group does not have; README.md lists what is needed.
  resource_provider_registrations = "none"
  storage_use_azuread             = true

  features {
    key_vault {
      # A destroyed vault can be recovered until its retention ends.
      purge_soft_delete_on_destroy = false
    }
  }
}

data "azurerm_client_config" "current" {}
