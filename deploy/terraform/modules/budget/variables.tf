variable "project" {
  description = "Project whose cost it is."
  type        = string
}

variable "billing_account" {
  description = "Account that pays, XXXXXX-XXXXXX-XXXXXX."
  type        = string
}

variable "euros" {
  description = "Budget of a month."
  type        = number

  validation {
    condition     = var.euros >= 1 && floor(var.euros) == var.euros
    error_message = "euros must be a whole number from 1 on."
  }
}

variable "channels" {
  description = "Notification channels that hear of it; at most five."
  type        = list(string)
}

