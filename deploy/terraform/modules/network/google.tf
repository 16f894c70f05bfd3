# Google's interfaces by their private address: pods are let out to these four addresses and nowhere else
# (deploy/kubernetes/base/network.yaml).
resource "google_dns_managed_zone" "google" {
  project    = var.project
  name       = "googleapis"
  dns_name   = "googleapis.com."
  visibility = "private"

  private_visibility_config {
    networks {
      network_url = google_compute_network.assay.id
    }
  }
}

resource "google_dns_record_set" "google_private" {
  project      = var.project
  managed_zone = google_dns_managed_zone.google.name
  name         = "private.googleapis.com."
  type         = "A"
  ttl          = 300
  rrdatas      = ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"]
}

resource "google_dns_record_set" "google_all" {
  project      = var.project
  managed_zone = google_dns_managed_zone.google.name
  name         = "*.googleapis.com."
  type         = "CNAME"
  ttl          = 300
  rrdatas      = ["private.googleapis.com."]
}
