output "cluster" {
  description = "Name of the cluster."
  value       = module.gke.cluster
}

output "cluster_id" {
  description = "Id of the cluster, as a target of Cloud Deploy names it."
  value       = module.gke.cluster_id
}

output "registry" {
  description = "What comes before an image's name."
  value       = module.registry.address
}

output "accounts" {
  description = "Addresses of the accounts."
  value       = module.iam.accounts
}

output "buckets" {
  description = "Names of the buckets."
  value       = module.storage.buckets
}

output "dataset" {
  description = "Dataset of the tables."
  value       = module.bigquery.dataset
}

output "tables" {
  description = "Names of the tables."
  value       = module.bigquery.tables
}

output "secrets" {
  description = "Names of the secrets; docs/cloud.md says who puts in what."
  value       = module.secrets.secrets
}

output "store" {
  description = "The store: instance, and host as serve.yaml names it."
  value       = { instance = module.sql.instance, host = module.sql.host }
}

output "pubsub" {
  description = "For serve.yaml: pubsub.email and pubsub.audience."
  value       = { email = module.pubsub.push_account, audience = module.pubsub.push_audience, topics = module.pubsub.topics }
}

output "dns" {
  description = "Records to make where the host's zone is."
  value       = { address = module.edge.address, certificate = module.edge.certificate_record }
}

output "identity_provider" {
  description = "Name that a workflow gives to google-github-actions/auth."
  value       = module.ci.provider
}

output "alerts" {
  description = "Alerts that are policies, and those that the cluster's Rules evaluate."
  value       = { policies = module.monitoring.policies, left_to_rules = module.monitoring.left_to_rules }
}

output "log_dataset" {
  description = "Dataset with log lines."
  value       = module.logs.dataset
}

output "budget" {
  description = "Id of the budget."
  value       = module.budget.budget
}

output "services" {
  description = "APIs that are enabled."
  value       = module.services.services
}
