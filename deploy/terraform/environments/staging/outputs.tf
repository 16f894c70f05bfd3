# The same file in every environment: what people, pipelines and manifests need to know.
output "cluster" {
  description = "Name and id of the cluster."
  value       = { name = module.platform.cluster, id = module.platform.cluster_id }
}

output "registry" {
  description = "What comes before an image's name."
  value       = module.platform.registry
}

output "accounts" {
  description = "Addresses of the accounts serve, jobs and deployer."
  value       = module.platform.accounts
}

output "buckets" {
  description = "Names of the buckets."
  value       = module.platform.buckets
}

output "tables" {
  description = "Datasets and tables."
  value       = { dataset = module.platform.dataset, tables = module.platform.tables, logs = module.platform.log_dataset }
}

output "secrets" {
  description = "Names of the secrets; docs/cloud.md says who puts in what."
  value       = module.platform.secrets
}

output "store" {
  description = "The store: instance, and host as serve.yaml names it."
  value       = module.platform.store
}

output "pubsub" {
  description = "For serve.yaml: pubsub.email and pubsub.audience; the topics."
  value       = module.platform.pubsub
}

output "dns" {
  description = "Records to make where the host's zone is."
  value       = module.platform.dns
}

output "identity_provider" {
  description = "Name that a workflow gives to google-github-actions/auth."
  value       = module.platform.identity_provider
}

output "alerts" {
  description = "Alerts that are policies of Cloud Monitoring, and those that the cluster's Rules evaluate."
  value       = module.platform.alerts
}

output "budget" {
  description = "Id of the budget."
  value       = module.platform.budget
}

output "services" {
  description = "APIs that are enabled."
  value       = module.platform.services
}
