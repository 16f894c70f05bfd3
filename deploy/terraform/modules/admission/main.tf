# Whose images may run (Binary Authorization): those of our own registry, and Google's own of the cluster. What is in the registry
# was put there by the deployer alone, in prod after its signature was asked for (deploy/pipelines/take-over). An attestation beside
# that would be made by the same account: a second lock with the same key.
resource "google_binary_authorization_policy" "cluster" {
  project                       = var.project
  description                   = "Images of assay's registry, and of Google's cluster"
  global_policy_evaluation_mode = "ENABLE"

  default_admission_rule {
    evaluation_mode  = "ALWAYS_DENY"
    enforcement_mode = "ENFORCED_BLOCK_AND_AUDIT_LOG"
  }

  admission_whitelist_patterns {
    name_pattern = "${var.registry}/**"
  }

  # The autoscaler's metrics come by this adapter of Google's, which has a namespace of its own.
  admission_whitelist_patterns {
    name_pattern = "gcr.io/gke-release/custom-metrics-stackdriver-adapter*"
  }
}
