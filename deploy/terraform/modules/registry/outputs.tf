output "address" {
  description = "What comes before an image's name."
  value       = "${google_artifact_registry_repository.assay.location}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.assay.repository_id}"
}
