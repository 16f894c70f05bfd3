variable "project" {
  description = "Project of the accounts."
  type        = string
}

variable "buckets" {
  description = "Names of the buckets by what they hold."
  type        = map(string)
}

variable "workload_pool" {
  description = "Pool of the identities of pods, PROJECT.svc.id.goog, once it is there."
  type        = string
}

variable "trains" {
  description = "Whether models are trained in this project: the deployer may read what they learn from."
  type        = bool
}
