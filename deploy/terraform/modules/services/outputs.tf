output "services" {
  description = "The APIs that are enabled."
  value       = sort([for service in google_project_service.used : service.service])
}
