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

  # ChatKit's SDK brings forty packages: only who has switched it on builds them in.
  chatkit = lookup(var.settings, "CHATKIT", "off") == "on"
  requirements = {
    chat   = local.chatkit ? { "requirements.txt" = "${local.repository}/requirements/chatkit.txt" } : {}
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
