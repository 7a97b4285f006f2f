# What an operator sees: uptime, alerts, metrics, the dashboard, questions, the budget.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id  = "my-project"
  qdrant_host = "https://qdrant.example.com:6333"
  alert_email = "ops@example.com"

  # terraform test cannot apply while an ephemeral variable is unset.
  api_key          = "a-key-for-callers-of-v1"
  gemini_api_key   = "a-made-up-key-of-some-length"
  qdrant_api_key   = "another-made-up-key"
  secret_revisions = { api_key = 1, gemini_api_key = 1, qdrant_api_key = 1 }
}

run "alerts_reach_somebody_and_questions_are_not_collected" {
  command = apply
  variables {
    name = "my-docs"
  }

  assert {
    condition     = toset(keys(google_monitoring_alert_policy.this)) == toset(["errors", "latency", "refused", "tokens"])
    error_message = "An alert is missing."
  }
  assert {
    condition = alltrue([
      for p in concat(values(google_monitoring_alert_policy.this), [google_monitoring_alert_policy.health, google_monitoring_alert_policy.misconfigured]) :
      p.notification_channels == tolist([google_monitoring_notification_channel.email[0].id])
    ])
    error_message = "An alert reaches nobody."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.this["refused"].conditions[0].condition_prometheus_query_language[0].query, "run_googleapis_com:request_count")
    error_message = "Without a balancer the function's own refusals count."
  }
  assert {
    condition = alltrue([
      for m in concat(values(google_logging_metric.counter), values(google_logging_metric.distribution)) :
      strcontains(m.filter, "resource.labels.service_name=\"my-docs-chat\"") && startswith(m.name, "my_docs_")
    ])
    error_message = "A metric counts another service, or has a name that PromQL cannot say."
  }
  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles) == 11
    error_message = "The dashboard has not its ten charts and the errors."
  }
  assert {
    condition     = length(google_logging_project_sink.questions) == 0 && length(google_bigquery_dataset.questions) == 0
    error_message = "Personal data would be collected without being asked for."
  }
}

run "operations_are_what_was_asked_for" {
  command = plan
  variables {
    domains          = ["chat.example.com"]
    alert_thresholds = { tokens_in_a_day = 1234 }
    analytics        = { enabled = true, expire_after_days = 30 }
    budget           = { billing_account = "012345-6789AB-CDEF01", monthly_amount = 50 }
  }

  assert {
    condition     = google_monitoring_uptime_check_config.health.http_check[0].path == "/health" && google_monitoring_uptime_check_config.health.http_check[0].use_ssl && google_monitoring_uptime_check_config.health.http_check[0].validate_ssl
    error_message = "The uptime check does not ask /health over https."
  }
  assert {
    condition     = google_monitoring_uptime_check_config.health.monitored_resource[0].labels["host"] == "chat.example.com"
    error_message = "The uptime check asks another host."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.this["refused"].conditions[0].condition_prometheus_query_language[0].query, "loadbalancing_googleapis_com:https_request_count")
    error_message = "What Cloud Armor refuses never reaches the function."
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.this["tokens"].conditions[0].condition_prometheus_query_language[0].query, "> 1234")
    error_message = "The threshold is not used."
  }
  assert {
    condition     = google_bigquery_dataset.questions[0].default_partition_expiration_ms == 2592000000 && google_logging_project_sink.questions[0].bigquery_options[0].use_partitioned_tables
    error_message = "Rows do not expire after 30 days."
  }
  assert {
    condition     = google_logging_project_sink.questions[0].unique_writer_identity && google_bigquery_dataset_iam_member.questions_writer[0].role == "roles/bigquery.dataEditor"
    error_message = "The sink cannot write."
  }
  assert {
    condition     = google_billing_budget.this[0].amount[0].specified_amount[0].units == "50"
    error_message = "The budget has another amount."
  }
}
