# With domains: everything goes through the load balancer, and nothing past it.

mock_provider "google" {
  mock_resource "google_certificate_manager_dns_authorization" {
    defaults = {
      dns_resource_record = [{ name = "_acme-challenge.chat.example.com.", type = "CNAME", data = "abc.authorize.certificatemanager.goog." }]
    }
  }
}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id  = "my-project"
  qdrant_host = "https://qdrant.example.com:6333"
  domains     = ["chat.example.com", "ask.example.com"]

  # terraform test cannot apply while an ephemeral variable is unset.
  api_key          = "a-key-for-callers-of-v1"
  gemini_api_key   = "a-made-up-key-of-some-length"
  qdrant_api_key   = "another-made-up-key"
  secret_revisions = { api_key = 1, gemini_api_key = 1, qdrant_api_key = 1 }
}

run "behind_the_balancer" {
  command = apply

  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB"])
    error_message = "A function can be called past the balancer."
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.service_config[0].environment_variables["FORWARDED_FOR_ENTRY"] == "2"])
    error_message = "Behind the balancer the client is the second entry from the right."
  }
  assert {
    condition     = length(google_compute_backend_service.this) == 2
    error_message = "One backend service a function."
  }
  assert {
    condition = alltrue([
      for b in google_compute_backend_service.this :
      b.load_balancing_scheme == "EXTERNAL_MANAGED" && b.compression_mode == "DISABLED" && b.enable_cdn != true && length(coalesce(b.health_checks, [])) == 0
    ])
    error_message = "A backend is not EXTERNAL_MANAGED, or compresses, caches or checks."
  }
  assert {
    condition     = alltrue([for g in google_compute_region_network_endpoint_group.this : g.network_endpoint_type == "SERVERLESS" && length(g.cloud_run) == 1])
    error_message = "A group does not lead to a Cloud Run service."
  }
  assert {
    condition = alltrue([
      for b in google_compute_backend_service.this :
      contains(b.custom_response_headers, "X-Content-Type-Options: nosniff") && anytrue([for h in b.custom_response_headers : startswith(h, "Strict-Transport-Security:")])
    ])
    error_message = "A security header is missing."
  }
  assert {
    condition     = google_compute_backend_service.this["chat"].log_config[0].sample_rate == 1 && google_compute_backend_service.this["health"].log_config[0].sample_rate == 0.1
    error_message = "Every question is logged, and one probe in ten."
  }
  assert {
    condition     = toset(google_compute_url_map.this[0].path_matcher[0].path_rule[0].paths) == toset(["/", "/chat", "/chatkit", "/feedback", "/mcp", "/v1/*"])
    error_message = "The chat function's routes are not those of the HTTP contract."
  }
  assert {
    condition     = google_compute_url_map.this[0].path_matcher[0].path_rule[0].service == google_compute_backend_service.this["chat"].id
    error_message = "Chat's routes do not lead to chat."
  }
  assert {
    condition     = toset(google_compute_url_map.this[0].path_matcher[0].path_rule[1].paths) == toset(["/health", "/health/live"])
    error_message = "The health function's routes are not those of the HTTP contract."
  }
  assert {
    condition     = google_compute_url_map.this[0].default_service == google_compute_backend_service.this["health"].id
    error_message = "Unknown paths must go to health, which answers 404."
  }
  assert {
    condition     = alltrue([for b in google_compute_backend_service.this : b.security_policy == google_compute_security_policy.this[0].id])
    error_message = "A backend is without the Cloud Armor policy."
  }
  assert {
    condition     = length(output.dns_records) == 6
    error_message = "Two addresses and a CNAME for each of two domains."
  }
  assert {
    condition     = anytrue([for w in output.warnings : strcontains(w, "dns_records")])
    error_message = "Nobody is told to add the DNS records."
  }
  assert {
    condition     = length(google_dns_record_set.a) == 0
    error_message = "Records were made without a zone."
  }
  assert {
    condition     = google_compute_ssl_policy.this[0].profile == "MODERN" && google_compute_ssl_policy.this[0].min_tls_version == "TLS_1_2"
    error_message = "The TLS policy is weak."
  }
  assert {
    condition     = google_compute_url_map.redirect[0].default_url_redirect[0].https_redirect
    error_message = "Plain http is not redirected."
  }
  assert {
    condition     = { for k, r in google_compute_global_forwarding_rule.https : k => r.port_range } == { ipv4 = "443", ipv6 = "443" }
    error_message = "HTTPS must be served over IPv4 and IPv6."
  }
  assert {
    condition     = { for k, r in google_compute_global_forwarding_rule.http : k => r.port_range } == { ipv4 = "80", ipv6 = "80" }
    error_message = "The redirect must be served over IPv4 and IPv6."
  }
  assert {
    condition     = alltrue([for r in concat(values(google_compute_global_forwarding_rule.https), values(google_compute_global_forwarding_rule.http)) : r.load_balancing_scheme == "EXTERNAL_MANAGED"])
    error_message = "A forwarding rule is of another scheme than its backends."
  }
  assert {
    condition     = google_compute_target_https_proxy.this[0].quic_override == "ENABLE"
    error_message = "QUIC is off."
  }
  assert {
    condition     = length(google_certificate_manager_certificate.this) == 2 && length(google_certificate_manager_certificate_map_entry.this) == 2
    error_message = "One certificate a domain."
  }
  assert {
    condition     = length(google_compute_security_policy.this[0].rule) == length(distinct([for r in google_compute_security_policy.this[0].rule : r.priority]))
    error_message = "Two rules have the same priority."
  }
  assert {
    condition     = length([for r in google_compute_security_policy.this[0].rule : r if r.priority == 2147483647 && r.action == "allow"]) == 1
    error_message = "The default rule is missing."
  }
  assert {
    condition = one([
      for r in google_compute_security_policy.this[0].rule : [
        r.match[0].expr[0].expression, r.rate_limit_options[0].exceed_action, r.rate_limit_options[0].enforce_on_key,
        tostring(r.rate_limit_options[0].rate_limit_threshold[0].count), tostring(r.rate_limit_options[0].ban_threshold[0].count),
      ] if r.action == "rate_based_ban"
    ]) == ["!request.path.startsWith('/health')", "deny(429)", "IP", "60", "300"]
    error_message = "The rate rule must throttle and ban each client, and leave /health to the uptime checkers."
  }
  assert {
    condition     = alltrue([for r in google_compute_security_policy.this[0].rule : r.preview if r.priority >= 1000 && r.priority < 2000])
    error_message = "A WAF rule blocks, though a question about SQL is no attack."
  }
  assert {
    condition     = length([for r in google_compute_security_policy.this[0].rule : r if r.priority == 900 && r.action == "deny(403)" && r.preview != true]) == 1
    error_message = "The Log4j rule must block."
  }
  assert {
    condition     = google_compute_security_policy.this[0].advanced_options_config[0].json_parsing == "STANDARD"
    error_message = "Bodies are not parsed as JSON."
  }
}

run "records_are_made_in_a_given_zone_and_waf_blocks_when_asked_to" {
  command = apply
  variables {
    armor    = { enforce_waf = true }
    dns_zone = "example-com"
  }

  assert {
    condition     = length(google_dns_record_set.a) == 2 && length(google_dns_record_set.aaaa) == 2
    error_message = "The addresses are not in the zone."
  }
  assert {
    condition     = google_dns_record_set.certificate["chat.example.com"].type == "CNAME" && google_dns_record_set.certificate["chat.example.com"].rrdatas[0] == "abc.authorize.certificatemanager.goog."
    error_message = "The certificate's CNAME is not in the zone."
  }
  assert {
    condition     = alltrue([for w in output.warnings : !strcontains(w, "dns_records")])
    error_message = "There is nothing left to add by hand."
  }
  assert {
    condition     = length([for r in google_compute_security_policy.this[0].rule : r if r.priority >= 1000 && r.priority < 2000 && r.preview == false]) == 5
    error_message = "enforce_waf does not enforce."
  }
}
