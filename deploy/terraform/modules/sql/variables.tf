variable "project" {
  description = "Project of the instance."
  type        = string
}

variable "region" {
  description = "Region of the instance."
  type        = string
}

variable "backup_region" {
  description = "Region of the backups: another one, so that they outlive the first."
  type        = string
}

variable "network" {
  description = "Id of the network whose pods find it by name."
  type        = string
}

variable "private_network" {
  description = "The same, once managed services can be reached from it."
  type        = string
}

variable "tier" {
  description = "Machine, such as db-custom-2-8192 (processors and MB of memory)."
  type        = string
}

variable "highly_available" {
  description = "Whether a second machine in another zone stands by."
  type        = bool
}

variable "disk_gb" {
  description = "Disk to begin with; it grows to ten times that."
  type        = number

  validation {
    condition     = var.disk_gb >= 10
    error_message = "disk_gb must be at least 10."
  }
}

variable "connections" {
  description = "Most connections: those of all pods at their most, and some for people."
  type        = number

  validation {
    condition     = var.connections >= 25 && var.connections <= 1000
    error_message = "connections must be from 25 to 1000; each takes memory of the instance."
  }
}

variable "password" {
  description = "Password of the role assay."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "password_version" {
  description = "Higher by one when the password has changed."
  type        = number
}

variable "people" {
  description = "Groups that may open a session with their own identity (they get no right to any table by it)."
  type        = set(string)
}

variable "deletion_protection" {
  description = "Whether the instance cannot be deleted."
  type        = bool
}

