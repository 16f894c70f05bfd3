variable "project" {
  description = "Project in which the APIs are enabled."
  type        = string
}

