# Customer-managed keys (CMEK): destroying a key's versions makes what it protects unreadable, backups included.
data "google_storage_project_service_account" "agent" {
  project = var.project
}

data "google_bigquery_default_service_account" "agent" {
  project = var.project
}

resource "google_kms_key_ring" "assay" {
  project  = var.project
  name     = "assay"
  location = var.region
}

resource "google_kms_crypto_key" "data" {
  for_each                   = toset(["storage", "bigquery"])
  name                       = each.value
  key_ring                   = google_kms_key_ring.assay.id
  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "storage" {
  crypto_key_id = google_kms_crypto_key.data["storage"].id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${data.google_storage_project_service_account.agent.email_address}"
}

resource "google_kms_crypto_key_iam_member" "bigquery" {
  crypto_key_id = google_kms_crypto_key.data["bigquery"].id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${data.google_bigquery_default_service_account.agent.email}"
}
