# What scripts.report reads: each request's line, feedback, and with LOG_QUESTIONS = "on" questions.
# The last two are personal data: off by default, and every row expires.
resource "google_bigquery_dataset" "questions" {
  # checkov:skip=CKV_GCP_81:Google encrypts at rest; a key of the customer's own costs a key ring that destroy cannot delete
  count = var.analytics.enabled ? 1 : 0

  dataset_id                      = "${local.metric_prefix}_questions"
  location                        = var.analytics.location
  description                     = "Questions and feedback of ${var.name}"
  default_partition_expiration_ms = var.analytics.expire_after_days * 24 * 3600 * 1000
  delete_contents_on_destroy      = var.allow_destroy

  depends_on = [time_sleep.apis]
}

# BigQuery takes the columns' types from the first row: docchat keeps the fields' types stable.
resource "google_logging_project_sink" "questions" {
  count = var.analytics.enabled ? 1 : 0

  name                   = "${var.name}-questions"
  destination            = "bigquery.googleapis.com/${google_bigquery_dataset.questions[0].id}"
  filter                 = "${local.chat_log} AND jsonPayload.logger=\"docchat\" AND jsonPayload.message=(\"request\" OR \"question\" OR \"feedback\")"
  unique_writer_identity = true

  bigquery_options {
    # One table with a partition a day, which can expire; otherwise a table a day.
    use_partitioned_tables = true
  }
}

resource "google_bigquery_dataset_iam_member" "questions_writer" {
  count = var.analytics.enabled ? 1 : 0

  dataset_id = google_bigquery_dataset.questions[0].dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_logging_project_sink.questions[0].writer_identity
}
