variable "project" {
  description = "Project of the keys."
  type        = string
}

variable "region" {
  description = "Region of the keys; the same as of what they protect."
  type        = string
}

