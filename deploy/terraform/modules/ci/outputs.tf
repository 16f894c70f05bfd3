output "provider" {
  description = "Name that a workflow gives to google-github-actions/auth."
  value       = google_iam_workload_identity_pool_provider.github.name
}
