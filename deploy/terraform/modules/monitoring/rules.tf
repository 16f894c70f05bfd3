# Alert policies of the very rules that Prometheus has: deploy/monitoring/prometheus/rules is the one source. What the rules record
# is recorded on GKE by the Rules that deploy/kubernetes/rules makes of the same files.
locals {
  files  = sort(fileset(var.rules, "*.yaml"))
  groups = flatten([for file in local.files : yamldecode(file("${var.rules}/${file}")).groups])
  alerts = merge([for group in local.groups : {
    for rule in group.rules : rule.alert => {
      group    = group.name
      interval = lookup(group, "interval", "1m")
      expr     = trimspace(rule.expr)
      for      = lookup(rule, "for", "0s")
      severity = rule.labels.severity
      owner    = rule.labels.owner
      summary  = rule.annotations.summary
      says     = lookup(rule.annotations, "description", rule.annotations.summary)
      runbook  = basename(rule.annotations.runbook_url)
    } if can(rule.alert)
  }]...)

  # Cloud Monitoring looks back by 25 hours at most. An alert that reads more is left to the Rules within the cluster.
  looks_back = { for name, alert in local.alerts : name => alert if can(regex("(\\[|offset +)([2-9]|[1-9][0-9]+)(d|w)", alert.expr)) }
  policies   = { for name, alert in local.alerts : name => alert if !contains(keys(local.looks_back), name) }

  units    = { s = 1, m = 60, h = 3600, d = 86400 }
  seconds  = { for name, alert in local.policies : name => tonumber(regex("^[0-9]+", alert.for)) * local.units[regex("[smhd]$", alert.for)] }
  interval = { for name, alert in local.policies : name => max(30, tonumber(regex("^[0-9]+", alert.interval)) * local.units[regex("[smhd]$", alert.interval)]) }
  grave    = { page = "CRITICAL", ticket = "ERROR", info = "WARNING" }

  # Prometheus fills in a label as {{ $labels.x }}, Cloud Monitoring as a variable of its own; the value is in the notification anyway.
  says = {
    for name, alert in local.policies : name => replace(replace(alert.says,
    "/\\{\\{ *\\$labels\\.([a-z_]+) *\\}\\}/", "$${metric.label.$1}"), "/\\{\\{[^}]*\\}\\}/", "(value)")
  }
}

resource "google_monitoring_alert_policy" "rules" {
  for_each              = local.policies
  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  severity              = local.grave[each.value.severity]
  notification_channels = each.value.severity == "page" ? local.page : lookup(local.channel, each.value.owner, local.page)
  user_labels           = { severity = each.value.severity, owner = each.value.owner }

  conditions {
    display_name = each.value.summary
    condition_prometheus_query_language {
      query               = each.value.expr
      duration            = "${local.seconds[each.key]}s"
      evaluation_interval = "${local.interval[each.key]}s"
      rule_group          = each.value.group
      alert_rule          = each.key
      # A family that has not come yet (no challenger, no job) is no mistake.
      disable_metric_validation = true
    }
  }

  alert_strategy {
    auto_close = "604800s"
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${each.key}: ${each.value.summary}"
    content   = "${local.says[each.key]} What to do: ${var.runbooks}/${each.value.runbook}"
  }
}
