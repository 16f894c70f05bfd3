# The service's store (docs/database.md). Its address is private; a record of a private zone gives it a name that stays.
resource "google_sql_database_instance" "store" {
  project             = var.project
  name                = "assay-store"
  region              = var.region
  database_version    = "POSTGRES_15"
  deletion_protection = var.deletion_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.tier
    availability_type           = var.highly_available ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.disk_gb
    disk_autoresize             = true
    disk_autoresize_limit       = var.disk_gb * 10
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = true
    user_labels                 = { service = "assay" }

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.private_network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      location                       = var.backup_region
      start_time                     = "02:00"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = 30
      }
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled = true
      # A query's text may hold no customer: the program sends values apart from it.
      record_client_address   = false
      record_application_tags = false
    }

    # People come with their own Google identity; a password has the service alone.
    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }

    database_flags {
      name  = "log_min_duration_statement"
      value = "1000"
    }

    database_flags {
      name  = "idle_in_transaction_session_timeout"
      value = "60000"
    }

    database_flags {
      name  = "max_connections"
      value = tostring(var.connections)
    }
  }
}

resource "google_sql_database" "assay" {
  project   = var.project
  instance  = google_sql_database_instance.store.name
  name      = "assay"
  charset   = "UTF8"
  collation = "en_US.UTF8"
}

# Write-only: the password is in no state and in no plan.
resource "google_sql_user" "assay" {
  project             = var.project
  instance            = google_sql_database_instance.store.name
  name                = "assay"
  password_wo         = var.password
  password_wo_version = var.password_version
}

resource "google_sql_user" "people" {
  for_each = var.people
  project  = var.project
  instance = google_sql_database_instance.store.name
  name     = each.value
  type     = "CLOUD_IAM_GROUP"
}

resource "google_project_iam_member" "people" {
  for_each = var.people
  project  = var.project
  role     = "roles/cloudsql.instanceUser"
  member   = "group:${each.value}"
}

resource "google_dns_managed_zone" "internal" {
  project    = var.project
  name       = "assay-internal"
  dns_name   = "assay.internal."
  visibility = "private"

  private_visibility_config {
    networks {
      network_url = var.network
    }
  }
}

resource "google_dns_record_set" "store" {
  project      = var.project
  managed_zone = google_dns_managed_zone.internal.name
  name         = "store.${google_dns_managed_zone.internal.dns_name}"
  type         = "A"
  ttl          = 60
  rrdatas      = [google_sql_database_instance.store.private_ip_address]
}
