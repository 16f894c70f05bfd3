# What stands before the Gateway: its address, certificate, least version of TLS, and Cloud Armor.
resource "google_compute_global_address" "gateway" {
  project = var.project
  name    = "assay-gateway"
}

resource "google_compute_ssl_policy" "tls" {
  project         = var.project
  name            = "assay-tls"
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_certificate_manager_dns_authorization" "host" {
  project = var.project
  name    = "assay"
  domain  = var.host
}

resource "google_certificate_manager_certificate" "host" {
  project = var.project
  name    = "assay"

  managed {
    domains            = [var.host]
    dns_authorizations = [google_certificate_manager_dns_authorization.host.id]
  }
}

resource "google_certificate_manager_certificate_map" "assay" {
  project = var.project
  name    = "assay"
}

resource "google_certificate_manager_certificate_map_entry" "host" {
  project      = var.project
  name         = "assay"
  map          = google_certificate_manager_certificate_map.assay.name
  hostname     = var.host
  certificates = [google_certificate_manager_certificate.host.id]
}

# Rules are read from the lowest number on. Bodies are JSON of transactions, whose free texts may look like an attack;
# so the rules that look for attacks only log until somebody has seen that they are silent (preview).
resource "google_compute_security_policy" "edge" {
  project     = var.project
  name        = "assay-edge"
  description = "Who may call assay, and how often"
  type        = "CLOUD_ARMOR"

  advanced_options_config {
    json_parsing = "STANDARD"
    log_level    = "NORMAL"
  }

  adaptive_protection_config {
    layer_7_ddos_defense_config {
      enable = true
    }
  }

  # Pub/Sub pushes from addresses that are no caller's; its token is checked by the service.
  rule {
    priority    = 100
    description = "Pushes of Pub/Sub"
    action      = "throttle"
    match {
      expr {
        expression = "request.path.matches('^${var.base_path}/v1/pubsub$') && request.method == 'POST'"
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "ALL"
      rate_limit_threshold {
        count        = var.pushes_per_minute
        interval_sec = 60
      }
    }
  }

  dynamic "rule" {
    for_each = { 1000 = "sqli-v33-stable", 1001 = "rce-v33-stable", 1002 = "lfi-v33-stable", 1003 = "protocolattack-v33-stable", 1004 = "scannerdetection-v33-stable" }
    content {
      priority    = rule.key
      description = rule.value
      action      = "deny(403)"
      preview     = var.preview
      match {
        expr {
          expression = "evaluatePreconfiguredWaf('${rule.value}', {'sensitivity': 1})"
        }
      }
    }
  }

  dynamic "rule" {
    for_each = length(var.callers) == 0 ? [] : [1]
    content {
      priority    = 2000
      description = "Known callers, so often each"
      action      = "throttle"
      match {
        versioned_expr = "SRC_IPS_V1"
        config {
          src_ip_ranges = var.callers
        }
      }
      rate_limit_options {
        conform_action = "allow"
        exceed_action  = "deny(429)"
        enforce_on_key = "IP"
        rate_limit_threshold {
          count        = var.requests_per_minute
          interval_sec = 60
        }
      }
    }
  }

  # Uptime checks come from addresses all over the world, and ask for nothing else.
  rule {
    priority    = 3000
    description = "Health for everybody"
    action      = "throttle"
    match {
      expr {
        expression = "request.path.matches('^${var.base_path}/v2/health/live$') && request.method == 'GET'"
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = 60
        interval_sec = 60
      }
    }
  }

  rule {
    priority    = 2147483647
    description = "Everybody else"
    action      = "deny(403)"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
