output "channels" {
  description = "Ids of the notification channels by mail."
  value       = [for channel in google_monitoring_notification_channel.mail : channel.id]
}

output "policies" {
  description = "Alerts of the rule files that are policies here."
  value       = sort(keys(local.policies))
}

output "left_to_rules" {
  description = "Alerts that look back further than Cloud Monitoring does; the cluster's Rules evaluate them."
  value       = sort(keys(local.looks_back))
}
