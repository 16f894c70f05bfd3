variable "project" {
  description = "Project of the pool."
  type        = string
}

variable "repository" {
  description = "Repository whose workflows deploy, OWNER/NAME."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be OWNER/NAME."
  }
}

variable "repository_owner_id" {
  description = "Number of that owner at GitHub."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_owner_id))
    error_message = "repository_owner_id must be a number; GitHub's API shows it as id of the owner."
  }
}

variable "environment" {
  description = "GitHub environment whose reviewers guard this project."
  type        = string
}

variable "deployer" {
  description = "Account as which workflows act."
  type        = string
}

