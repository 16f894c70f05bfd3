output "push_account" {
  description = "Whose token pushes carry: pubsub.email of serve.yaml."
  value       = google_service_account.push.email
}

output "push_audience" {
  description = "For whom that token is: pubsub.audience of serve.yaml."
  value       = var.push_endpoint
}

output "topics" {
  description = "Names of the topics."
  value       = sort([for topic in google_pubsub_topic.assay : topic.name])
}
