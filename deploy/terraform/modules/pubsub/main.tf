# Transactions in: pushed to the service, and after five refusals to the topic of the dead. Decisions out: to BigQuery.
resource "google_pubsub_topic" "assay" {
  for_each                   = toset(["assay-transactions", "assay-transactions-dead", "assay-decisions"])
  project                    = var.project
  name                       = each.value
  message_retention_duration = "604800s"
  labels                     = { service = "assay" }

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_service_account" "push" {
  project      = var.project
  account_id   = "assay-pubsub"
  display_name = "Identity of pushes to the service; it has no right to anything"
}

resource "google_service_account_iam_member" "push" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:${var.agent}"
}

resource "google_pubsub_subscription" "push" {
  project                    = var.project
  name                       = "assay-transactions-push"
  topic                      = google_pubsub_topic.assay["assay-transactions"].id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"
  labels                     = { service = "assay" }

  expiration_policy {
    ttl = ""
  }

  push_config {
    push_endpoint = var.push_endpoint
    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = var.push_endpoint
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.assay["assay-transactions-dead"].id
    max_delivery_attempts = 5
  }

  depends_on = [google_service_account_iam_member.push]
}

# Messages on a topic without a subscription are lost: the dead wait here for a person.
resource "google_pubsub_subscription" "dead" {
  project                    = var.project
  name                       = "assay-transactions-dead"
  topic                      = google_pubsub_topic.assay["assay-transactions-dead"].id
  ack_deadline_seconds       = 600
  message_retention_duration = "2678400s"
  retain_acked_messages      = false
  labels                     = { service = "assay" }

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription" "decisions" {
  project                    = var.project
  name                       = "assay-decisions-bigquery"
  topic                      = google_pubsub_topic.assay["assay-decisions"].id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"
  labels                     = { service = "assay" }

  expiration_policy {
    ttl = ""
  }

  # The event as it is, in a column of JSON: an answer that grows a field stops nothing.
  bigquery_config {
    table          = var.decision_events
    write_metadata = true
  }
}

resource "google_pubsub_topic_iam_member" "dead" {
  project = var.project
  topic   = google_pubsub_topic.assay["assay-transactions-dead"].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.agent}"
}

resource "google_pubsub_subscription_iam_member" "dead" {
  project      = var.project
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${var.agent}"
}

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = var.publishers
  project  = var.project
  topic    = google_pubsub_topic.assay[each.value.topic].name
  role     = "roles/pubsub.publisher"
  member   = each.value.member
}
