mock_provider "azurerm" {
  source = "./tests/mocks"
}

# Each run gives one wrong value and expects the variable's own message.
variables {
  name                           = "demo"
  location                       = "westeurope"
  resource_group_name            = "rg"
  virtual_network_id             = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration"
  network_security_group_id      = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/networkSecurityGroups/nsg-postgres"
  route_table_id                 = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/routeTables/rt-postgres"
  function_subnet_prefix         = "10.1.4.0/27"
  private_endpoint_subnet_prefix = "10.1.4.32/28"
}

run "name" {
  command = plan
  variables {
    name = "Demo_1"
  }
  expect_failures = [var.name]
}

run "small_flex_subnet" {
  command = plan
  variables {
    function_subnet_prefix = "10.1.4.0/28"
  }
  expect_failures = [var.function_subnet_prefix]
}

run "small_premium_subnet" {
  command = plan
  variables {
    plan                   = "premium"
    function_subnet_prefix = "10.1.4.0/29"
  }
  expect_failures = [var.function_subnet_prefix]
}

run "both_subnets" {
  command = plan
  variables {
    function_subnet_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-function"
  }
  expect_failures = [var.function_subnet_id]
}

run "underscore_on_flex" {
  command = plan
  variables {
    function_subnet_prefix = null
    function_subnet_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet_function"
  }
  expect_failures = [var.function_subnet_id]
}

run "another_network" {
  command = plan
  variables {
    function_subnet_prefix = null
    function_subnet_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration-other/subnets/snet-function"
  }
  expect_failures = [var.function_subnet_id]
}

run "the_runtimes_own_subnet" {
  command = plan
  variables {
    function_subnet_prefix = null
    runtime_subnet_id      = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
    function_subnet_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
  }
  expect_failures = [var.function_subnet_id]
}

run "endpoints_in_a_delegated_subnet" {
  command = plan
  variables {
    private_endpoint_subnet_prefix = null
    runtime_subnet_id              = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
    private_endpoint_subnet_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-migration/subnets/snet-postgres"
  }
  expect_failures = [var.private_endpoint_subnet_id]
}

run "basic_service_bus" {
  command = plan
  variables {
    service_bus_sku = "Basic"
  }
  expect_failures = [var.service_bus_sku]
}

run "memory" {
  command = plan
  variables {
    instance_memory_mb = 1234
  }
  expect_failures = [var.instance_memory_mb]
}

run "reply_to_ourselves" {
  command = plan
  variables {
    reply_queues = ["check-requests"]
  }
  expect_failures = [var.reply_queues]
}

run "reads_a_subscription" {
  command = plan
  variables {
    reader_scopes = { all = "/subscriptions/00000000-0000-0000-0000-000000000000" }
  }
  expect_failures = [var.reader_scopes]
}

run "more_checks_than_calls" {
  command = plan
  variables {
    max_concurrent_checks = 640
  }
  expect_failures = [var.max_concurrent_checks]
}

run "five_fields" {
  command = plan
  variables {
    readiness_schedule = "*/5 * * * *"
  }
  expect_failures = [var.readiness_schedule]
}

run "secret_by_name" {
  command = plan
  variables {
    extra_settings = { DB_PASSWORD = "hunter2" }
  }
  expect_failures = [var.extra_settings]
}

run "secret_by_value" {
  command = plan
  variables {
    extra_settings = { OTHER = "DefaultEndpointsProtocol=https;AccountKey=x" }
  }
  expect_failures = [var.extra_settings]
}

run "secret_instead_of_its_name" {
  command = plan
  variables {
    secret_settings = { DB_PASSWORD = "p@ss word" }
  }
  expect_failures = [var.secret_settings]
}

run "pipeline_events_into_a_private_app" {
  command = plan
  variables {
    pipeline_event_sources = { factory = { scope = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg" } }
  }
  expect_failures = [var.pipeline_event_sources]
}

run "private_range_for_operators" {
  command = plan
  variables {
    operator_ip_ranges = ["198.51.100.7/32"]
  }
  expect_failures = [var.operator_ip_ranges]
}
