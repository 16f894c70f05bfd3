# Three accounts, each with what it needs and no key: pods come by Workload Identity, CI by federation (module ci).
resource "google_service_account" "assay" {
  for_each = {
    serve    = "The service"
    jobs     = "Batch scoring, training, monitoring, load jobs"
    deployer = "CI and Cloud Deploy"
  }
  project      = var.project
  account_id   = "assay-${each.key}"
  display_name = each.value
}

locals {
  # Who may do what in which bucket; a prefix narrows it to a folder.
  storage = {
    serve-predictions = { account = "serve", bucket = "runs", role = "roles/storage.objectCreator", prefix = "predictions/" }
    serve-batches     = { account = "serve", bucket = "batches", role = "roles/storage.objectUser", prefix = "" }
    jobs-batches      = { account = "jobs", bucket = "batches", role = "roles/storage.objectUser", prefix = "" }
    jobs-runs         = { account = "jobs", bucket = "runs", role = "roles/storage.objectUser", prefix = "" }
    jobs-loads        = { account = "jobs", bucket = "runs", role = "roles/storage.legacyBucketReader", prefix = "" } # a load job asks for the bucket itself
    jobs-transactions = { account = "jobs", bucket = "transactions", role = "roles/storage.objectViewer", prefix = "" }
    jobs-training     = { account = "jobs", bucket = "transactions", role = "roles/storage.objectUser", prefix = "retrain/" }
    jobs-audit        = { account = "jobs", bucket = "audit", role = "roles/storage.objectCreator", prefix = "chain/" }
    deployer-bundles  = { account = "deployer", bucket = "bundles", role = "roles/storage.objectUser", prefix = "" }
    deployer-golden   = { account = "deployer", bucket = "runs", role = "roles/storage.objectUser", prefix = "golden/" }
    deployer-runs     = { account = "deployer", bucket = "runs", role = "roles/storage.objectUser", prefix = "retrain/" }
    deployer-sources  = { account = "deployer", bucket = "sources", role = "roles/storage.objectUser", prefix = "" }
    deployer-training = { account = "deployer", bucket = "transactions", role = "roles/storage.objectViewer", prefix = "retrain/" }
    # A folder is listed by asking the bucket, and a condition on objects' names does not speak of that. Names alone are seen by it.
    deployer-lists-sources      = { account = "deployer", bucket = "sources", role = "roles/storage.legacyBucketReader", prefix = "" }
    deployer-lists-runs         = { account = "deployer", bucket = "runs", role = "roles/storage.legacyBucketReader", prefix = "" }
    deployer-lists-transactions = { account = "deployer", bucket = "transactions", role = "roles/storage.legacyBucketReader", prefix = "" }
  }

  # Models learn where the data are: in the others nobody but the jobs reads transactions.
  access = { for name, one in local.storage : name => one if var.trains || !contains(["deployer-training", "deployer-lists-transactions"], name) }

  deployer = [
    "roles/cloudbuild.builds.editor",
    "roles/clouddeploy.jobRunner",
    "roles/clouddeploy.releaser",
    "roles/container.developer",
    "roles/logging.logWriter",
    "roles/monitoring.viewer", # verify-canary asks Managed Prometheus
    "roles/serviceusage.serviceUsageConsumer",
  ]
}

resource "google_storage_bucket_iam_member" "access" {
  for_each = local.access
  bucket   = var.buckets[each.value.bucket]
  role     = each.value.role
  member   = google_service_account.assay[each.value.account].member

  dynamic "condition" {
    for_each = each.value.prefix == "" ? [] : [each.value.prefix]
    content {
      title      = "in-${trimsuffix(condition.value, "/")}"
      expression = "resource.name.startsWith('projects/_/buckets/${var.buckets[each.value.bucket]}/objects/${condition.value}')"
    }
  }
}

resource "google_service_account_iam_member" "pods" {
  for_each           = toset(["serve", "jobs"])
  service_account_id = google_service_account.assay[each.value].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.workload_pool}[assay/assay-${each.value}]"
}

resource "google_project_iam_member" "deployer" {
  for_each = toset(local.deployer)
  project  = var.project
  role     = each.value
  member   = google_service_account.assay["deployer"].member
}

# A release is rolled out as this same account.
resource "google_service_account_iam_member" "deployer" {
  service_account_id = google_service_account.assay["deployer"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.assay["deployer"].member
}

# It signs images with its own identity: a token in its own name, for cosign.
resource "google_service_account_iam_member" "signer" {
  service_account_id = google_service_account.assay["deployer"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.assay["deployer"].member
}
