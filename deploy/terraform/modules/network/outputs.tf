output "network" {
  description = "Id of the network."
  value       = google_compute_network.assay.id
}

output "subnet" {
  description = "Id of the subnet of the nodes."
  value       = google_compute_subnetwork.nodes.id
}

output "private_network" {
  description = "Id of the network, once managed services can be reached from it."
  value       = google_compute_network.assay.id
  depends_on  = [google_service_networking_connection.private_services]
}
