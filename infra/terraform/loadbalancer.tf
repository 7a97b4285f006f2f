# The balancer exists only with a domain: without one there could be no certificate, and a page
# served over https cannot call plain http.
locals {
  has_balancer = length(var.domains) > 0
  balanced     = local.has_balancer ? local.functions : {}

  # Google's servers keep these responses as they are: streams are neither compressed nor cached.
  response_headers = [
    "Referrer-Policy: no-referrer",
    "Strict-Transport-Security: max-age=31536000",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: DENY",
  ]

  addresses = local.has_balancer ? { ipv4 = "IPV4", ipv6 = "IPV6" } : {}
}

resource "google_compute_region_network_endpoint_group" "this" {
  for_each = local.balanced

  name                  = "${var.name}-${each.key}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  # A 2nd generation function is a Cloud Run service of the same name.
  cloud_run {
    service = google_cloudfunctions2_function.this[each.key].name
  }

  lifecycle {
    # A backend service holds on to its group. The new one cannot collide with the old one: group
    # and function take their names from the same variable.
    create_before_destroy = true
  }
}

# No timeout_sec and no health check: with a serverless group Google refuses both. The function's
# own time-out counts, and a function that fails is seen by the uptime check (alerts.tf).
resource "google_compute_backend_service" "this" {
  for_each = local.balanced

  name = "${var.name}-${each.key}"
  # The default differs between provider 7 and 8.
  load_balancing_scheme   = "EXTERNAL_MANAGED"
  protocol                = "HTTPS"
  compression_mode        = "DISABLED"
  custom_response_headers = local.response_headers
  security_policy         = one(google_compute_security_policy.this[*].id)

  backend {
    group = google_compute_region_network_endpoint_group.this[each.key].id
  }

  log_config {
    enable = true
    # Probes are many and alike.
    sample_rate = each.key == "health" ? 0.1 : 1
  }
}

resource "google_compute_url_map" "this" {
  count = local.has_balancer ? 1 : 0

  name = var.name
  # Unknown paths go to health, which answers 404 as a problem like every other error.
  default_service = google_compute_backend_service.this["health"].id

  host_rule {
    hosts        = ["*"]
    path_matcher = "routes"
  }

  path_matcher {
    name            = "routes"
    default_service = google_compute_backend_service.this["health"].id

    path_rule {
      paths   = ["/", "/chat", "/chatkit", "/feedback", "/mcp", "/v1/*"]
      service = google_compute_backend_service.this["chat"].id
    }
    path_rule {
      paths   = ["/health", "/health/live"]
      service = google_compute_backend_service.this["health"].id
    }
  }
}

resource "google_compute_url_map" "redirect" {
  count = local.has_balancer ? 1 : 0

  name = "${var.name}-redirect"

  default_url_redirect {
    https_redirect = true
    strip_query    = false
    # 301, so that no client sends a question over plain http a second time.
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
  }

  depends_on = [time_sleep.apis]
}

resource "google_compute_ssl_policy" "this" {
  count = local.has_balancer ? 1 : 0

  name            = var.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [time_sleep.apis]
}

resource "google_compute_target_https_proxy" "this" {
  count = local.has_balancer ? 1 : 0

  name            = var.name
  url_map         = google_compute_url_map.this[0].id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.this[0].id}"
  ssl_policy      = google_compute_ssl_policy.this[0].id
  quic_override   = "ENABLE"
}

resource "google_compute_target_http_proxy" "redirect" {
  count = local.has_balancer ? 1 : 0

  name    = "${var.name}-redirect"
  url_map = google_compute_url_map.redirect[0].id
}

resource "google_compute_global_address" "this" {
  for_each = local.addresses

  name       = "${var.name}-${each.key}"
  ip_version = each.value

  depends_on = [time_sleep.apis]
}

resource "google_compute_global_forwarding_rule" "https" {
  for_each = local.addresses

  name                  = "${var.name}-https-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this[each.key].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this[0].id
}

resource "google_compute_global_forwarding_rule" "http" {
  for_each = local.addresses

  name                  = "${var.name}-http-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this[each.key].id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect[0].id
}
