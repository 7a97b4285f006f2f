# One certificate a domain, so that a new domain replaces none. Certificate Manager and not the
# classic managed certificates: those deadlock when they are replaced.
locals {
  # Names allow no dots and 63 characters; a hash of the domain is short and stays.
  domain_ids = { for domain in var.domains : domain => "${var.name}-${substr(sha256(domain), 0, 10)}" }
}

# Proves the ownership through a CNAME, before any traffic moves. The certificate stays in
# PROVISIONING until that record exists; apply does not wait for it.
resource "google_certificate_manager_dns_authorization" "this" {
  for_each = local.domain_ids

  name        = each.value
  domain      = each.key
  description = "Proves that ${each.key} is ours"

  depends_on = [time_sleep.apis]
}

resource "google_certificate_manager_certificate" "this" {
  for_each = local.domain_ids

  name        = each.value
  description = each.key

  managed {
    domains            = [each.key]
    dns_authorizations = [google_certificate_manager_dns_authorization.this[each.key].id]
  }
}

resource "google_certificate_manager_certificate_map" "this" {
  count = local.has_balancer ? 1 : 0

  name = var.name

  depends_on = [time_sleep.apis]
}

resource "google_certificate_manager_certificate_map_entry" "this" {
  for_each = local.domain_ids

  name         = each.value
  map          = google_certificate_manager_certificate_map.this[0].name
  hostname     = each.key
  certificates = [google_certificate_manager_certificate.this[each.key].id]
}
