variable "project" {
  description = "Project of the secrets."
  type        = string
}

variable "regions" {
  description = "Regions in which they are kept."
  type        = list(string)
}

variable "readers" {
  description = "Which accounts read a secret, by its name."
  type        = map(set(string))
}

variable "accounts" {
  description = "Addresses of these accounts."
  type        = map(string)
}

variable "store" {
  description = "Name of the store's host, and the certificate of the authority behind it."
  type = object({
    host        = string
    certificate = string
  })
}

variable "store_password" {
  description = "Password of the role assay."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "store_password_version" {
  description = "Higher by one when the password has changed."
  type        = number
}

