output "buckets" {
  description = "Names of the buckets by what they hold."
  value       = merge({ for kind, bucket in google_storage_bucket.data : kind => bucket.name }, { audit = google_storage_bucket.audit.name })
}
