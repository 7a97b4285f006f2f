# Only with var.dns_zone. Otherwise the output dns_records says what to add elsewhere.
locals {
  zone_domains = var.dns_zone == "" ? [] : var.domains
}

resource "google_dns_record_set" "a" {
  for_each = toset(local.zone_domains)

  managed_zone = var.dns_zone
  name         = "${each.key}."
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_global_address.this["ipv4"].address]
}

resource "google_dns_record_set" "aaaa" {
  for_each = toset(local.zone_domains)

  managed_zone = var.dns_zone
  name         = "${each.key}."
  type         = "AAAA"
  ttl          = 300
  rrdatas      = [google_compute_global_address.this["ipv6"].address]
}

resource "google_dns_record_set" "certificate" {
  for_each = toset(local.zone_domains)

  managed_zone = var.dns_zone
  name         = google_certificate_manager_dns_authorization.this[each.key].dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.this[each.key].dns_resource_record[0].type
  ttl          = 300
  rrdatas      = [google_certificate_manager_dns_authorization.this[each.key].dns_resource_record[0].data]
}
