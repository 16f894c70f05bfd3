# What is looked at beyond one customer: the tables of deploy/bigquery. Their schemas are generated from the product's own
# contracts by deploy/bigquery/schemas; never edit them.
locals {
  tables = {
    customers       = { day = "loaded_at", expires = false, cluster = ["user_id"] }
    transactions    = { day = "created_at", expires = false, cluster = ["user_id", "type"] }
    features        = { day = "as_of", expires = true, cluster = ["customer_id"] }
    predictions     = { day = "time", expires = true, cluster = ["role", "segment", "customer"] }
    decisions       = { day = "as_of", expires = false, cluster = ["action", "customer_id"] }
    decision_events = { day = "publish_time", expires = true, cluster = [] }
    feedback        = { day = "at", expires = false, cluster = ["verdict", "decision_id"] }
    labels          = { day = "known_at", expires = false, cluster = ["customer_id"] }
  }
}

resource "google_bigquery_dataset" "assay" {
  project                    = var.project
  dataset_id                 = "assay"
  friendly_name              = "assay"
  description                = "Transactions in, decisions out, and what was said of them later"
  location                   = var.region
  max_time_travel_hours      = "48" # what was erased is gone after two days
  delete_contents_on_destroy = false
  labels                     = { service = "assay" }

  default_encryption_configuration {
    kms_key_name = var.key
  }
}

resource "google_bigquery_table" "data" {
  for_each            = local.tables
  project             = var.project
  dataset_id          = google_bigquery_dataset.assay.dataset_id
  table_id            = each.key
  schema              = file("${var.schemas}/${each.key}.json")
  clustering          = length(each.value.cluster) > 0 ? each.value.cluster : null
  deletion_protection = var.deletion_protection
  labels              = { service = "assay" }

  # A query without a day would read, and pay for, all of them.
  require_partition_filter = contains(["transactions", "predictions"], each.key)

  time_partitioning {
    type          = "DAY"
    field         = each.value.day
    expiration_ms = each.value.expires ? var.keep_days * 86400000 : null
  }
}

resource "google_bigquery_table_iam_member" "subscription" {
  project    = var.project
  dataset_id = google_bigquery_dataset.assay.dataset_id
  table_id   = google_bigquery_table.data["decision_events"].table_id
  role       = "roles/bigquery.dataEditor"
  member     = "serviceAccount:${var.pubsub_agent}"
}

resource "google_bigquery_dataset_iam_member" "writers" {
  for_each   = var.writers
  project    = var.project
  dataset_id = google_bigquery_dataset.assay.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = "serviceAccount:${each.value}"
}

resource "google_project_iam_member" "jobs" {
  for_each = var.writers
  project  = var.project
  role     = "roles/bigquery.jobUser"
  member   = "serviceAccount:${each.value}"
}

resource "google_bigquery_dataset_iam_member" "readers" {
  for_each   = var.readers
  project    = var.project
  dataset_id = google_bigquery_dataset.assay.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = "group:${each.value}"
}
