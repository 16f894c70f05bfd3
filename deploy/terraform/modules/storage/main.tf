# Files in and out. Public access is refused by the bucket itself, whatever anybody grants.
#
# A rule of a lifecycle knows prefixes and suffixes, no patterns: what a killed job left (NAME.assay-JOB/...) has neither.
# So everything in the bucket of batches goes by age; what shall last is in BigQuery by then.
locals {
  buckets = {
    bundles      = { versioning = true, soft_delete_days = 30, delete = {} }
    transactions = { versioning = false, soft_delete_days = 7, delete = { "" = var.keep_days.transactions } }
    batches      = { versioning = false, soft_delete_days = 7, delete = { "" = var.keep_days.batches } }
    # What Cloud Build and Cloud Deploy are sent, and what the latter rendered: read again when a release of last year is rolled out.
    sources = { versioning = false, soft_delete_days = 7, delete = { "builds/" = 14, "releases/" = 14, "rendered/" = 400 } }
    runs = {
      versioning       = false
      soft_delete_days = 7
      delete = {
        "predictions/" = var.keep_days.predictions
        "outcomes/"    = var.keep_days.outcomes
        "monitor/"     = var.keep_days.reports
        "retrain/"     = var.keep_days.reports
      }
    }
  }
}

resource "google_storage_bucket" "data" {
  for_each                    = local.buckets
  project                     = var.project
  name                        = "${var.project}-assay-${each.key}"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = { service = "assay", holds = each.key }

  encryption {
    default_kms_key_name = var.key
  }

  versioning {
    enabled = each.value.versioning
  }

  soft_delete_policy {
    retention_duration_seconds = each.value.soft_delete_days * 86400
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.delete
    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value
        matches_prefix = lifecycle_rule.key == "" ? null : [lifecycle_rule.key]
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.versioning ? [1] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = 365
        num_newer_versions         = 5
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# What must be provable later: heads of the chain of decisions, and audit logs. Nobody can shorten a locked retention,
# so nothing that a person may ask to be erased belongs here.
resource "google_storage_bucket" "audit" {
  project                     = var.project
  name                        = "${var.project}-assay-audit"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = { service = "assay", holds = "audit" }

  encryption {
    default_kms_key_name = var.key
  }

  retention_policy {
    retention_period = var.audit_days * 86400
    is_locked        = var.audit_locked
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "COLDLINE"
    }
    condition {
      age = 90
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.audit_days + 30
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
