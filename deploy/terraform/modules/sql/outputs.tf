output "instance" {
  description = "Name of the instance, as gcloud and backups know it."
  value       = google_sql_database_instance.store.name
}

output "host" {
  description = "Name under which pods reach it."
  value       = trimsuffix(google_dns_record_set.store.name, ".")
}

output "certificate" {
  description = "Certificate of the authority that signed the server's."
  value       = google_sql_database_instance.store.server_ca_cert[0].cert
}
