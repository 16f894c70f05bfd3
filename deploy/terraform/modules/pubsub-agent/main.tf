# Pub/Sub's own account in the project: it hands dead letters on and writes to BigQuery. Its name follows from the project's number.
data "google_project" "this" {
  project_id = var.project
}
