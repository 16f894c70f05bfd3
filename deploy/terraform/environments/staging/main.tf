# assay in staging. The state is in a bucket that is made by hand before all else (docs/cloud.md):
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
    prefix = "assay/staging"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

module "platform" {
  source                 = "../../modules/platform"
  environment            = "staging"
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
  protected              = false

  ranges = {
    nodes            = "10.12.0.0/20"
    pods             = "10.13.0.0/16"
    services         = "10.12.16.0/20"
    private_services = "10.64.0.0/20"
  }

  sizes = {
    release_channel        = "REGULAR"
    store_tier             = "db-custom-2-8192"
    store_highly_available = false
    store_disk_gb          = 20
    store_connections      = 200
    requests_per_minute    = 6000
    pushes_per_minute      = 6000
    armor_preview          = true
    keep_days = {
      transactions = 90
      batches      = 14
      predictions  = 15
      outcomes     = 90
      reports      = 180
    }
    table_days   = 180
    audit_days   = 7
    budget_euros = 400
  }
}
