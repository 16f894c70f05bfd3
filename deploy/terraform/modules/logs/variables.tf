variable "project" {
  description = "Project of the logs."
  type        = string
}

variable "region" {
  description = "Region of the dataset."
  type        = string
}

variable "key" {
  description = "Id of the key that encrypts the dataset."
  type        = string
}

variable "audit_bucket" {
  description = "Name of the bucket whose retention is locked."
  type        = string
}

