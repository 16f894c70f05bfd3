# Secrets by name; each is read by whom it concerns. Terraform writes the versions of the store's two alone: the others are put in
# by people or by a job (docs/cloud.md), so that no state and no plan holds them.
locals {
  access = merge([for secret, accounts in var.readers : { for account in accounts : "${secret}/${account}" => { secret = secret, account = account } }]...)
}

resource "google_secret_manager_secret" "assay" {
  for_each  = var.readers
  project   = var.project
  secret_id = each.key
  labels    = { service = "assay" }

  replication {
    user_managed {
      dynamic "replicas" {
        for_each = var.regions
        content {
          location = replicas.value
        }
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each  = local.access
  project   = var.project
  secret_id = google_secret_manager_secret.assay[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.accounts[each.value.account]}"
}

# A job fetches Google's public keys, with which pushes are checked, and puts them in as a new version.
resource "google_secret_manager_secret_iam_member" "google_keys" {
  project   = var.project
  secret_id = google_secret_manager_secret.assay["assay-google-jwks"].secret_id
  role      = "roles/secretmanager.secretVersionManager"
  member    = "serviceAccount:${var.accounts["jobs"]}"
}

resource "google_secret_manager_secret_version" "pgpass" {
  secret                 = google_secret_manager_secret.assay["assay-pgpass"].id
  secret_data_wo         = "${var.store.host}:5432:assay:assay:${var.store_password}"
  secret_data_wo_version = var.store_password_version
}

resource "google_secret_manager_secret_version" "store_certificate" {
  secret      = google_secret_manager_secret.assay["assay-store-ca"].id
  secret_data = var.store.certificate
}
