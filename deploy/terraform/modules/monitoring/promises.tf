# The service's promises (docs/telemetry.md): 99.9 % of requests are no 5xx, 99 % of scores come within 300 ms.
resource "google_monitoring_custom_service" "assay" {
  project      = var.project
  service_id   = "assay-serve"
  display_name = "assay"
}

locals {
  requests = "resource.type=\"prometheus_target\" AND metric.type=\"prometheus.googleapis.com/assay_requests_total/counter\""
}

resource "google_monitoring_slo" "answered" {
  project             = var.project
  service             = google_monitoring_custom_service.assay.service_id
  slo_id              = "answered"
  display_name        = "99.9 % of requests are answered without an error of ours"
  goal                = 0.999
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = local.requests
      bad_service_filter   = "${local.requests} AND metric.labels.code=monitoring.regex.full_match(\"5[0-9][0-9]\")"
    }
  }
}

resource "google_monitoring_slo" "fast" {
  project             = var.project
  service             = google_monitoring_custom_service.assay.service_id
  slo_id              = "fast"
  display_name        = "99 % of scores come within 300 ms"
  goal                = 0.99
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = "resource.type=\"prometheus_target\" AND metric.type=\"prometheus.googleapis.com/assay_request_duration_seconds/histogram\" AND metric.labels.route=\"/v1/score\""
      range {
        max = 0.3 # a bound of the histogram itself, so nothing is guessed between two
      }
    }
  }
}

# Burns the budget of four weeks within two days: somebody wakes.
resource "google_monitoring_alert_policy" "burn" {
  for_each              = { answered = google_monitoring_slo.answered.name, fast = google_monitoring_slo.fast.name }
  project               = var.project
  display_name          = "AssayBudgetBurns-${each.key}"
  combiner              = "AND"
  severity              = "CRITICAL"
  notification_channels = local.page
  user_labels           = { severity = "page", owner = "platform" }

  dynamic "conditions" {
    for_each = ["3600s", "300s"]
    content {
      display_name = "Burn rate above 14.4 over ${conditions.value}"
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${each.value}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = 14.4
        duration        = "0s"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The error budget burns 14.4 times as fast as it may. ${var.runbooks}/AssayBudgetBurns.md"
  }
}
