output "dataset" {
  description = "Dataset with the service's log lines."
  value       = google_bigquery_dataset.logs.dataset_id
}
