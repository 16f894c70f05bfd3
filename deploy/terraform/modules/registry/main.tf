# Images of program, jobs and bundles. A tag can never be moved; what is deployed is named by digest.
resource "google_artifact_registry_repository" "assay" {
  project       = var.project
  location      = var.region
  repository_id = "assay"
  format        = "DOCKER"
  description   = "Images of assay, its jobs and its bundles"

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 30
    }
  }

  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "7776000s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "readers" {
  for_each   = var.readers
  project    = var.project
  location   = google_artifact_registry_repository.assay.location
  repository = google_artifact_registry_repository.assay.name
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${each.value}"
}

resource "google_artifact_registry_repository_iam_member" "writers" {
  for_each   = var.writers
  project    = var.project
  location   = google_artifact_registry_repository.assay.location
  repository = google_artifact_registry_repository.assay.name
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${each.value}"
}
