locals {
  # docchat's settings that var.settings may hold. Those with a variable of their own, those that
  # follow from the deployment and those for a laptop are not here. A test compares this list with
  # docchat/settings.py.
  operator_settings = [
    "ABSTAIN_BELOW",
    "ANSWER_DEADLINE_S",
    "CACHE_S",
    "CHAT_MODE",
    "CHATKIT",
    "CHATKIT_RETENTION_DAYS",
    "CHATKIT_STORE",
    "CONTEXT_CHARS",
    "DAILY_TOKEN_BUDGET",
    "EMBED_TIMEOUT_S",
    "EMBEDDING_DIMENSION",
    "EMBEDDING_MODEL",
    "FIRST_TOKEN_DEADLINE_S",
    "GENERATE_TIMEOUT_S",
    "GENERATIVE_MODEL",
    "IDLE_TIMEOUT_S",
    "INDEX_REFRESH_S",
    "LINK_HOSTS",
    "LOG_QUESTIONS",
    "MAX_OUTPUT_TOKENS",
    "MCP",
    "PRICE_INPUT_PER_MILLION",
    "PRICE_OUTPUT_PER_MILLION",
    "QDRANT_COLLECTION_NAME",
    "RATE_LIMIT_BURST",
    "RATE_LIMIT_PER_MINUTE",
    "SEARCH_TIMEOUT_S",
    "SECRET_TTL_S",
    "SITE_NAME",
    "SITE_RULES",
    "STARTER_QUESTIONS",
    "WORDINGS",
  ]

  # A public page is asked the same again and again; on a laptop each answer is made anew.
  default_settings = { CACHE_S = "600" }

  # The same for both functions, so that health judges what chat uses.
  deployment_settings = {
    ALLOWED_ORIGINS = join(",", var.allowed_origins)
    # The client's address, counted from the right of X-Forwarded-For: the balancer appends the
    # client and itself, a function's own URL appends the client alone.
    FORWARDED_FOR_ENTRY = local.has_balancer ? "2" : "1"
    MAX_INSTANCES       = tostring(var.chat.max_instances)
    MAX_STREAMS         = tostring(var.chat.concurrency)
    QDRANT_HOST         = local.qdrant_host
  }

  platform_settings = {
    # Cloud Run sets no project; docchat needs it to join its log lines to the request's trace.
    GOOGLE_CLOUD_PROJECT = var.project_id
    # The server in front of docchat must believe nobody's X-Forwarded-For: it would take the
    # leftmost entry, which the client writes. docchat counts from the right itself.
    FORWARDED_ALLOW_IPS = "127.0.0.1"
    # Google sets it to true where it is not set, and functions-framework then configures logging
    # anew, which silences every logger that is already there: docchat would log nothing at all.
    LOG_EXECUTION_ID = "false"
  }

  environment = {
    for function in keys(local.functions) : function => merge(
      local.default_settings,
      var.settings,
      { for name, value in local.deployment_settings : name => value if value != "" },
      local.platform_settings,
      local.secret_settings[function],
    )
  }
}
