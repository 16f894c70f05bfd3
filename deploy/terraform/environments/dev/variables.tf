# The same file in every environment (a check holds them equal): what is asked for. Numbers that differ are in main.tf.
variable "project" {
  description = "Project id, such as assay-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project id: 6 to 30 small letters, digits and hyphens, such as assay-prod (not its name or number)."
  }
}

variable "region" {
  description = "Region of all that has one."
  type        = string
  default     = "europe-west9"

  validation {
    condition     = can(regex("^europe-[a-z]+[0-9]+$", var.region))
    error_message = "region must be one of Google's in Europe, such as europe-west9: customers' data stay there."
  }
}

variable "recovery_region" {
  description = "Second region: backups, secrets and messages are there too."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^europe-[a-z]+[0-9]+$", var.recovery_region)) && var.recovery_region != var.region
    error_message = "recovery_region must be another region in Europe than region, such as europe-west1."
  }
}

variable "host" {
  description = "Name under which the service is called, such as prod.deblock.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.host))
    error_message = "host must be a host's name alone, such as prod.deblock.com, without https:// and path."
  }
}

variable "base_path" {
  description = "What comes before the service's paths."
  type        = string
  default     = "/ai"
}

variable "callers" {
  description = "Address ranges of those who call the service, such as [\"203.0.113.0/24\"]; nobody else passes Cloud Armor."
  type        = set(string)

  validation {
    condition     = length(var.callers) > 0
    error_message = "callers must name at least one range, such as 203.0.113.0/24: without any, nobody could call the service."
  }
}

variable "repository" {
  description = "Repository whose workflows deploy, OWNER/NAME."
  type        = string
}

variable "repository_owner_id" {
  description = "Number of that owner at GitHub (gh api users/OWNER --jq .id)."
  type        = string
}

variable "billing_account" {
  description = "Account that pays, XXXXXX-XXXXXX-XXXXXX."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account must look like 01AB23-CD45EF-678901 (gcloud billing accounts list)."
  }
}

variable "mail" {
  description = "Where tickets go: an address for platform, risk and compliance."
  type        = map(string)
}

variable "page_channels" {
  description = "Ids of notification channels that wake somebody (gcloud beta monitoring channels list); made by hand, for they hold a key."
  type        = list(string)
  default     = []
}

variable "people" {
  description = "Groups that may open a session at the store, and that may read the tables."
  type = object({
    store  = set(string)
    tables = set(string)
  })
  default = { store = [], tables = [] }
}

variable "image_readers" {
  description = "Accounts of other projects that pull images from here, by a name of ours: the next environment's."
  type        = map(string)
  default     = {}
}

variable "transaction_publishers" {
  description = "Who publishes transactions, as IAM members, by a name of ours."
  type        = map(string)
  default     = {}
}

variable "store_password" {
  description = "Password of the role assay at the store: 24 letters and digits or more. Give it as TF_VAR_store_password; it is kept nowhere."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9]{24,128}$", var.store_password))
    error_message = "store_password must be 24 to 128 letters and digits (openssl rand -hex 24): other characters would need escapes in a password file."
  }
}

variable "store_password_version" {
  description = "Higher by one when the password has changed; while it stays the same the password is not sent."
  type        = number
  default     = 1

  validation {
    condition     = var.store_password_version >= 1
    error_message = "store_password_version must be 1 or more."
  }
}
