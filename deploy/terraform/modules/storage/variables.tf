variable "project" {
  description = "Project of the buckets; their names begin with it."
  type        = string
}

variable "region" {
  description = "Region of the buckets."
  type        = string
}

variable "key" {
  description = "Id of the key that encrypts them."
  type        = string
}

variable "keep_days" {
  description = "After how many days an object goes, by what it is."
  type = object({
    transactions = number
    batches      = number
    predictions  = number
    outcomes     = number
    reports      = number
  })

  validation {
    condition     = alltrue([for days in values(var.keep_days) : days >= 1 && floor(days) == days])
    error_message = "keep_days must be whole days, at least 1 each."
  }

  validation {
    condition     = var.keep_days.predictions >= 15
    error_message = "keep_days.predictions must be 15 or more: what is late, or looked at again, is read from there; for labels that come after 90 days, 120 or more."
  }
}

variable "audit_days" {
  description = "How long an object of the audit bucket cannot be deleted."
  type        = number

  validation {
    condition     = var.audit_days >= 1
    error_message = "audit_days must be at least 1."
  }
}

variable "audit_locked" {
  description = "Whether that retention can never be shortened again; there is no way back."
  type        = bool
}

