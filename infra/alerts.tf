# What each alert means and what to do is in docs/. The texts that the queries look for are held by a test against the code.
locals {
  # AppRoleName is the app's name: the workspace may be shared.
  role = "AppRoleName =~ '${local.names.function_app}'"

  log_alerts = merge({
    route-down = {
      title     = "A route is blocked"
      severity  = 2
      window    = "PT1H"
      every     = "PT5M"
      query     = <<-KQL
        AppTraces
        | where ${local.role} and Message has "finished:"
        | extend Route = extract(@"check ([A-Za-z0-9._-]+)\.\d{8}T\d{6}Z finished: ", 1, Message)
        | extend Check = extract(@"check ([A-Za-z0-9._-]+) finished: ", 1, Message), Verdict = extract(@" finished: ([a-z_]+) \(report ", 1, Message)
        | where isnotempty(Route) and isnotempty(Verdict) and Verdict != "inconclusive"
        | summarize Verdict = take_any(Verdict), At = max(TimeGenerated) by Route, Check
        | order by At desc
        | summarize Verdicts = make_list(Verdict, 2) by Route
        | where array_length(Verdicts) == 2 and array_length(set_intersect(Verdicts, dynamic(["ready", "ready_with_warnings"]))) == 0
      KQL
      dimension = "Route"
      less_than = null
    }
    dead-letters = {
      title     = "Messages were dead-lettered"
      severity  = 2
      window    = "PT15M"
      every     = "PT5M"
      query     = <<-KQL
        AppRequests
        | where ${local.role} and OperationName == "RecordDeadLetter"
      KQL
      dimension = null
      less_than = null
    }
    health-red = {
      title     = "pgpreflight itself is not well"
      severity  = 1
      window    = "PT15M"
      every     = "PT5M"
      query     = <<-KQL
        union
          (AppRequests | where ${local.role} and OperationName == "Health" and ResultCode == "503"),
          (AppRequests | where ${local.role} and OperationName in ("RunCheck", "RecordDeadLetter", "ScheduleReadiness") and Success == false),
          (AppTraces | where ${local.role} and Message has "part is not well")
      KQL
      dimension = null
      less_than = null
    }
    }, var.no_checks_window == null ? {} : { no-checks = {
      title     = "No check has run"
      severity  = 2
      window    = var.no_checks_window
      every     = "PT15M"
      query     = <<-KQL
        AppRequests
        | where ${local.role} and OperationName == "RunCheck"
        | summarize Checks = count()
      KQL
      dimension = null
      less_than = 1
  } })
  action_groups = concat(azurerm_monitor_action_group.this[*].id, var.action_group_ids)
}

resource "azurerm_monitor_action_group" "this" {
  count               = length(var.alert_emails) > 0 ? 1 : 0
  name                = "ag-${var.name}"
  resource_group_name = local.resource_group
  short_name          = substr("pgpf${var.name}", 0, 12)
  tags                = local.tags

  dynamic "email_receiver" {
    for_each = var.alert_emails
    content {
      name                    = email_receiver.key
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "this" {
  for_each                = local.log_alerts
  name                    = "pgpreflight-${var.name}-${each.key}"
  display_name            = "${each.value.title} (${var.name})"
  location                = var.location
  resource_group_name     = local.resource_group
  scopes                  = [local.workspace_id]
  severity                = each.value.severity
  evaluation_frequency    = each.value.every
  window_duration         = each.value.window
  auto_mitigation_enabled = true
  # the tables come with the first telemetry
  skip_query_validation = true
  tags                  = local.tags

  criteria {
    query                   = each.value.query
    operator                = each.value.less_than == null ? "GreaterThan" : "LessThan"
    threshold               = each.value.less_than == null ? 0 : each.value.less_than
    time_aggregation_method = each.value.less_than == null ? "Count" : "Total"
    metric_measure_column   = each.value.less_than == null ? null : "Checks"

    dynamic "dimension" {
      for_each = each.value.dimension == null ? [] : [each.value.dimension]
      content {
        name     = dimension.value
        operator = "Include"
        values   = ["*"]
      }
    }
    failing_periods {
      minimum_failing_periods_to_trigger_alert = 1
      number_of_evaluation_periods             = 1
    }
  }

  dynamic "action" {
    for_each = length(local.action_groups) > 0 ? [1] : []
    content {
      action_groups = local.action_groups
    }
  }
}

# RecordDeadLetter empties the dead-letter queue: what stays there was not recorded. This one needs no telemetry of the app.
resource "azurerm_monitor_metric_alert" "dead_letters_stay" {
  name                = "pgpreflight-${var.name}-dead-letters-stay"
  resource_group_name = local.resource_group
  scopes              = [local.namespace.id]
  description         = "Dead letters are not being recorded (${var.name})"
  severity            = 1
  frequency           = "PT5M"
  window_size         = "PT30M"
  tags                = local.tags

  criteria {
    metric_namespace = "Microsoft.ServiceBus/namespaces"
    metric_name      = "DeadletteredMessages"
    aggregation      = "Minimum"
    operator         = "GreaterThan"
    threshold        = 0
    dimension {
      name     = "EntityName"
      operator = "Include"
      values   = [var.check_queue]
    }
  }

  dynamic "action" {
    for_each = local.action_groups
    content {
      action_group_id = action.value
    }
  }
}

# Somebody has to ask Health: from outside where the app can be reached from there. Premium asks itself (app_premium.tf);
# a private app on Flex is asked by whatever watches inside the network.
resource "azurerm_application_insights_standard_web_test" "health" {
  count                   = var.app_public_access ? 1 : 0
  name                    = "pgpreflight-${var.name}-health"
  location                = var.location
  resource_group_name     = local.resource_group
  application_insights_id = azurerm_application_insights.this.id
  geo_locations           = ["emea-nl-ams-azr", "us-va-ash-azr"]
  frequency               = 300
  timeout                 = 30
  enabled                 = true
  retry_enabled           = true
  tags                    = local.tags

  request {
    url = "https://${local.app.hostname}/api/health"
  }
  validation_rules {
    expected_status_code = 200
  }
}
