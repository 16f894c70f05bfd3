output "storage" {
  description = "Key of the buckets; known once the storage agent may use it."
  value       = google_kms_crypto_key.data["storage"].id
  depends_on  = [google_kms_crypto_key_iam_member.storage]
}

output "bigquery" {
  description = "Key of the dataset; known once BigQuery's agent may use it."
  value       = google_kms_crypto_key.data["bigquery"].id
  depends_on  = [google_kms_crypto_key_iam_member.bigquery]
}
