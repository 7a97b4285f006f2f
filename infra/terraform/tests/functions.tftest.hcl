# Without domains: the two functions alone, their identities, secrets and settings.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id       = "my-project"
  qdrant_host      = "https://qdrant.example.com:6333"
  allowed_origins  = ["https://docs.example.com", "http://localhost:3000"]
  gemini_api_key   = "a-made-up-key-of-some-length"
  qdrant_api_key   = "another-made-up-key"
  secret_revisions = { gemini_api_key = 1, qdrant_api_key = 3 }
}

run "without_a_domain_there_are_the_functions_alone" {
  command = apply
  variables {
    # terraform test cannot apply while an ephemeral variable is unset.
    api_key          = "a-key-for-callers-of-v1"
    secret_revisions = { api_key = 1, gemini_api_key = 1, qdrant_api_key = 3 }
  }

  assert {
    condition = alltrue([
      for made in [
        google_compute_backend_service.this, google_compute_global_address.this, google_compute_global_forwarding_rule.https,
        google_compute_security_policy.this, google_compute_url_map.this, google_certificate_manager_certificate.this,
      ] : length(made) == 0
    ])
    error_message = "Something that costs money at rest is made without a domain."
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.service_config[0].ingress_settings == "ALLOW_ALL"])
    error_message = "Nobody could call the functions."
  }
  assert {
    condition     = !contains(local.apis, "compute") && !contains(local.apis, "bigquery") && !contains(local.apis, "billingbudgets")
    error_message = "An API is switched on that nothing uses."
  }
  assert {
    condition     = anytrue([for w in output.warnings : strcontains(w, "docchat's own limits alone")])
    error_message = "Nobody is told what protects the functions' own addresses."
  }
  assert {
    condition     = { for k, f in google_cloudfunctions2_function.this : k => f.build_config[0].entry_point } == { chat = "chat", health = "health" }
    error_message = "An entry point is wrong."
  }
  assert {
    condition     = alltrue([for k, o in google_storage_bucket_object.source : o.name == "${k}-${data.archive_file.source[k].output_sha256}.zip"])
    error_message = "The archive's hash must be in its name, or a change of the code deploys nothing."
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.build_config[0].service_account == google_service_account.build.id && f.build_config[0].docker_repository == google_artifact_registry_repository.images.id])
    error_message = "A function is built by the default account or into the default repository."
  }
  assert {
    condition     = alltrue([for k, f in google_cloudfunctions2_function.this : f.service_config[0].service_account_email == google_service_account.runtime[k].email])
    error_message = "A function runs as somebody else."
  }
  assert {
    condition     = length(distinct([for a in google_service_account.runtime : a.account_id])) == 2
    error_message = "The functions share an identity."
  }
  assert {
    condition     = alltrue([for m in google_cloud_run_v2_service_iam_member.public : m.member == "allUsers" && m.role == "roles/run.invoker"])
    error_message = "Visitors cannot call the functions."
  }
  assert {
    condition     = google_storage_bucket.sources.uniform_bucket_level_access && google_storage_bucket.sources.public_access_prevention == "enforced" && google_storage_bucket.sources.versioning[0].enabled
    error_message = "The bucket is not private, or not versioned."
  }
  assert {
    condition = toset(keys(google_secret_manager_secret_iam_member.reader)) == toset([
      "chat-api_key", "chat-gemini_api_key", "chat-qdrant_api_key", "health-gemini_api_key", "health-qdrant_api_key",
    ])
    error_message = "A function may read a secret that it does not need, or may not read one that it needs."
  }
  assert {
    condition     = tostring(google_secret_manager_secret_version.this["qdrant_api_key"].secret_data_wo_version) == "3"
    error_message = "The revision is not the one that was asked for."
  }
  assert {
    condition     = contains(keys(google_cloudfunctions2_function.this["chat"].service_config[0].environment_variables), "API_KEY_SECRET") && !contains(keys(google_cloudfunctions2_function.this["health"].service_config[0].environment_variables), "API_KEY_SECRET")
    error_message = "The key of /v1 belongs to chat alone."
  }
}

run "settings_follow_from_the_deployment" {
  command = plan
  variables {
    settings = { SITE_NAME = "Example", CHAT_MODE = "search" }
    chat     = { concurrency = 40, max_instances = 7 }
  }

  assert {
    condition = google_cloudfunctions2_function.this["chat"].service_config[0].environment_variables == tomap({
      ALLOWED_ORIGINS       = "https://docs.example.com,http://localhost:3000"
      CACHE_S               = "600"
      CHAT_MODE             = "search"
      FORWARDED_ALLOW_IPS   = "127.0.0.1"
      FORWARDED_FOR_ENTRY   = "1"
      GEMINI_API_KEY_SECRET = "projects/my-project/secrets/docchat-gemini-api-key/versions/latest"
      GOOGLE_CLOUD_PROJECT  = "my-project"
      LOG_EXECUTION_ID      = "false"
      MAX_INSTANCES         = "7"
      MAX_STREAMS           = "40"
      QDRANT_API_KEY_SECRET = "projects/my-project/secrets/docchat-qdrant-api-key/versions/latest"
      QDRANT_HOST           = "https://qdrant.example.com:6333"
      SITE_NAME             = "Example"
    })
    error_message = "The chat function's environment is not what was asked for."
  }
  assert {
    condition     = google_cloudfunctions2_function.this["chat"].service_config[0].max_instance_request_concurrency == 40 && google_cloudfunctions2_function.this["chat"].service_config[0].max_instance_count == 7
    error_message = "The function's size is not what docchat was told."
  }
}

run "a_key_that_is_not_given_is_warned_about_and_destroy_is_allowed" {
  command = plan
  variables {
    analytics        = { enabled = true }
    gemini_api_key   = null
    qdrant_api_key   = null
    secret_revisions = {}
  }

  assert {
    condition     = length(google_secret_manager_secret_version.this) == 0 && keys(google_secret_manager_secret.this) == ["gemini_api_key"]
    error_message = "A secret was written, or the container for the key is missing."
  }
  assert {
    condition     = anytrue([for w in output.warnings : strcontains(w, "gcloud secrets versions add docchat-gemini-api-key")])
    error_message = "Nobody is told that the key is missing."
  }
  assert {
    condition     = google_cloudfunctions2_function.this["chat"].service_config[0].environment_variables["GEMINI_API_KEY_SECRET"] != ""
    error_message = "A key that is added later must be found."
  }
  assert {
    condition     = alltrue([for s in google_secret_manager_secret.this : !s.deletion_protection]) && google_storage_bucket.sources.force_destroy && google_bigquery_dataset.questions[0].delete_contents_on_destroy
    error_message = "One destroy does not remove everything."
  }
}

run "destroy_can_be_forbidden" {
  command = plan
  variables {
    allow_destroy = false
    analytics     = { enabled = true }
  }

  assert {
    condition     = alltrue([for s in google_secret_manager_secret.this : s.deletion_protection]) && google_storage_bucket.sources.force_destroy == false && google_bigquery_dataset.questions[0].delete_contents_on_destroy == false
    error_message = "Something can be destroyed all the same."
  }
}

run "an_artifact_has_a_private_bucket_and_no_qdrant_secret" {
  # terraform test cannot apply while an ephemeral variable is unset.
  command = plan
  variables {
    qdrant_api_key   = null
    qdrant_host      = null
    index            = "artifact"
    index_writers    = ["user:me@example.com"]
    secret_revisions = { gemini_api_key = 1 }
  }

  assert {
    condition     = google_storage_bucket.index[0].uniform_bucket_level_access && google_storage_bucket.index[0].public_access_prevention == "enforced" && google_storage_bucket.index[0].versioning[0].enabled
    error_message = "The index's bucket is not private, or not versioned."
  }
  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.this : f.service_config[0].environment_variables["QDRANT_HOST"] == "gs://my-project-docchat-index"])
    error_message = "A function does not know where the index is."
  }
  assert {
    condition     = { for k, m in google_storage_bucket_iam_member.index_reader : k => m.role } == { for k in ["chat", "health"] : k => "roles/storage.objectViewer" }
    error_message = "The functions, and nobody else, may read the index, and not write it."
  }
  assert {
    condition     = { for k, m in google_storage_bucket_iam_member.index_writer : k => m.role } == { for k in ["indexer", "user:me@example.com"] : k => "roles/storage.objectUser" }
    error_message = "Who indexes cannot publish, or somebody else can."
  }
  assert {
    condition     = keys(google_secret_manager_secret.this) == ["gemini_api_key"] && !anytrue([for f in google_cloudfunctions2_function.this : contains(keys(f.service_config[0].environment_variables), "QDRANT_API_KEY_SECRET")])
    error_message = "There is a secret for a database that there is not."
  }
  assert {
    condition     = output.index_address == "gs://my-project-docchat-index"
    error_message = "Nobody is told where to publish."
  }
}

run "a_qdrant_server_needs_no_bucket" {
  command = plan

  assert {
    condition     = length(google_storage_bucket.index) == 0 && length(google_service_account.indexer) == 0 && length(google_storage_bucket_iam_member.index_reader) == 0 && output.index_address == null
    error_message = "Something is made for an artifact that there is not."
  }
}
