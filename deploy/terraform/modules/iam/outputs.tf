output "accounts" {
  description = "Addresses of the accounts."
  value       = { for name, account in google_service_account.assay : name => account.email }
}
