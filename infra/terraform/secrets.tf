locals {
  # The secrets that exist: those with a revision, 0 included.
  secrets = { for name, revision in var.secret_revisions : name => revision if revision != null }

  # Those whose value Terraform writes.
  written_secrets = { for name, revision in local.secrets : name => revision if revision > 0 }

  # Ephemeral: usable in a write-only argument alone, so in neither plan nor state.
  secret_values = {
    api_key        = var.api_key
    gemini_api_key = var.gemini_api_key
    qdrant_api_key = var.qdrant_api_key
  }

  # Who reads which secret. The key of /v1 is none of the health function's business.
  secret_readers = {
    api_key        = ["chat"]
    gemini_api_key = ["chat", "health"]
    qdrant_api_key = ["chat", "health"]
  }

  # function → setting → the version it reads. With latest, a rotation needs no apply.
  secret_settings = {
    for function in keys(local.functions) : function => {
      for name, secret in google_secret_manager_secret.this :
      "${upper(name)}_SECRET" => "projects/${var.project_id}/secrets/${secret.secret_id}/versions/latest"
      if contains(local.secret_readers[name], function)
    }
  }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  secret_id           = "${var.name}-${replace(each.key, "_", "-")}"
  deletion_protection = !var.allow_destroy

  replication {
    auto {}
  }

  depends_on = [time_sleep.apis]
}

resource "google_secret_manager_secret_version" "this" {
  for_each = local.written_secrets

  secret         = google_secret_manager_secret.this[each.key].id
  secret_data_wo = local.secret_values[each.key]
  # A number in provider 7, a string in 8; a string fits both.
  secret_data_wo_version = tostring(each.value)
  # A new revision adds a version and leaves the old one to readers that still hold it; disable it
  # when they have changed over. Deleting the secret deletes its versions.
  deletion_policy = "ABANDON"
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = merge([
    for name in keys(local.secrets) : {
      for function in local.secret_readers[name] : "${function}-${name}" => {
        function = function
        secret   = name
      }
    }
  ]...)

  secret_id = google_secret_manager_secret.this[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime[each.value.function].member
}
