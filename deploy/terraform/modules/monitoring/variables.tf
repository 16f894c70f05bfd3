variable "project" {
  description = "Project of policies and dashboards."
  type        = string
}

variable "host" {
  description = "Name under which the service is called."
  type        = string
}

variable "base_path" {
  description = "What comes before the service's paths."
  type        = string
}

variable "rules" {
  description = "Folder of Prometheus's rule files."
  type        = string
}

variable "dashboards" {
  description = "Folder of Grafana's dashboards."
  type        = string
}

variable "runbooks" {
  description = "Address under which the runbooks can be read."
  type        = string
}

variable "mail" {
  description = "Where tickets go, by owner: platform, risk, compliance."
  type        = map(string)

  validation {
    condition     = toset(keys(var.mail)) == toset(["compliance", "platform", "risk"])
    error_message = "mail must have an address for platform, risk and compliance: alerts belong to one of these."
  }

  validation {
    condition     = alltrue([for address in values(var.mail) : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "mail must hold addresses such as platform@example.com."
  }
}

variable "page_channels" {
  description = "Ids of notification channels that wake somebody, such as PagerDuty's; made by hand, for they hold a key."
  type        = list(string)
}

