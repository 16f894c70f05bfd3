# What holds of single modules, and what an environment refuses. tests/deploy/terraform/check puts this file into one environment and runs `terraform test`.
mock_provider "google" {
  override_during = plan
}

run "buckets_are_private_encrypted_and_forget" {
  command = plan

  module {
    source = "../../modules/storage"
  }

  variables {
    project      = "assay-test"
    region       = "europe-west9"
    key          = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    keep_days    = { transactions = 90, batches = 30, predictions = 400, outcomes = 90, reports = 730 }
    audit_days   = 1830
    audit_locked = true
  }

  assert {
    condition     = alltrue([for bucket in values(google_storage_bucket.data) : bucket.public_access_prevention == "enforced" && bucket.uniform_bucket_level_access])
    error_message = "a bucket can be made public"
  }

  assert {
    condition     = alltrue([for bucket in values(google_storage_bucket.data) : bucket.encryption[0].default_kms_key_name == var.key]) && google_storage_bucket.audit.encryption[0].default_kms_key_name == var.key
    error_message = "a bucket is not encrypted by our key"
  }

  assert {
    condition     = google_storage_bucket.audit.retention_policy[0].is_locked && tonumber(google_storage_bucket.audit.retention_policy[0].retention_period) == 1830 * 86400
    error_message = "the audit bucket's retention is not locked for five years"
  }

  # What a killed job left (NAME.assay-JOB/...) has no prefix or suffix of its own: all of the bucket goes by age.
  assert {
    condition     = local.buckets["batches"].delete == { "" = 30 } && one(one(google_storage_bucket.data["batches"].lifecycle_rule).condition).age == 30
    error_message = "parts of killed jobs stay in the bucket of batches"
  }
}

run "sources_go_after_days_and_what_was_rendered_after_a_year" {
  command = plan

  module {
    source = "../../modules/storage"
  }

  variables {
    project      = "assay-test"
    region       = "europe-west9"
    key          = "k"
    keep_days    = { transactions = 90, batches = 30, predictions = 400, outcomes = 90, reports = 730 }
    audit_days   = 1830
    audit_locked = true
  }

  assert {
    condition = { for rule in google_storage_bucket.data["sources"].lifecycle_rule : one(one(rule.condition).matches_prefix) => one(rule.condition).age } == {
      "builds/" = 14, "releases/" = 14, "rendered/" = 400
    }
    error_message = "sources stay, or a release cannot be rolled out again"
  }
}

run "logs_must_outlive_their_labels" {
  command = plan

  module {
    source = "../../modules/storage"
  }

  variables {
    project      = "assay-test"
    region       = "europe-west9"
    key          = "k"
    keep_days    = { transactions = 90, batches = 30, predictions = 10, outcomes = 90, reports = 730 }
    audit_days   = 1830
    audit_locked = true
  }

  expect_failures = [var.keep_days]
}

run "nobody_but_callers_and_pubsub_passes_the_edge" {
  command = plan

  module {
    source = "../../modules/edge"
  }

  variables {
    project             = "assay-test"
    host                = "test.deblock.com"
    base_path           = "/ai"
    callers             = ["203.0.113.0/24"]
    requests_per_minute = 60000
    pushes_per_minute   = 60000
    preview             = true
  }

  assert {
    condition     = [for rule in google_compute_security_policy.edge.rule : rule.action if rule.priority == 2147483647] == ["deny(403)"]
    error_message = "whom no rule names is let in"
  }

  assert {
    condition     = [for rule in google_compute_security_policy.edge.rule : one(one(rule.match).config).src_ip_ranges if rule.priority == 2000] == [toset(["203.0.113.0/24"])]
    error_message = "others than the callers are let in"
  }
}

run "the_whole_internet_is_no_caller" {
  command = plan

  module {
    source = "../../modules/edge"
  }

  variables {
    project             = "assay-test"
    host                = "test.deblock.com"
    base_path           = "/ai"
    callers             = ["0.0.0.0/0"]
    requests_per_minute = 60000
    pushes_per_minute   = 60000
    preview             = true
  }

  expect_failures = [var.callers]
}

run "only_images_of_our_registry_run" {
  command = plan

  module {
    source = "../../modules/admission"
  }

  variables {
    project  = "assay-test"
    registry = "europe-west9-docker.pkg.dev/assay-test/assay"
  }

  assert {
    condition     = google_binary_authorization_policy.cluster.default_admission_rule[0].evaluation_mode == "ALWAYS_DENY" && google_binary_authorization_policy.cluster.default_admission_rule[0].enforcement_mode == "ENFORCED_BLOCK_AND_AUDIT_LOG"
    error_message = "an image that nobody names may run"
  }

  assert {
    condition = sort([for pattern in google_binary_authorization_policy.cluster.admission_whitelist_patterns : pattern.name_pattern]) == tolist([
      "europe-west9-docker.pkg.dev/assay-test/assay/**", "gcr.io/gke-release/custom-metrics-stackdriver-adapter*"
    ])
    error_message = "images of others may run"
  }
}

run "accounts_have_no_more_than_they_need" {
  command = plan

  module {
    source = "../../modules/iam"
  }

  variables {
    project       = "assay-test"
    workload_pool = "assay-test.svc.id.goog"
    buckets       = { bundles = "b", transactions = "t", batches = "a", runs = "r", sources = "s", audit = "u" }
    trains        = true
  }

  # docs/pipelines.md, "What must be set".
  assert {
    condition     = length(setsubtract(["roles/cloudbuild.builds.editor", "roles/clouddeploy.jobRunner", "roles/clouddeploy.releaser", "roles/container.developer", "roles/monitoring.viewer"], keys(google_project_iam_member.deployer))) == 0
    error_message = "the deployer cannot do what the pipelines have it do"
  }

  assert {
    condition = { for name, access in google_storage_bucket_iam_member.access : name => "${access.role} ${access.bucket} ${try(one(access.condition).expression, "")}" if startswith(name, "deployer-") } == {
      deployer-bundles            = "roles/storage.objectUser b "
      deployer-golden             = "roles/storage.objectUser r resource.name.startsWith('projects/_/buckets/r/objects/golden/')"
      deployer-runs               = "roles/storage.objectUser r resource.name.startsWith('projects/_/buckets/r/objects/retrain/')"
      deployer-sources            = "roles/storage.objectUser s "
      deployer-training           = "roles/storage.objectViewer t resource.name.startsWith('projects/_/buckets/t/objects/retrain/')"
      deployer-lists-sources      = "roles/storage.legacyBucketReader s "
      deployer-lists-runs         = "roles/storage.legacyBucketReader r "
      deployer-lists-transactions = "roles/storage.legacyBucketReader t "
    }
    error_message = "the deployer reads and writes other files than the pipelines need"
  }

  assert {
    condition     = alltrue([for name, access in google_storage_bucket_iam_member.access : startswith(name, "deployer-") if access.bucket == "s"])
    error_message = "others than the deployer reach what is built and released"
  }

  assert {
    condition     = google_service_account_iam_member.signer.role == "roles/iam.serviceAccountTokenCreator"
    error_message = "the deployer cannot sign in its own name"
  }

  assert {
    condition     = google_service_account_iam_member.pods["serve"].member == "serviceAccount:assay-test.svc.id.goog[assay/assay-serve]"
    error_message = "another pod than assay/assay-serve acts as the service"
  }

  assert {
    condition     = one(google_storage_bucket_iam_member.access["serve-predictions"].condition).expression == "resource.name.startsWith('projects/_/buckets/r/objects/predictions/')"
    error_message = "the service writes elsewhere than under predictions/"
  }

  assert {
    condition     = alltrue([for role in keys(google_project_iam_member.deployer) : !contains(["roles/owner", "roles/editor"], role)]) && alltrue([for access in values(google_storage_bucket_iam_member.access) : access.role != "roles/storage.admin"])
    error_message = "an account has a role that may do anything"
  }
}

run "only_where_models_learn_the_deployer_reads_transactions" {
  command = plan

  module {
    source = "../../modules/iam"
  }

  variables {
    project       = "assay-test"
    workload_pool = "assay-test.svc.id.goog"
    buckets       = { bundles = "b", transactions = "t", batches = "a", runs = "r", sources = "s", audit = "u" }
    trains        = false
  }

  assert {
    condition     = alltrue([for name, access in google_storage_bucket_iam_member.access : startswith(name, "jobs-") if access.bucket == "t"])
    error_message = "the deployer reads transactions where no model learns from them"
  }
}

run "alerts_dashboards_and_promises_come_from_one_source" {
  command = plan

  module {
    source = "../../modules/monitoring"
  }

  variables {
    project       = "assay-test"
    host          = "test.deblock.com"
    base_path     = "/ai"
    rules         = "../../../monitoring/prometheus/rules"
    dashboards    = "../../../monitoring/grafana/dashboards"
    runbooks      = "https://example.com/runbooks"
    mail          = { platform = "platform@example.com", risk = "risk@example.com", compliance = "compliance@example.com" }
    page_channels = []
  }

  assert {
    condition     = google_monitoring_slo.answered.goal == 0.999 && google_monitoring_slo.fast.goal == 0.99 && google_monitoring_slo.fast.request_based_sli[0].distribution_cut[0].range[0].max == 0.3
    error_message = "the promises are others than docs/telemetry.md makes"
  }

  assert {
    condition     = length(output.policies) + length(output.left_to_rules) == length([for rule in flatten([for file in fileset("../../../monitoring/prometheus/rules", "*.yaml") : [for group in yamldecode(file("../../../monitoring/prometheus/rules/${file}")).groups : group.rules]]) : rule if can(rule.alert)])
    error_message = "an alert of Prometheus is neither a policy nor left to the cluster's Rules"
  }

  assert {
    condition     = alltrue([for policy in values(google_monitoring_alert_policy.rules) : !strcontains(policy.documentation[0].content, "{{")])
    error_message = "what Prometheus would fill in stands in a notification"
  }
}

run "what_is_wrong_fails_early" {
  command = plan

  variables {
    repository             = "deblock/assay"
    repository_owner_id    = "1234567"
    mail                   = { platform = "platform@example.com", risk = "risk@example.com", compliance = "compliance@example.com" }
    project                = "Assay Prod"
    recovery_region        = "us-east1"
    host                   = "https://prod.deblock.com/ai"
    callers                = []
    billing_account        = "my account"
    store_password         = "p:ssword"
    store_password_version = 0
  }

  expect_failures = [
    var.project,
    var.recovery_region,
    var.host,
    var.callers,
    var.billing_account,
    var.store_password,
    var.store_password_version,
  ]
}
