variable "project" {
  description = "Project whose agent it is."
  type        = string
}

