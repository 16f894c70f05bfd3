variable "project" {
  description = "Project of the topics."
  type        = string
}

variable "regions" {
  description = "Regions in which a message may rest."
  type        = list(string)
}

variable "push_endpoint" {
  description = "Where transactions are pushed to; also the audience of the token."
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+/.*v1/pubsub$", var.push_endpoint))
    error_message = "push_endpoint must be https and end with /v1/pubsub, such as https://prod.deblock.com/ai/v1/pubsub."
  }
}

variable "decision_events" {
  description = "Table of the events of decisions, PROJECT.DATASET.TABLE."
  type        = string
}

variable "publishers" {
  description = "Who publishes to which topic, by a name of ours."
  type = map(object({
    topic  = string
    member = string
  }))
}

variable "agent" {
  description = "Pub/Sub's own account in this project."
  type        = string
}
