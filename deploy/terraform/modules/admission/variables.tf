variable "project" {
  description = "Project whose clusters ask this policy."
  type        = string
}

variable "registry" {
  description = "What comes before the names of images that may run."
  type        = string
}
