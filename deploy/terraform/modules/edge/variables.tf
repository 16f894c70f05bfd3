variable "project" {
  description = "Project of the address."
  type        = string
}

variable "host" {
  description = "Name under which the service is called."
  type        = string
}

variable "base_path" {
  description = "What comes before the service's paths."
  type        = string

  validation {
    condition     = can(regex("^(/[a-z0-9-]+)+$", var.base_path))
    error_message = "base_path must begin with a slash and end without one, such as /ai."
  }
}

variable "callers" {
  description = "Address ranges that may call; at most 10. Without any nobody may."
  type        = set(string)

  validation {
    condition     = length(var.callers) <= 10 && alltrue([for range in var.callers : can(cidrhost(range, 0))])
    error_message = "callers must be up to 10 ranges such as 203.0.113.0/24; Cloud Armor takes no more in one rule."
  }

  validation {
    condition     = !contains(var.callers, "0.0.0.0/0") && !contains(var.callers, "::/0")
    error_message = "callers must name ranges; 0.0.0.0/0 would let the whole internet try keys."
  }
}

variable "requests_per_minute" {
  description = "Requests a minute from one address."
  type        = number
}

variable "pushes_per_minute" {
  description = "Pushes of Pub/Sub a minute, all together."
  type        = number
}

variable "preview" {
  description = "Whether rules that look for attacks only log."
  type        = bool
}

