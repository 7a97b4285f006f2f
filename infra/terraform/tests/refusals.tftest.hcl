# Wrong inputs are refused before anything is made. tests/infra reads what the refusals say.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id  = "my-project"
  qdrant_host = "https://qdrant.example.com:6333"
}

run "malformed_values" {
  command = plan
  variables {
    alert_email      = "nobody"
    alert_thresholds = { errors_in_5_minutes = 0 }
    allowed_origins  = ["https://docs.example.com/"]
    analytics        = { enabled = true, expire_after_days = 0 }
    api_key          = "too short"
    armor            = { requests_per_minute = 100, ban_over_per_minute = 50 }
    budget           = { billing_account = "mine", monthly_amount = 50 }
    dns_zone         = "example.com"
    gemini_api_key   = ""
    health           = { memory = "lots" }
    name             = "My_Docs"
    project_id       = "My Project"
    qdrant_api_key   = "two words here"
    qdrant_host      = "path:.local/index"
    region           = "europe-west1-b"
    runtime          = "python27"
    settings         = { CHAT_MOD = "off" }
  }

  expect_failures = [
    var.alert_email, var.alert_thresholds, var.allowed_origins, var.analytics, var.api_key, var.armor, var.budget,
    var.dns_zone, var.gemini_api_key, var.health, var.name, var.project_id, var.qdrant_api_key,
    var.qdrant_host, var.region, var.runtime, var.settings,
  ]
}

run "values_that_do_not_fit_together" {
  command = plan
  variables {
    allowed_origins  = ["https://docs.example.com:443"]
    api_key          = "a-key-for-callers-of-v1"
    armor            = { ban_seconds = 61 }
    budget           = { billing_account = "012345-6789AB-CDEF01", monthly_amount = 0.5 }
    chat             = { cpu = "0.5" }
    domains          = ["chat.example.com", "chat.example.com"]
    health           = { min_instances = 5 }
    secret_revisions = { gemini_api_key = 1, qdrant_api_key = 1 }
    settings         = { ANSWER_DEADLINE_S = "60" }
  }

  expect_failures = [
    var.allowed_origins, var.api_key, var.armor, var.budget, var.chat, var.domains, var.gemini_api_key, var.health,
    var.qdrant_api_key,
  ]
}

run "an_artifact_and_a_qdrant_server_do_not_fit_together" {
  command = plan
  variables {
    index            = "artifact"
    secret_revisions = { qdrant_api_key = 0 }
  }

  expect_failures = [var.qdrant_host, var.secret_revisions]
}

run "an_index_of_an_unknown_kind" {
  command = plan
  variables {
    index = "files"
  }

  expect_failures = [var.index]
}

run "one_of_both_is_needed" {
  command = plan
  variables {
    index_writers = ["allUsers"]
    qdrant_host   = null
  }

  expect_failures = [var.index_writers, var.qdrant_host]
}

run "what_others_are_checked_against" {
  command = plan
  variables {
    domains          = ["https://chat.example.com"]
    secret_revisions = { gemini_api_key = 0.5 }
    settings         = { LOG_QUESTIONS = "yes" }
  }

  expect_failures = [var.domains, var.secret_revisions, var.settings]
}
