locals {
  # The core rule set at its most certain level. In preview (logged, not blocked) unless asked
  # otherwise: a question about SQL or a shell looks like an attack to these rules.
  waf_rules = {
    1000 = "sqli-v422-stable"
    1010 = "xss-v422-stable"
    1020 = "rce-v422-stable"
    1030 = "lfi-v422-stable"
    1040 = "scannerdetection-v422-stable"
  }
}

resource "google_compute_security_policy" "this" {
  # checkov:skip=CKV_GCP_73:Rule 900 blocks it; the check knows the expression without a sensitivity only
  count = local.has_balancer ? 1 : 0

  name = var.name
  type = "CLOUD_ARMOR"

  # Bodies are JSON; without parsing, every quotation mark looks suspicious.
  advanced_options_config {
    json_parsing                 = "STANDARD"
    log_level                    = "NORMAL"
    request_body_inspection_size = "64KB"
  }

  # Alerts on a flood. The suggested rule itself is a part of Cloud Armor Enterprise.
  adaptive_protection_config {
    layer_7_ddos_defense_config {
      enable = true
    }
  }

  # Enforced, and the only WAF rule that is: nobody asks for this by accident.
  rule {
    action      = "deny(403)"
    priority    = 900
    description = "Log4j and similar published holes"
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary', {'sensitivity': 1})"
      }
    }
  }

  dynamic "rule" {
    for_each = local.waf_rules
    content {
      action      = "deny(403)"
      priority    = rule.key
      preview     = !var.armor.enforce_waf
      description = rule.value
      match {
        expr {
          expression = "evaluatePreconfiguredWaf('${rule.value}', {'sensitivity': 1})"
        }
      }
    }
  }

  # Everything but /health, which Google's uptime checkers ask: they must never be banned.
  rule {
    action      = "rate_based_ban"
    priority    = 2000
    description = "Per client: 429 over the rate, then a ban"
    match {
      expr {
        expression = "!request.path.startsWith('/health')"
      }
    }
    rate_limit_options {
      conform_action   = "allow"
      exceed_action    = "deny(429)"
      enforce_on_key   = "IP"
      ban_duration_sec = var.armor.ban_seconds
      rate_limit_threshold {
        count        = var.armor.requests_per_minute
        interval_sec = 60
      }
      ban_threshold {
        count        = var.armor.ban_over_per_minute
        interval_sec = 60
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "Default"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [time_sleep.apis]
}
