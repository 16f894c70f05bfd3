variable "project" {
  description = "Project of the dataset."
  type        = string
}

variable "region" {
  description = "Region of the dataset; the buckets that it loads from are there too."
  type        = string
}

variable "key" {
  description = "Id of the key that encrypts it."
  type        = string
}

variable "schemas" {
  description = "Folder of the generated schemas, a JSON file a table."
  type        = string
}

variable "pubsub_agent" {
  description = "Pub/Sub's own account in this project, which writes the events of decisions."
  type        = string
}

variable "writers" {
  description = "Accounts that load and query, by a name of ours."
  type        = map(string)
}

variable "readers" {
  description = "Groups of people that may read the tables."
  type        = set(string)
}

variable "keep_days" {
  description = "After how many days features, predictions and events of decisions go."
  type        = number

  validation {
    condition     = var.keep_days >= 90
    error_message = "keep_days must be at least 90: labels count from that age on."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to drop a table."
  type        = bool
}

