variable "project" {
  description = "Project of the registry."
  type        = string
}

variable "region" {
  description = "Region of the registry."
  type        = string
}

variable "readers" {
  description = "Accounts that pull, by a name of ours."
  type        = map(string)
}

variable "writers" {
  description = "Accounts that push, by a name of ours."
  type        = map(string)
}

