# All of it, in the order in which one thing stands on another. Environments differ in numbers alone.
module "services" {
  source  = "../services"
  project = var.project
}

module "keys" {
  source     = "../keys"
  project    = var.project
  region     = var.region
  depends_on = [module.services]
}

module "network" {
  source     = "../network"
  project    = var.project
  region     = var.region
  ranges     = var.ranges
  depends_on = [module.services]
}

module "gke" {
  source              = "../gke"
  project             = var.project
  region              = var.region
  network             = module.network.network
  subnet              = module.network.subnet
  release_channel     = var.sizes.release_channel
  deletion_protection = var.protected
}

module "storage" {
  source       = "../storage"
  project      = var.project
  region       = var.region
  key          = module.keys.storage
  keep_days    = var.sizes.keep_days
  audit_days   = var.sizes.audit_days
  audit_locked = var.protected
}

module "iam" {
  source        = "../iam"
  project       = var.project
  buckets       = module.storage.buckets
  workload_pool = module.gke.workload_pool
  trains        = var.environment == "prod"
}

module "registry" {
  source     = "../registry"
  project    = var.project
  region     = var.region
  readers    = merge({ nodes = module.gke.nodes_account }, var.image_readers)
  writers    = { deployer = module.iam.accounts["deployer"] }
  depends_on = [module.services]
}

module "admission" {
  source   = "../admission"
  project  = var.project
  registry = module.registry.address
}

module "sql" {
  source              = "../sql"
  project             = var.project
  region              = var.region
  backup_region       = var.recovery_region
  network             = module.network.network
  private_network     = module.network.private_network
  tier                = var.sizes.store_tier
  highly_available    = var.sizes.store_highly_available
  disk_gb             = var.sizes.store_disk_gb
  connections         = var.sizes.store_connections
  password            = var.store_password
  password_version    = var.store_password_version
  people              = var.people.store
  deletion_protection = var.protected
}

module "secrets" {
  source  = "../secrets"
  project = var.project
  regions = [var.region, var.recovery_region]
  readers = {
    assay-jwks         = ["serve"]
    assay-google-jwks  = ["serve", "jobs"]
    assay-pgpass       = ["serve"]
    assay-store-ca     = ["serve"]
    assay-log-hash-key = ["serve", "jobs"]
    assay-verify-token = ["deployer"]
  }
  accounts               = module.iam.accounts
  store                  = { host = module.sql.host, certificate = module.sql.certificate }
  store_password         = var.store_password
  store_password_version = var.store_password_version
}

module "bigquery" {
  source              = "../bigquery"
  project             = var.project
  region              = var.region
  key                 = module.keys.bigquery
  schemas             = "${path.module}/../../../bigquery/schemas"
  pubsub_agent        = module.pubsub_agent.email
  writers             = { jobs = module.iam.accounts["jobs"] }
  readers             = var.people.tables
  keep_days           = var.sizes.table_days
  deletion_protection = var.protected
}

module "pubsub_agent" {
  source     = "../pubsub-agent"
  project    = var.project
  depends_on = [module.services]
}

module "pubsub" {
  source          = "../pubsub"
  project         = var.project
  regions         = [var.region, var.recovery_region]
  agent           = module.pubsub_agent.email
  push_endpoint   = "https://${var.host}${var.base_path}/v1/pubsub"
  decision_events = module.bigquery.decision_events
  publishers = merge(
    { service = { topic = "assay-decisions", member = "serviceAccount:${module.iam.accounts["serve"]}" } },
    { for name, member in var.transaction_publishers : name => { topic = "assay-transactions", member = member } },
  )
}

module "edge" {
  source              = "../edge"
  project             = var.project
  host                = var.host
  base_path           = var.base_path
  callers             = var.callers
  requests_per_minute = var.sizes.requests_per_minute
  pushes_per_minute   = var.sizes.pushes_per_minute
  preview             = var.sizes.armor_preview
  depends_on          = [module.services]
}

module "ci" {
  source              = "../ci"
  project             = var.project
  repository          = var.repository
  repository_owner_id = var.repository_owner_id
  environment         = var.environment
  deployer            = module.iam.accounts["deployer"]
}

module "logs" {
  source       = "../logs"
  project      = var.project
  region       = var.region
  key          = module.keys.bigquery
  audit_bucket = module.storage.buckets["audit"]
}

module "monitoring" {
  source        = "../monitoring"
  project       = var.project
  host          = var.host
  base_path     = var.base_path
  rules         = "${path.module}/../../../monitoring/prometheus/rules"
  dashboards    = "${path.module}/../../../monitoring/grafana/dashboards"
  runbooks      = "https://github.com/${var.repository}/blob/main/docs/runbooks"
  mail          = var.mail
  page_channels = var.page_channels
  depends_on    = [module.services]
}

module "budget" {
  source          = "../budget"
  project         = var.project
  billing_account = var.billing_account
  euros           = var.sizes.budget_euros
  channels        = module.monitoring.channels
}
