# assay in prod. The state is in a bucket that is made by hand before all else (docs/cloud.md):
#   terraform init -backend-config=bucket=PROJECT-terraform
terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  backend "gcs" {
    prefix = "assay/prod"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

module "platform" {
  source                 = "../../modules/platform"
  environment            = "prod"
  project                = var.project
  region                 = var.region
  recovery_region        = var.recovery_region
  host                   = var.host
  base_path              = var.base_path
  callers                = var.callers
  repository             = var.repository
  repository_owner_id    = var.repository_owner_id
  billing_account        = var.billing_account
  mail                   = var.mail
  page_channels          = var.page_channels
  people                 = var.people
  image_readers          = var.image_readers
  transaction_publishers = var.transaction_publishers
  store_password         = var.store_password
  store_password_version = var.store_password_version
  protected              = true

  ranges = {
    nodes            = "10.14.0.0/20"
    pods             = "10.15.0.0/16"
    services         = "10.14.16.0/20"
    private_services = "10.64.0.0/20"
  }

  sizes = {
    release_channel        = "STABLE"
    store_tier             = "db-custom-4-16384"
    store_highly_available = true
    store_disk_gb          = 100
    store_connections      = 500
    requests_per_minute    = 60000
    pushes_per_minute      = 60000
    armor_preview          = true
    keep_days = {
      transactions = 90
      batches      = 30
      predictions  = 15
      outcomes     = 90
      reports      = 730
    }
    table_days   = 730
    audit_days   = 1830
    budget_euros = 2000
  }
}
