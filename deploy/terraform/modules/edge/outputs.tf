output "address" {
  description = "Address for the host's A record."
  value       = google_compute_global_address.gateway.address
}

output "certificate_record" {
  description = "Record that proves to Google whose the host is; the certificate waits for it."
  value       = google_certificate_manager_dns_authorization.host.dns_resource_record
}
