variable "project" {
  description = "Project of the cluster."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "network" {
  description = "Id of its network."
  type        = string
}

variable "subnet" {
  description = "Id of the subnet of its nodes, with secondary ranges pods and services."
  type        = string
}

variable "release_channel" {
  description = "Kubernetes versions: dev first, prod last."
  type        = string

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE"], var.release_channel)
    error_message = "release_channel must be RAPID, REGULAR or STABLE."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy the cluster."
  type        = bool
}

