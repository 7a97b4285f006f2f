locals {
  channels = google_monitoring_notification_channel.email[*].id

  # PromQL's names of the metrics. One language for all conditions; and, unlike a filter, it may
  # name a log-based metric in the minutes before its first value.
  log_metric  = "logging_googleapis_com:user_${local.metric_prefix}"
  on_service  = "monitored_resource=\"cloud_run_revision\",service_name=\"${local.chat_service}\""
  on_balancer = "monitored_resource=\"https_lb_rule\",url_map_name=\"${var.name}\""

  # With a balancer its own refusals (Cloud Armor) count; they never reach the function.
  refused_query = (
    local.has_balancer
    ? "sum(increase(loadbalancing_googleapis_com:https_request_count{${local.on_balancer},response_code=\"429\"}[10m]))"
    : "sum(increase(run_googleapis_com:request_count{${local.on_service},response_code=\"429\"}[10m]))"
  )

  alerts = {
    errors = {
      severity = "ERROR"
      title    = "the chat fails"
      query    = "sum(increase(run_googleapis_com:request_count{${local.on_service},response_code_class=\"5xx\"}[5m])) > ${var.alert_thresholds.errors_in_5_minutes}"
      help     = "Look at `problem` and `cause` in the log lines of the chat function, and at docs/errors.md."
    }
    latency = {
      severity = "WARNING"
      title    = "answers begin late"
      query    = "histogram_quantile(0.95, sum by (le) (increase(${local.log_metric}_first_event_ms_bucket{${local.on_service}}[10m]))) > ${var.alert_thresholds.first_event_p95_ms}"
      help     = "The 95th percentile of the time to the first event of an answer. `embedded_ms` and `retrieved_ms` say which stage is slow."
    }
    refused = {
      severity = "WARNING"
      title    = "many requests are refused with 429"
      query    = "${local.refused_query} > ${var.alert_thresholds.refused_in_10_minutes}"
      help     = "One client that asks too often, or limits that are too tight for your visitors (docs/limits.md)."
    }
    tokens = {
      severity = "WARNING"
      title    = "many tokens in a day"
      query    = "sum(increase(${local.log_metric}_input_tokens_sum{${local.on_service}}[24h])) + sum(increase(${local.log_metric}_output_tokens_sum{${local.on_service}}[24h])) > ${var.alert_thresholds.tokens_in_a_day}"
      help     = "Tokens are money. DAILY_TOKEN_BUDGET bounds them, a quota on the Gemini API is the hard stop."
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  count = var.alert_email == "" ? 0 : 1

  display_name = "${var.name}: e-mail"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [time_sleep.apis]
}

resource "google_monitoring_uptime_check_config" "health" {
  display_name = "${var.name}: /health"
  timeout      = "10s"
  period       = "300s"

  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = local.health_host
    }
  }

  lifecycle {
    # The alert holds on to the check.
    create_before_destroy = true
  }
}

resource "google_monitoring_alert_policy" "health" {
  display_name          = "${var.name}: not ready"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "/health fails from two places"
    condition_threshold {
      filter = join(" AND ", [
        "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\"",
        "resource.type=\"uptime_url\"",
        "metric.labels.check_id=\"${google_monitoring_uptime_check_config.health.uptime_check_id}\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"
      aggregations {
        alignment_period     = "1200s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.*"]
      }
    }
  }

  documentation {
    content = "Ask ${local.url}/health: its `checks` name the part that is not ready. docs/health.md explains each word."
  }
}

# CRITICAL in docchat's log means that nobody but the operator can mend it.
resource "google_monitoring_alert_policy" "misconfigured" {
  display_name          = "${var.name}: the set-up is wrong"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "A CRITICAL log line of docchat"
    condition_matched_log {
      filter = "resource.type=\"cloud_run_revision\" AND jsonPayload.logger=\"docchat\" AND severity=CRITICAL AND resource.labels.service_name=\"${local.chat_service}\""
    }
  }

  alert_strategy {
    auto_close = "3600s"
    # Mandatory for conditions on the log.
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    content = "`cause` in the log line says what to set. See docs/logging.md."
  }

  depends_on = [time_sleep.apis]
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "60s"
      evaluation_interval = "60s"
      # A metric exists from its first value on; without a 5xx there is none yet.
      disable_metric_validation = true
    }
  }

  documentation {
    content = each.value.help
  }

  depends_on = [google_logging_metric.counter, google_logging_metric.distribution]
}
