# The service's lines stay 30 days where they can be searched, and 90 where they can be counted; what was done to the project
# itself goes where nobody can take it away.
resource "google_logging_project_bucket_config" "default" {
  project        = var.project
  location       = "global"
  bucket_id      = "_Default"
  retention_days = 30
}

resource "google_logging_project_exclusion" "health" {
  project     = var.project
  name        = "assay-health"
  description = "Health checks of the load balancer that were answered well"
  filter      = "resource.type=\"http_load_balancer\" AND httpRequest.status=200 AND httpRequest.requestUrl=~\"/(readyz|healthz|v2/health/live)$\""
}

resource "google_bigquery_dataset" "logs" {
  project                         = var.project
  dataset_id                      = "assay_logs"
  description                     = "Log lines of the service; no line holds a customer's id"
  location                        = var.region
  default_partition_expiration_ms = 90 * 86400000
  delete_contents_on_destroy      = true
  labels                          = { service = "assay" }

  default_encryption_configuration {
    kms_key_name = var.key
  }
}

resource "google_logging_project_sink" "service" {
  project                = var.project
  name                   = "assay-service"
  description            = "Lines of the service, one a request that was not left out by log.sample"
  destination            = "bigquery.googleapis.com/${google_bigquery_dataset.logs.id}"
  filter                 = "resource.type=\"k8s_container\" AND resource.labels.namespace_name=\"assay\" AND resource.labels.container_name=\"assay-serve\""
  unique_writer_identity = true

  bigquery_options {
    use_partitioned_tables = true
  }
}

resource "google_bigquery_dataset_iam_member" "service" {
  project    = var.project
  dataset_id = google_bigquery_dataset.logs.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_logging_project_sink.service.writer_identity
}

resource "google_logging_project_sink" "audit" {
  project                = var.project
  name                   = "assay-audit"
  description            = "Who did what to the project and read which data"
  destination            = "storage.googleapis.com/${var.audit_bucket}"
  filter                 = "log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/data_access\") OR log_id(\"cloudaudit.googleapis.com/policy\")"
  unique_writer_identity = true
}

resource "google_storage_bucket_iam_member" "audit" {
  bucket = var.audit_bucket
  role   = "roles/storage.objectCreator"
  member = google_logging_project_sink.audit.writer_identity
}

# Reading personal data is written down as well; Google leaves that out unless asked.
resource "google_project_iam_audit_config" "data" {
  for_each = toset(["bigquery.googleapis.com", "cloudsql.googleapis.com", "secretmanager.googleapis.com", "storage.googleapis.com"])
  project  = var.project
  service  = each.value

  audit_log_config {
    log_type = "DATA_READ"
  }

  audit_log_config {
    log_type = "DATA_WRITE"
  }
}
