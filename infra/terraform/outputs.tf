locals {
  function_urls = { for name, function in google_cloudfunctions2_function.this : name => function.service_config[0].uri }

  url         = local.has_balancer ? "https://${var.domains[0]}" : local.function_urls["chat"]
  health_url  = local.has_balancer ? "https://${var.domains[0]}/health" : "${local.function_urls["health"]}/health"
  health_host = local.has_balancer ? var.domains[0] : trimprefix(local.function_urls["health"], "https://")

  dns_records = concat(
    flatten([
      for domain in var.domains : [
        for key, address in google_compute_global_address.this : {
          name = "${domain}."
          type = key == "ipv4" ? "A" : "AAAA"
          data = address.address
        }
      ]
    ]),
    flatten([
      for authorization in google_certificate_manager_dns_authorization.this : [
        for record in authorization.dns_resource_record : {
          name = record.name
          type = record.type
          data = record.data
        }
      ]
    ]),
  )

  unwritten_secrets = [for name, revision in local.secrets : name if revision == 0]

  warnings = concat(
    local.has_balancer ? [] : [
      "No domain: the functions' own addresses are public, without load balancer and Cloud Armor. docchat's own limits alone protect them, counted by each instance for itself.",
    ],
    local.has_balancer && var.dns_zone == "" ? [
      "Add the records of the output dns_records to your DNS. The certificate is issued after that, usually within an hour.",
    ] : [],
    length(var.allowed_origins) > 0 ? [] : [
      "allowed_origins is empty: no page may call the chat from a browser.",
    ],
    var.alert_email != "" ? [] : [
      "alert_email is empty: alerts reach nobody.",
    ],
    [
      for name in local.unwritten_secrets :
      "Terraform wrote no value for ${name}. Unless it has one already: printf %s \"$KEY\" | gcloud secrets versions add ${google_secret_manager_secret.this[name].secret_id} --data-file=- --project=${var.project_id}"
    ],
  )
}

output "addresses" {
  description = "The balancer's addresses, IPv4 and IPv6; empty without a domain."
  value       = { for key, address in google_compute_global_address.this : key => address.address }
}

output "chat_url" {
  description = "Where questions go, for requests of your own; the widget's data-endpoint is url."
  value       = "${local.url}/chat"
}

output "dashboard_url" {
  description = "The dashboard in the Cloud console."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${element(split("/", google_monitoring_dashboard.this.id), length(split("/", google_monitoring_dashboard.this.id)) - 1)}?project=${var.project_id}"
}

output "dns_records" {
  description = "What the domains' DNS must have: the addresses, and one CNAME a certificate."
  value       = local.dns_records
}

output "health_url" {
  description = "Readiness, with a state for each part."
  value       = local.health_url
}

output "index_address" {
  description = "Where the indexer publishes: what --publish takes; null with a Qdrant server."
  value       = local.has_index_bucket ? local.qdrant_host : null
}

output "secret_ids" {
  description = "The secrets, by the name of their variable."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id }
}

output "service_accounts" {
  description = "Who builds and who runs the functions, and who publishes the index."
  value = merge(
    { build = google_service_account.build.email },
    { for account in google_service_account.indexer : "indexer" => account.email },
    { for name, account in google_service_account.runtime : name => account.email },
  )
}

output "url" {
  description = "The base address: the first domain, or the chat function's own."
  value       = local.url
}

output "warnings" {
  description = "What is still to be done, or less safe than it could be."
  value       = local.warnings
}
