output "dataset" {
  description = "Name of the dataset."
  value       = google_bigquery_dataset.assay.dataset_id
}

output "tables" {
  description = "Names of the tables."
  value       = sort([for table in google_bigquery_table.data : table.table_id])
}

output "decision_events" {
  description = "The table of events, as a subscription names it; known once Pub/Sub may write it."
  value       = "${var.project}.${google_bigquery_dataset.assay.dataset_id}.${google_bigquery_table.data["decision_events"].table_id}"
  depends_on  = [google_bigquery_table_iam_member.subscription]
}
