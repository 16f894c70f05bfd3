output "secrets" {
  description = "Names of the secrets."
  value       = sort([for secret in google_secret_manager_secret.assay : secret.secret_id])
}
