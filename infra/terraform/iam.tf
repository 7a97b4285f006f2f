# One identity a function. Neither has a role in the project: what it may read is granted on the
# secret itself (secrets.tf), and on the index's bucket (index.tf).
resource "google_service_account" "runtime" {
  for_each = local.functions

  account_id   = "${var.name}-${each.key}"
  display_name = "${var.name}: runs the ${each.key} function"

  depends_on = [time_sleep.apis]
}

# Builds the functions. The default one has no roles in new organisations, and too many in old ones.
resource "google_service_account" "build" {
  account_id   = "${var.name}-build"
  display_name = "${var.name}: builds the functions"

  depends_on = [time_sleep.apis]
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# Cloud Functions copies the archive into a bucket of its own, which exists only after the first
# deployment, so the grant goes by the bucket's name.
resource "google_project_iam_member" "build_google_sources" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "function-sources-only"
    description = "The bucket that Cloud Functions builds from"
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}\")"
  }
}

resource "google_storage_bucket_iam_member" "build_sources" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}

resource "google_artifact_registry_repository_iam_member" "build_images" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

# Roles take up to minutes to reach every Google server. Without the pause the first build fails
# with "Access to bucket denied".
resource "time_sleep" "iam" {
  create_duration = "60s"

  depends_on = [
    google_artifact_registry_repository_iam_member.build_images,
    google_project_iam_member.build_google_sources,
    google_project_iam_member.build_logs,
    google_secret_manager_secret_iam_member.reader,
    google_storage_bucket_iam_member.build_sources,
    google_storage_bucket_iam_member.index_reader,
  ]
}
