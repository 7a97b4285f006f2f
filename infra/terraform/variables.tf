variable "alert_email" {
  description = "Who gets the alerts. Empty: nobody."
  type        = string
  default     = ""

  validation {
    condition     = var.alert_email == "" || can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "alert_email must be one e-mail address, such as ops@example.com."
  }
}

variable "alert_thresholds" {
  description = "When an alert opens: 5xx in 5 minutes, milliseconds to the first event (95th percentile), 429 in 10 minutes, tokens in 24 hours."
  type = object({
    errors_in_5_minutes   = optional(number, 5)
    first_event_p95_ms    = optional(number, 8000)
    refused_in_10_minutes = optional(number, 100)
    tokens_in_a_day       = optional(number, 5000000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for threshold in values(var.alert_thresholds) : threshold > 0])
    error_message = "Every one of alert_thresholds must be greater than 0."
  }
}

variable "allow_destroy" {
  description = "Whether destroy may delete secrets, sources and collected questions. With false it refuses; set it back to true and apply before you destroy."
  type        = bool
  default     = true
}

variable "allowed_origins" {
  description = "The pages that may call the chat from a browser: exact origins (docchat's ALLOWED_ORIGINS)."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for origin in var.allowed_origins :
      can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin)) && length(regexall("^(https://.*:443|http://.*:80)$", origin)) == 0
    ])
    error_message = "allowed_origins must list exact origins such as https://docs.example.com: in lower case, without a path, a slash at the end, a wildcard or a default port."
  }
}

variable "analytics" {
  description = "Whether the chat's request lines, questions and feedback are collected in BigQuery, where (the dataset's location), and after how many days each row is deleted. Questions are logged only with settings = { LOG_QUESTIONS = \"on\" }."
  type = object({
    enabled           = optional(bool, false)
    expire_after_days = optional(number, 90)
    location          = optional(string, "EU")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.analytics.expire_after_days >= 1 && floor(var.analytics.expire_after_days) == var.analytics.expire_after_days
    error_message = "analytics.expire_after_days must be a whole number of days, 1 or more: questions are personal data and must expire."
  }
}

variable "api_key" {
  description = "The key of your choice for callers of the OpenAI-compatible routes under /v1. Give it as TF_VAR_api_key."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.api_key == null ? true : can(regex("^[!-~]{16,}$", var.api_key))
    error_message = "api_key must have 16 characters or more, and no spaces. Do not set TF_VAR_api_key at all if you do not want the /v1 routes."
  }
  validation {
    condition     = (var.api_key != null) == (coalesce(var.secret_revisions.api_key, 0) > 0)
    error_message = "api_key and secret_revisions do not fit. To write the key, set both TF_VAR_api_key and secret_revisions = { api_key = 1 }, at every apply; to keep the value that the secret has, set the revision to 0 and unset TF_VAR_api_key."
  }
}

variable "armor" {
  description = "Cloud Armor, with domains only. For each client's address: requests a minute before 429, requests a minute before a ban, the ban's length in seconds. enforce_waf: block what the WAF rules find instead of only logging it."
  type = object({
    ban_over_per_minute = optional(number, 300)
    ban_seconds         = optional(number, 600)
    enforce_waf         = optional(bool, false)
    requests_per_minute = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.armor.requests_per_minute >= 1 && var.armor.ban_over_per_minute > var.armor.requests_per_minute && var.armor.ban_over_per_minute <= 10000
    error_message = "armor.requests_per_minute must be 1 or more, and ban_over_per_minute greater than it (at most 10000)."
  }
  validation {
    condition     = contains([60, 120, 180, 240, 300, 600, 900, 1200, 1800, 2700, 3600], var.armor.ban_seconds)
    error_message = "armor.ban_seconds must be one of 60, 120, 180, 240, 300, 600, 900, 1200, 1800, 2700 or 3600: Cloud Armor knows no others."
  }
}

variable "budget" {
  description = "A billing budget that sends mails at 50, 90 and 100 percent of an amount a month, in the billing account's currency. Needs rights on the billing account."
  type = object({
    billing_account = string
    monthly_amount  = number
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account must look like 012345-6789AB-CDEF01 (gcloud billing accounts list)."
  }
  validation {
    condition     = var.budget == null ? true : var.budget.monthly_amount >= 1 && floor(var.budget.monthly_amount) == var.budget.monthly_amount
    error_message = "budget.monthly_amount must be a whole number, 1 or more."
  }
}

variable "chat" {
  description = "The chat function's size. concurrency is docchat's MAX_STREAMS, max_instances its MAX_INSTANCES."
  type = object({
    concurrency     = optional(number, 80)
    cpu             = optional(string, "1")
    max_instances   = optional(number, 10)
    memory          = optional(string, "512Mi")
    min_instances   = optional(number, 0)
    timeout_seconds = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.chat.concurrency >= 1 && var.chat.concurrency <= 1000
    error_message = "chat.concurrency must be from 1 to 1000."
  }
  validation {
    condition     = can(tonumber(var.chat.cpu)) && (var.chat.concurrency == 1 || try(tonumber(var.chat.cpu) >= 1, false))
    error_message = "chat.cpu must be a number such as \"1\"; below 1 Cloud Run allows a concurrency of 1 only."
  }
  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.chat.memory))
    error_message = "chat.memory must look like 512Mi or 1Gi."
  }
  validation {
    condition     = var.chat.min_instances >= 0 && var.chat.max_instances >= 1 && var.chat.min_instances <= var.chat.max_instances
    error_message = "chat.max_instances must be 1 or more, and min_instances from 0 to it."
  }
  validation {
    condition     = try(var.chat.timeout_seconds > tonumber(lookup(var.settings, "ANSWER_DEADLINE_S", "55")) && var.chat.timeout_seconds <= 3600, false)
    error_message = "chat.timeout_seconds must be greater than docchat's ANSWER_DEADLINE_S (55, unless settings says otherwise) and at most 3600: docchat's own deadline must come first, or answers are cut off without an end."
  }
}

variable "dns_zone" {
  description = "The name of a Cloud DNS managed zone in the project that serves the domains; the records are then made there. Empty: you add the records of the output dns_records yourself."
  type        = string
  default     = ""

  validation {
    condition     = var.dns_zone == "" || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.dns_zone))
    error_message = "dns_zone must be the zone's name in Cloud DNS, such as example-com, not its domain (gcloud dns managed-zones list)."
  }
  validation {
    condition     = var.dns_zone == "" || length(var.domains) > 0
    error_message = "dns_zone without domains has nothing to do: set domains as well."
  }
}

variable "domains" {
  description = "The chat's own domains, such as chat.example.com; the first one is in the outputs. Empty: no load balancer, and the functions' own addresses are used."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for domain in var.domains : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$", domain))
    ])
    error_message = "domains must list bare host names in lower case, such as chat.example.com: without https://, a path, a port, a wildcard or a dot at the end."
  }
  validation {
    condition     = length(var.domains) == length(distinct(var.domains))
    error_message = "domains lists the same domain twice."
  }
}

variable "gemini_api_key" {
  description = "The Gemini API key. Give it as TF_VAR_gemini_api_key; neither plan nor state holds it."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.gemini_api_key == null ? true : can(regex("^[!-~]{20,}$", var.gemini_api_key))
    error_message = "gemini_api_key is empty or malformed: a key from Google AI Studio has about 40 characters, and no spaces, quotation marks or line breaks around it."
  }
  validation {
    condition     = var.gemini_api_key == null ? true : length(regexall("[\"'`]", var.gemini_api_key)) == 0
    error_message = "gemini_api_key has a quotation mark in it: give the key alone."
  }
  validation {
    condition     = (var.gemini_api_key != null) == (var.secret_revisions.gemini_api_key > 0)
    error_message = "gemini_api_key and secret_revisions do not fit. To write the key, set both TF_VAR_gemini_api_key and secret_revisions = { gemini_api_key = 1 }, at every apply; to keep the value that the secret has, set the revision to 0 and unset TF_VAR_gemini_api_key."
  }
}

variable "health" {
  description = "The health function's size."
  type = object({
    concurrency     = optional(number, 80)
    cpu             = optional(string, "1")
    max_instances   = optional(number, 2)
    memory          = optional(string, "512Mi")
    min_instances   = optional(number, 0)
    timeout_seconds = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.health.concurrency >= 1 && var.health.concurrency <= 1000
    error_message = "health.concurrency must be from 1 to 1000."
  }
  validation {
    condition     = can(tonumber(var.health.cpu)) && (var.health.concurrency == 1 || try(tonumber(var.health.cpu) >= 1, false))
    error_message = "health.cpu must be a number such as \"1\"; below 1 Cloud Run allows a concurrency of 1 only."
  }
  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.health.memory))
    error_message = "health.memory must look like 512Mi or 1Gi."
  }
  validation {
    condition     = var.health.min_instances >= 0 && var.health.max_instances >= 1 && var.health.min_instances <= var.health.max_instances
    error_message = "health.max_instances must be 1 or more, and min_instances from 0 to it."
  }
  validation {
    condition     = var.health.timeout_seconds >= 10 && var.health.timeout_seconds <= 3600
    error_message = "health.timeout_seconds must be from 10 to 3600: a readiness check may take 8 seconds."
  }
}

variable "index" {
  description = "Where the index is: \"artifact\", one file in a bucket that is made for it, and no database; or \"qdrant\", a Qdrant server of yours."
  type        = string
  default     = "qdrant"
  nullable    = false

  validation {
    condition     = contains(["artifact", "qdrant"], var.index)
    error_message = "index must be artifact or qdrant."
  }
}

variable "index_writers" {
  description = "Who may publish the index, beside the identity that is made for it (index = \"artifact\"): IAM members, such as user:me@example.com or a CI's principalSet://…"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.index_writers : can(regex("^(user|group|serviceAccount):[^@\\s]+@[^@\\s]+$|^principal(Set)?://\\S+$", member))])
    error_message = "index_writers must list IAM members, such as user:me@example.com, serviceAccount:ci@my-project.iam.gserviceaccount.com or principalSet://iam.googleapis.com/…; allUsers is none."
  }
  validation {
    condition     = length(var.index_writers) == 0 || var.index == "artifact"
    error_message = "index_writers has nothing to do with a Qdrant server: set index = \"artifact\", or leave index_writers out."
  }
}

variable "name" {
  description = "The prefix of everything that is made, so that several sites can share a project."
  type        = string
  default     = "docchat"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 characters: lower case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "project_id" {
  description = "The Google Cloud project's id. The project must exist, with billing on."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be the project's id: 6 to 30 lower case letters, digits and hyphens, beginning with a letter. It is not the display name and not the number (gcloud projects list)."
  }
}

variable "qdrant_api_key" {
  description = "The Qdrant server's key; one that may only read is enough. Give it as TF_VAR_qdrant_api_key."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.qdrant_api_key == null ? true : can(regex("^[!-~]{8,}$", var.qdrant_api_key))
    error_message = "qdrant_api_key is empty or malformed: it must have 8 characters or more, and no spaces or line breaks. Do not set TF_VAR_qdrant_api_key at all for a server without a key."
  }
  validation {
    condition     = (var.qdrant_api_key != null) == (coalesce(var.secret_revisions.qdrant_api_key, 0) > 0)
    error_message = "qdrant_api_key and secret_revisions do not fit. To write the key, set both TF_VAR_qdrant_api_key and secret_revisions = { qdrant_api_key = 1 }, at every apply; to keep the value that the secret has, set the revision to 0 and unset TF_VAR_qdrant_api_key."
  }
}

variable "qdrant_host" {
  description = "The https URL of the Qdrant server (docchat's QDRANT_HOST), with index = \"qdrant\"."
  type        = string
  default     = null

  validation {
    condition     = var.index == "artifact" ? true : can(regex("^https://[A-Za-z0-9._-]+(:[0-9]{1,5})?(/[^?#\\s@]*)?$", var.qdrant_host))
    error_message = "qdrant_host must be the https:// URL of a Qdrant server, such as https://qdrant.example.com:6333. An index on disk (path:) cannot be shared by a function's instances. Without a Qdrant server, set index = \"artifact\"."
  }
  validation {
    condition     = var.index != "artifact" || var.qdrant_host == null
    error_message = "qdrant_host and index = \"artifact\" do not fit: with an artifact there is no Qdrant server. Leave qdrant_host out, or set index = \"qdrant\"."
  }
}

variable "region" {
  description = "Where the functions, their images and sources are."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a Google Cloud region, such as europe-west1, not a zone (europe-west1-b)."
  }
}

variable "runtime" {
  description = "The functions' Python. docchat is tested with 3.11; its locked requirements resolve for the newer ones, too."
  type        = string
  default     = "python311"

  validation {
    condition     = contains(["python311", "python312", "python313"], var.runtime)
    error_message = "runtime must be python311, python312 or python313."
  }
}

variable "secret_revisions" {
  description = "The secrets and who writes them. null: there is no such secret. 0: Terraform makes it, you add the value with gcloud. 1 or more: Terraform writes the value of the variable of the same name, and writes it again when the number is raised."
  type = object({
    api_key        = optional(number)
    gemini_api_key = optional(number, 0)
    qdrant_api_key = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for revision in values(var.secret_revisions) : revision == null ? true : revision >= 0 && floor(revision) == revision])
    error_message = "Every one of secret_revisions must be a whole number, 0 or more, or null."
  }
  validation {
    condition     = var.index != "artifact" || var.secret_revisions.qdrant_api_key == null
    error_message = "secret_revisions.qdrant_api_key and index = \"artifact\" do not fit: without a Qdrant server there is no key. Leave it out."
  }
}

variable "settings" {
  description = "docchat's other settings, by the names of docs/configuration.md, such as { SITE_NAME = \"Example\" }. What is not here keeps docchat's default."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.settings), local.operator_settings)) == 0
    error_message = "settings has names that do not belong there: ${join(", ", setsubtract(keys(var.settings), local.operator_settings))}. It may have ${join(", ", local.operator_settings)}. Origins, the Qdrant server and keys have variables of their own."
  }
  validation {
    condition     = contains(["full", "search", "off"], lookup(var.settings, "CHAT_MODE", "full"))
    error_message = "settings.CHAT_MODE must be full, search or off."
  }
  validation {
    condition     = contains(["on", "off"], lookup(var.settings, "CHATKIT", "off"))
    error_message = "settings.CHATKIT must be on or off."
  }
  validation {
    condition     = contains(["on", "off"], lookup(var.settings, "LOG_QUESTIONS", "off"))
    error_message = "settings.LOG_QUESTIONS must be on or off."
  }
  validation {
    condition     = contains(["on", "off"], lookup(var.settings, "MCP", "off"))
    error_message = "settings.MCP must be on or off."
  }
}
