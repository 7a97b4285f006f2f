locals {
  functions = { chat = var.chat, health = var.health }
}

# Where the build puts the functions' images; our own, so that destroy leaves no image behind.
resource "google_artifact_registry_repository" "images" {
  # checkov:skip=CKV_GCP_84:Holds images of open source code only; Google encrypts at rest
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the ${var.name} functions"

  # Every deployment leaves an image; two are kept for a look back.
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 2
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "604800s"
      tag_state  = "ANY"
    }
  }

  depends_on = [time_sleep.apis]
}

resource "google_storage_bucket" "sources" {
  # checkov:skip=CKV_GCP_62:Holds open source code that the build alone reads; Cloud Audit Logs can record more
  # Bucket names are global; a project id is unique.
  name                        = "${var.project_id}-${var.name}-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.allow_destroy

  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [time_sleep.apis]
}

data "archive_file" "source" {
  for_each = local.archive_files

  type        = "zip"
  output_path = "${path.module}/build/${each.key}.zip"
  # Modes differ from checkout to checkout and would change the hash.
  output_file_mode = "0644"

  dynamic "source" {
    for_each = each.value
    content {
      filename = source.key
      content  = file(source.value)
    }
  }
}

# The hash in the name is what makes a change of the code a new deployment, and only that.
resource "google_storage_bucket_object" "source" {
  for_each = data.archive_file.source

  bucket       = google_storage_bucket.sources.name
  name         = "${each.key}-${each.value.output_sha256}.zip"
  source       = each.value.output_path
  content_type = "application/zip"
}

# Not google_cloud_run_v2_service: its build_config describes a build, but starts none.
resource "google_cloudfunctions2_function" "this" {
  for_each = local.functions

  name        = "${var.name}-${each.key}"
  location    = var.region
  description = "docchat: the ${each.key} function"

  build_config {
    runtime           = var.runtime
    entry_point       = each.key
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket.sources.name
        object = google_storage_bucket_object.source[each.key].name
      }
    }
  }

  service_config {
    available_cpu                    = each.value.cpu
    available_memory                 = each.value.memory
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    timeout_seconds                  = each.value.timeout_seconds
    all_traffic_on_latest_revision   = true
    service_account_email            = google_service_account.runtime[each.key].email
    environment_variables            = local.environment[each.key]
    # With a balancer nobody gets past it to a function's own URL.
    ingress_settings = local.has_balancer ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_ALL"
  }

  depends_on = [time_sleep.iam]
}

# Visitors have no Google account. The balancer passes no identity on, so this holds with it, too.
resource "google_cloud_run_v2_service_iam_member" "public" {
  for_each = local.functions

  location = var.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = "allUsers"

  lifecycle {
    # A function that is made anew has a new service without this binding.
    replace_triggered_by = [google_cloudfunctions2_function.this[each.key].id]
  }
}
