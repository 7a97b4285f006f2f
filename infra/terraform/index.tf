# With index = "artifact": the bucket that holds the published index, who reads it, who writes it.
locals {
  has_index_bucket = var.index == "artifact"

  qdrant_host = local.has_index_bucket ? "gs://${google_storage_bucket.index[0].name}" : var.qdrant_host

  index_writers = local.has_index_bucket ? merge(
    { indexer = google_service_account.indexer[0].member },
    { for member in var.index_writers : member => member },
  ) : {}
}

resource "google_storage_bucket" "index" {
  # checkov:skip=CKV_GCP_62:Holds a copy of public documentation; Cloud Audit Logs can record more
  count = local.has_index_bucket ? 1 : 0

  # Bucket names are global; a project id is unique.
  name                        = "${var.project_id}-${var.name}-index"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.allow_destroy

  # What the indexer replaces or drops can be had back for a week.
  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 7
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [time_sleep.apis]
}

# Publishes the index; has no other right.
resource "google_service_account" "indexer" {
  count = local.has_index_bucket ? 1 : 0

  account_id   = "${var.name}-indexer"
  display_name = "${var.name}: publishes the index"

  depends_on = [time_sleep.apis]
}

resource "google_storage_bucket_iam_member" "index_reader" {
  for_each = local.has_index_bucket ? local.functions : {}

  bucket = google_storage_bucket.index[0].name
  role   = "roles/storage.objectViewer"
  member = google_service_account.runtime[each.key].member
}

# To replace an object is to delete the old one, so a role that only creates is not enough.
resource "google_storage_bucket_iam_member" "index_writer" {
  for_each = local.index_writers

  bucket = google_storage_bucket.index[0].name
  role   = "roles/storage.objectUser"
  member = each.value
}
