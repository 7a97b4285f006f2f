locals {
  apis = toset(concat(
    [
      "artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "iam",
      "logging", "monitoring", "run", "secretmanager", "serviceusage", "storage",
    ],
    local.has_balancer ? ["certificatemanager", "compute"] : [],
    var.dns_zone == "" ? [] : ["dns"],
    var.analytics.enabled ? ["bigquery"] : [],
    var.budget == null ? [] : ["billingbudgets"],
  ))
}

resource "google_project_service" "this" {
  for_each = local.apis

  service = "${each.key}.googleapis.com"
  # Something else in the project may need the API.
  disable_on_destroy = false
}

# An API answers "has not been used in project" for a while after it was switched on.
# Every first user of an API depends on this.
resource "time_sleep" "apis" {
  create_duration = "60s"
  triggers        = { apis = join(" ", local.apis) }

  depends_on = [google_project_service.this]
}
