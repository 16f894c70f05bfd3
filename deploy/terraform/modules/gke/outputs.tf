output "cluster" {
  description = "Name of the cluster."
  value       = google_container_cluster.assay.name
}

output "cluster_id" {
  description = "Id of the cluster, as Cloud Deploy names a target."
  value       = google_container_cluster.assay.id
}

output "nodes_account" {
  description = "Account of the nodes, which pulls images."
  value       = google_service_account.nodes.email
}

output "workload_pool" {
  description = "Pool of the identities of pods; it exists with the cluster."
  value       = google_container_cluster.assay.workload_identity_config[0].workload_pool
}
