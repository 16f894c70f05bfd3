# What holds of every environment. tests/deploy/terraform/check puts this file into each before it runs `terraform test`.
mock_provider "google" {
  override_during = plan

  mock_resource "google_sql_database_instance" {
    defaults = {
      private_ip_address = "10.64.0.3"
      server_ca_cert     = [{ cert = "certificate", common_name = "", create_time = "", expiration_time = "", sha1_fingerprint = "" }]
    }
  }

  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project             = "assay-test"
  host                = "test.deblock.com"
  callers             = ["203.0.113.0/24"]
  repository          = "deblock/assay"
  repository_owner_id = "1234567"
  billing_account     = "01AB23-CD45EF-678901"
  mail                = { platform = "platform@example.com", risk = "risk@example.com", compliance = "compliance@example.com" }
  store_password      = "abcdefghijklmnopqrstuvwx"
}

run "is_planned_with_the_names_that_manifests_rely_on" {
  command = plan

  assert {
    condition = output.buckets == {
      audit        = "assay-test-assay-audit"
      batches      = "assay-test-assay-batches"
      bundles      = "assay-test-assay-bundles"
      runs         = "assay-test-assay-runs"
      sources      = "assay-test-assay-sources"
      transactions = "assay-test-assay-transactions"
    }
    error_message = "buckets have other names than deploy/kubernetes expects"
  }

  assert {
    condition     = output.tables.tables == tolist(["customers", "decision_events", "decisions", "features", "feedback", "labels", "predictions", "transactions"])
    error_message = "BigQuery has other tables than deploy/bigquery fills and reads"
  }

  assert {
    condition     = output.secrets == tolist(["assay-google-jwks", "assay-jwks", "assay-log-hash-key", "assay-pgpass", "assay-store-ca", "assay-verify-token"])
    error_message = "secrets have other names than the pods mount and the pipelines ask for"
  }

  assert {
    condition     = output.store == { instance = "assay-store", host = "store.assay.internal" }
    error_message = "the store has another name than serve.yaml says"
  }

  assert {
    condition     = output.pubsub.audience == "https://test.deblock.com/ai/v1/pubsub"
    error_message = "pushes go elsewhere than to the service"
  }

  assert {
    condition     = output.pubsub.topics == tolist(["assay-decisions", "assay-transactions", "assay-transactions-dead"])
    error_message = "topics have other names"
  }

  assert {
    condition     = length(setintersection(output.alerts.policies, output.alerts.left_to_rules)) == 0
    error_message = "an alert is evaluated twice"
  }

  # Were the rules looked for in the wrong folder, there would be none, and all else would hold.
  assert {
    condition     = length(output.alerts.policies) > 0 && length(output.alerts.left_to_rules) > 0
    error_message = "Terraform finds no rules of Prometheus"
  }
}
