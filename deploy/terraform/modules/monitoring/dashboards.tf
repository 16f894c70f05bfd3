# Dashboards of the very panels that Grafana has: deploy/monitoring/grafana/dashboards is the one source. A panel becomes a tile with the
# same title and queries, in the same place: Grafana's grid of 24 columns is taken to the 48 of a mosaic.
locals {
  boards = { for file in fileset(var.dashboards, "*.json") : trimsuffix(file, ".json") => jsondecode(file("${var.dashboards}/${file}")) }

  panels = {
    for name, board in local.boards : name => [
      for panel in board.panels : panel if try(length(panel.targets), 0) > 0 && try(panel.targets[0].expr, "") != ""
    ]
  }

  tiles = {
    for name, panels in local.panels : name => [
      for panel in panels : {
        xPos   = panel.gridPos.x * 2
        yPos   = panel.gridPos.y * 2
        width  = panel.gridPos.w * 2
        height = panel.gridPos.h * 2
        widget = {
          title = panel.title
          xyChart = {
            dataSets = [
              for target in panel.targets : {
                plotType       = "LINE"
                legendTemplate = try(replace(target.legendFormat, "/\\{\\{ *([a-z_]+) *\\}\\}/", "$${labels.$1}"), "")
                timeSeriesQuery = {
                  # What Grafana fills in: the interval of a rate, and the instance chosen above the board.
                  prometheusQuery = replace(replace(replace(target.expr, "$__rate_interval", "5m"), "/=~?\"\\$\\{?[a-z_]+\\}?\"/", "=~\".*\""), "$__range", "1d")
                }
              } if try(target.expr, "") != ""
            ]
          }
        }
      }
    ]
  }
}

resource "google_monitoring_dashboard" "grafana" {
  for_each = local.tiles
  project  = var.project
  dashboard_json = jsonencode({
    displayName  = local.boards[each.key].title
    labels       = { assay = "" }
    mosaicLayout = { columns = 48, tiles = each.value }
  })
}

# What only Google knows: the load balancer, queues and store.
locals {
  cloud = [
    ["Requests at the load balancer by status", "resource.type=\"https_lb_rule\" metric.type=\"loadbalancing.googleapis.com/https/request_count\"", "ALIGN_RATE", "REDUCE_SUM", ["metric.label.response_code_class"]],
    ["Latency at the load balancer (99 %)", "resource.type=\"https_lb_rule\" metric.type=\"loadbalancing.googleapis.com/https/total_latencies\"", "ALIGN_PERCENTILE_99", "REDUCE_MAX", []],
    ["Refused by Cloud Armor", "resource.type=\"network_security_policy\" metric.type=\"networksecurity.googleapis.com/https/request_count\" metric.label.blocked=\"true\"", "ALIGN_RATE", "REDUCE_SUM", []],
    ["Messages that wait", "resource.type=\"pubsub_subscription\" metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\"", "ALIGN_MAX", "REDUCE_MAX", ["resource.label.subscription_id"]],
    ["Age of the oldest message (s)", "resource.type=\"pubsub_subscription\" metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"", "ALIGN_MAX", "REDUCE_MAX", ["resource.label.subscription_id"]],
    ["Processor of the store", "resource.type=\"cloudsql_database\" metric.type=\"cloudsql.googleapis.com/database/cpu/utilization\"", "ALIGN_MEAN", "REDUCE_MAX", ["resource.label.database_id"]],
    ["Connections to the store", "resource.type=\"cloudsql_database\" metric.type=\"cloudsql.googleapis.com/database/postgresql/num_backends\"", "ALIGN_MEAN", "REDUCE_SUM", ["resource.label.database_id"]],
    ["Disk of the store", "resource.type=\"cloudsql_database\" metric.type=\"cloudsql.googleapis.com/database/disk/utilization\"", "ALIGN_MEAN", "REDUCE_MAX", ["resource.label.database_id"]],
  ]
}

resource "google_monitoring_dashboard" "cloud" {
  project = var.project
  dashboard_json = jsonencode({
    displayName = "assay: around the service"
    labels      = { assay = "" }
    mosaicLayout = {
      columns = 48
      tiles = [for i, tile in local.cloud : {
        xPos   = (i % 2) * 24
        yPos   = floor(i / 2) * 16
        width  = 24
        height = 16
        widget = {
          title = tile[0]
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = tile[1]
                  aggregation = {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = tile[2]
                    crossSeriesReducer = tile[3]
                    groupByFields      = tile[4]
                  }
                }
              }
            }]
          }
        }
      }]
    }
  })
}
