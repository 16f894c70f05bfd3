variable "project" {
  description = "Project in which all of it lives."
  type        = string
}

variable "environment" {
  description = "dev, staging or prod."
  type        = string
}

variable "region" {
  description = "Region of all that has one."
  type        = string
}

variable "recovery_region" {
  description = "Second region: backups and secrets are there too."
  type        = string
}

variable "ranges" {
  description = "Address ranges of nodes, pods, services and of Google's managed services."
  type = object({
    nodes            = string
    pods             = string
    services         = string
    private_services = string
  })
}

variable "host" {
  description = "Name under which the service is called."
  type        = string
}

variable "base_path" {
  description = "What comes before the service's paths."
  type        = string
}

variable "callers" {
  description = "Address ranges that may call."
  type        = set(string)
}

variable "repository" {
  description = "Repository whose workflows deploy, OWNER/NAME."
  type        = string
}

variable "repository_owner_id" {
  description = "Number of that owner at GitHub."
  type        = string
}

variable "billing_account" {
  description = "Account that pays."
  type        = string
}

variable "mail" {
  description = "Where tickets go, by owner."
  type        = map(string)
}

variable "page_channels" {
  description = "Ids of notification channels that wake somebody."
  type        = list(string)
}

variable "people" {
  description = "Groups that may open a session at the store, and that may read the tables."
  type = object({
    store  = set(string)
    tables = set(string)
  })
}

variable "image_readers" {
  description = "Accounts of other projects that pull images from here, by a name of ours."
  type        = map(string)
}

variable "transaction_publishers" {
  description = "Who publishes transactions, as IAM members, by a name of ours."
  type        = map(string)
}

variable "store_password" {
  description = "Password of the role assay."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "store_password_version" {
  description = "Higher by one when the password has changed."
  type        = number
}

variable "protected" {
  description = "Whether cluster, store and tables cannot be deleted, and the audit bucket's retention is locked for good."
  type        = bool
}

variable "sizes" {
  description = "What an environment has of everything; docs/cloud.md says what it costs."
  type = object({
    release_channel        = string
    store_tier             = string
    store_highly_available = bool
    store_disk_gb          = number
    store_connections      = number
    requests_per_minute    = number
    pushes_per_minute      = number
    armor_preview          = bool
    keep_days = object({
      transactions = number
      batches      = number
      predictions  = number
      outcomes     = number
      reports      = number
    })
    table_days   = number
    audit_days   = number
    budget_euros = number
  })
}
