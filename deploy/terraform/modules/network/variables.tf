variable "project" {
  description = "Project of the network."
  type        = string
}

variable "region" {
  description = "Region of the subnet."
  type        = string
}

variable "ranges" {
  description = "Address ranges: of nodes, pods, services, and of Google's managed services (Cloud SQL)."
  type = object({
    nodes            = string
    pods             = string
    services         = string
    private_services = string
  })

  validation {
    condition     = alltrue([for range in values(var.ranges) : can(cidrhost(range, 0))])
    error_message = "Every range must be an IPv4 range such as 10.0.0.0/20."
  }

  validation {
    condition     = length(distinct(values(var.ranges))) == 4
    error_message = "The four ranges must differ from one another."
  }
}
