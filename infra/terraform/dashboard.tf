locals {
  charts = [
    {
      title = "Requests a minute, by status"
      query = "sum by (status) (rate(${local.log_metric}_requests{${local.on_service}}[5m])) * 60"
    },
    {
      title = "Answers a minute, by outcome"
      query = "sum by (outcome) (rate(${local.log_metric}_requests{${local.on_service},outcome!=\"\"}[5m])) * 60"
    },
    {
      title = "Time to the first event, median (ms)"
      query = "histogram_quantile(0.5, sum by (le) (rate(${local.log_metric}_first_event_ms_bucket{${local.on_service}}[10m])))"
    },
    {
      title = "Time to the first event, 95th percentile (ms)"
      query = "histogram_quantile(0.95, sum by (le) (rate(${local.log_metric}_first_event_ms_bucket{${local.on_service}}[10m])))"
    },
    {
      title = "Input tokens an hour"
      query = "sum(increase(${local.log_metric}_input_tokens_sum{${local.on_service}}[1h]))"
    },
    {
      title = "Output tokens an hour"
      query = "sum(increase(${local.log_metric}_output_tokens_sum{${local.on_service}}[1h]))"
    },
    {
      title = "Estimated cost of the last 24 hours (US dollars)"
      query = "sum(increase(${local.log_metric}_estimated_cost_usd_sum{${local.on_service}}[24h]))"
    },
    {
      title = "Errors an hour, by problem"
      query = "sum by (problem) (increase(${local.log_metric}_requests{${local.on_service},problem!=\"\"}[1h]))"
    },
    {
      title = "Feedback a day, by thumb"
      query = "sum by (thumb) (increase(${local.log_metric}_feedback{${local.on_service}}[24h]))"
    },
    {
      title = "Instances"
      query = "sum by (service_name) (run_googleapis_com:container_instance_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name}-(chat|health)\"})"
    },
  ]

  # Two columns of a 48 column grid.
  chart_tiles = [
    for position, chart in local.charts : {
      xPos   = 24 * (position % 2)
      yPos   = 14 * floor(position / 2)
      width  = 24
      height = 14
      widget = {
        title = chart.title
        xyChart = {
          dataSets = [{
            plotType        = "LINE"
            targetAxis      = "Y1"
            timeSeriesQuery = { prometheusQuery = chart.query }
          }]
        }
      }
    }
  ]

  log_tile = {
    xPos   = 0
    yPos   = 14 * ceil(length(local.charts) / 2)
    width  = 48
    height = 16
    widget = {
      title = "Errors"
      logsPanel = {
        filter        = "${local.chat_log} AND severity>=ERROR"
        resourceNames = ["projects/${var.project_id}"]
      }
    }
  }
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName  = var.name
    mosaicLayout = { columns = 48, tiles = concat(local.chart_tiles, [local.log_tile]) }
  })

  depends_on = [google_logging_metric.counter, google_logging_metric.distribution]
}
