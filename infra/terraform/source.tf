# What each function's archive holds: path in the archive → file on disk. Locals only, so that
# `terraform console` shows the map without an account.
locals {
  repository = "${path.module}/../.."

  # Caches and hidden files would change the archive's hash from one machine to the next.
  not_source = "(^|/)(__pycache__/|\\.)|\\.pyc$"

  # docchat/ goes in as it is: no wheel, no symlink, and no "./docchat" line in requirements.txt,
  # with which the build's cache would ship yesterday's code.
  shared_files = {
    for file in fileset("${local.repository}/docchat", "**") :
    "docchat/${file}" => "${local.repository}/docchat/${file}"
    if length(regexall(local.not_source, file)) == 0
  }

  # The SDKs of ChatKit and MCP bring packages that nothing else needs: only who has switched one
  # on builds them in. ChatKit's have MCP's among them.
  optional_sdks = [
    for setting, file in { CHATKIT = "chatkit.txt", MCP = "mcp.txt" } :
    "${local.repository}/requirements/${file}" if lookup(var.settings, setting, "off") == "on"
  ]
  requirements = {
    chat   = length(local.optional_sdks) > 0 ? { "requirements.txt" = local.optional_sdks[0] } : {}
    health = {}
  }

  archive_files = {
    for function in ["chat", "health"] : function => merge(local.shared_files, {
      for file in fileset("${local.repository}/functions/${function}", "**") :
      file => "${local.repository}/functions/${function}/${file}"
      if length(regexall(local.not_source, file)) == 0
    }, local.requirements[function])
  }
}
