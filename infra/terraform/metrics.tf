# Metrics read off docchat's log lines (docs/logging.md). Only counts and figures, never text.
locals {
  # A metric's name in PromQL has underscores alone, so it gets no others to begin with.
  metric_prefix = replace(var.name, "-", "_")

  chat_log = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=\"${local.chat_service}\"",
  ])
  chat_service = "${var.name}-chat"

  counters = {
    requests = {
      message     = "request"
      description = "Requests of the chat function"
      labels      = ["outcome", "problem", "route", "status"]
    }
    feedback = {
      message     = "feedback"
      description = "Visitors' thumbs"
      labels      = ["thumb"]
    }
  }

  # A distribution has the sum as well: that is how tokens and dollars are added up.
  distributions = {
    estimated_cost_usd = { unit = "{USD}", scale = 0.0001, description = "Estimated cost of an answer" }
    first_event_ms     = { unit = "ms", scale = 50, description = "Time to an answer's first event" }
    input_tokens       = { unit = "{token}", scale = 10, description = "Input tokens of an answer" }
    output_tokens      = { unit = "{token}", scale = 10, description = "Output tokens of an answer" }
  }
}

resource "google_logging_metric" "counter" {
  for_each = local.counters

  name        = "${local.metric_prefix}_${each.key}"
  description = each.value.description
  filter      = "${local.chat_log} AND jsonPayload.message=\"${each.value.message}\""

  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = toset(each.value.labels)
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  depends_on = [time_sleep.apis]
}

resource "google_logging_metric" "distribution" {
  for_each = local.distributions

  name            = "${local.metric_prefix}_${each.key}"
  description     = each.value.description
  filter          = "${local.chat_log} AND jsonPayload.message=\"request\" AND jsonPayload.${each.key}>=0"
  value_extractor = "EXTRACT(jsonPayload.${each.key})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 50
      growth_factor      = 1.25
      scale              = each.value.scale
    }
  }

  depends_on = [time_sleep.apis]
}
