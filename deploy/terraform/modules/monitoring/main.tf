# Who hears of what. Ticket and info go to the first channels as well, by mail; page also to those that wake somebody.
resource "google_monitoring_notification_channel" "mail" {
  for_each     = var.mail
  project      = var.project
  display_name = "assay ${each.key}"
  type         = "email"
  labels       = { email_address = each.value }
}

locals {
  page    = concat([for owner in sort(keys(var.mail)) : google_monitoring_notification_channel.mail[owner].id], var.page_channels)
  channel = { for owner, channel in google_monitoring_notification_channel.mail : owner => [channel.id] }
}

# Seen from outside: the whole way through DNS, certificate, Cloud Armor, load balancer and pod.
resource "google_monitoring_uptime_check_config" "live" {
  project          = var.project
  display_name     = "assay answers at ${var.host}"
  period           = "60s"
  timeout          = "10s"
  selected_regions = ["EUROPE", "USA_VIRGINIA", "ASIA_PACIFIC"]

  http_check {
    path         = "${var.base_path}/v2/health/live"
    port         = 443
    use_ssl      = true
    validate_ssl = true
    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = var.host
    }
  }
}

resource "google_monitoring_alert_policy" "unreachable" {
  project               = var.project
  display_name          = "AssayUnreachable"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.page
  user_labels           = { severity = "page", owner = "platform" }

  conditions {
    display_name = "No answer in two regions for two minutes"
    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.live.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "120s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "assay does not answer from outside. Begin with ${var.runbooks}/cloud.md#assayunreachable: DNS, certificate, Cloud Armor, Gateway, pods, in this order."
  }
}

# What the service cannot tell of itself: messages that nobody fetched, and a disk that fills.
locals {
  waiting = {
    AssayDeadLettersWait = {
      owner   = "platform"
      filter  = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"assay-transactions-dead\" AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      above   = 0
      says    = "A transaction was refused five times and waits in assay-transactions-dead."
      aligner = "ALIGN_MAX"
    }
    AssayPushesLate = {
      owner   = "platform"
      filter  = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"assay-transactions-push\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      above   = 600
      says    = "The oldest transaction has waited for ten minutes."
      aligner = "ALIGN_MAX"
    }
    AssayStoreDiskFull = {
      owner   = "platform"
      filter  = "resource.type = \"cloudsql_database\" AND resource.labels.database_id = \"${var.project}:assay-store\" AND metric.type = \"cloudsql.googleapis.com/database/disk/utilization\""
      above   = 0.85
      says    = "The store's disk is almost full although it grows by itself: it has come to its limit."
      aligner = "ALIGN_MEAN"
    }
    AssayStoreBusy = {
      owner   = "platform"
      filter  = "resource.type = \"cloudsql_database\" AND resource.labels.database_id = \"${var.project}:assay-store\" AND metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\""
      above   = 0.8
      says    = "The store's processors are busy: requests will wait for it."
      aligner = "ALIGN_MEAN"
    }
  }
}

# A Job that has failed for good: the monitor's with its alert, the tables', the keys'. Kubernetes says so in an event, once.
resource "google_monitoring_alert_policy" "job_failed" {
  project               = var.project
  display_name          = "AssayJobFailed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channel["platform"]
  user_labels           = { severity = "ticket", owner = "platform" }

  conditions {
    display_name = "A Job of the namespace assay has failed"
    condition_matched_log {
      filter = join(" AND ", [
        "log_id(\"events\")",
        "jsonPayload.involvedObject.kind=\"Job\"",
        "jsonPayload.involvedObject.namespace=\"assay\"",
        "jsonPayload.reason=(\"BackoffLimitExceeded\" OR \"DeadlineExceeded\" OR \"PodFailurePolicy\" OR \"FailedIndexes\")",
      ])
      label_extractors = { job = "EXTRACT(jsonPayload.involvedObject.name)" }
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A Job of the namespace assay has failed and is not tried again. ${var.runbooks}/cloud.md#assayjobfailed"
  }
}

resource "google_monitoring_alert_policy" "waiting" {
  for_each              = local.waiting
  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = lookup(local.channel, each.value.owner, local.page)
  user_labels           = { severity = "ticket", owner = each.value.owner }

  conditions {
    display_name = each.value.says
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = each.value.aligner
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.says} ${var.runbooks}/cloud.md#${lower(each.key)}"
  }
}
