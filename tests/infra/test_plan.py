"""What a deployment may and may not contain, read off the plan of everything."""

from typing import Any

from tests.infra.workspace import Plan

EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
BASIC_ROLES = {"roles/owner", "roles/editor", "roles/viewer"}


def one(plan: Plan, address: str) -> dict[str, Any]:
    return dict(plan.resources())[address]


def test_functions_are_reached_through_the_balancer_alone(plan: Plan) -> None:
    functions = list(plan.resources("google_cloudfunctions2_function"))
    assert len(functions) == 2
    for address, values in functions:
        ingress = values["service_config"][0]["ingress_settings"]
        assert ingress == "ALLOW_INTERNAL_AND_GCLB", address


def test_everybody_may_call_the_functions_and_do_nothing_else(plan: Plan) -> None:
    public = [
        (values["role"], address)
        for address, values in plan.resources()
        if values.get("member") in EVERYBODY or EVERYBODY & set(values.get("members") or [])
    ]
    assert len(public) == 2
    assert {role for role, _ in public} == {"roles/run.invoker"}


def test_no_basic_role_and_no_secret_of_the_whole_project_is_granted(plan: Plan) -> None:
    for address, values in plan.resources():
        assert values.get("role") not in BASIC_ROLES, address
    granted = {values["role"] for _, values in plan.resources("google_project_iam")}
    assert granted == {"roles/logging.logWriter", "roles/storage.objectViewer"}


def test_the_projects_only_grant_on_storage_ends_at_googles_source_bucket(plan: Plan) -> None:
    values = one(plan, "google_project_iam_member.build_google_sources")
    assert "buckets/gcf-v2-sources-" in values["condition"][0]["expression"]


def test_no_service_account_has_a_key(plan: Plan) -> None:
    assert list(plan.resources("google_service_account_key")) == []


def test_the_sources_bucket_is_private(plan: Plan) -> None:
    for _, values in plan.resources("google_storage_bucket"):
        if "public_access_prevention" in values:
            assert values["public_access_prevention"] == "enforced"
            assert values["uniform_bucket_level_access"] is True


def test_each_backend_fits_a_serverless_group(plan: Plan) -> None:
    unknown = {
        change["address"]: change["change"]["after_unknown"]
        for change in plan.content["resource_changes"]
    }
    backends = list(plan.resources("google_compute_backend_service"))
    assert len(backends) == 2
    for address, values in backends:
        assert values["load_balancing_scheme"] == "EXTERNAL_MANAGED"
        assert values["compression_mode"] == "DISABLED"
        # Left to Google: a value of ours would be refused.
        assert values.get("timeout_sec") is None
        assert unknown[address]["security_policy"] is True


def test_every_backend_takes_the_policy_from_cloud_armor(plan: Plan) -> None:
    resources = plan.content["configuration"]["root_module"]["resources"]
    (backend,) = [r for r in resources if r["type"] == "google_compute_backend_service"]
    named = backend["expressions"]["security_policy"]["references"]
    assert "google_compute_security_policy.this" in named


def test_tls_is_modern_and_plain_http_is_redirected(plan: Plan) -> None:
    policy = one(plan, "google_compute_ssl_policy.this[0]")
    assert (policy["profile"], policy["min_tls_version"]) == ("MODERN", "TLS_1_2")
    redirect = one(plan, "google_compute_url_map.redirect[0]")["default_url_redirect"][0]
    assert redirect["https_redirect"] is True
    ports = {v["port_range"] for _, v in plan.resources("google_compute_global_forwarding_rule")}
    assert ports == {"80", "443"}


def test_armor_has_a_default_rule_and_one_rule_a_priority(plan: Plan) -> None:
    rules = one(plan, "google_compute_security_policy.this[0]")["rule"]
    priorities = [rule["priority"] for rule in rules]
    assert max(priorities) == 2**31 - 1
    assert len(priorities) == len(set(priorities))


def test_armor_never_bans_the_uptime_checkers(plan: Plan) -> None:
    rules = one(plan, "google_compute_security_policy.this[0]")["rule"]
    (ban,) = [rule for rule in rules if rule["action"] == "rate_based_ban"]
    path = one(plan, "google_monitoring_uptime_check_config.health")["http_check"][0]["path"]
    assert path == "/health"
    expression = ban["match"][0]["expr"][0]["expression"]
    assert expression == "!request.path.startsWith('/health')"


def test_both_functions_can_be_told_the_same_limits_as_cloud_run(plan: Plan) -> None:
    values = one(plan, 'google_cloudfunctions2_function.this["chat"]')["service_config"][0]
    environment = plan.environment("chat")
    assert environment["MAX_STREAMS"] == str(values["max_instance_request_concurrency"])
    assert environment["MAX_INSTANCES"] == str(values["max_instance_count"])


def test_the_framework_cannot_silence_the_log(plan: Plan) -> None:
    # Left out, Google sets it to true.
    for function in ("chat", "health"):
        assert plan.environment(function)["LOG_EXECUTION_ID"] == "false"


def test_secrets_reach_the_functions_by_name_only(plan: Plan) -> None:
    for function in ("chat", "health"):
        environment = plan.environment(function)
        names = {name for name in environment if "KEY" in name}
        assert all(name.endswith("_SECRET") for name in names)
        assert all(environment[name].endswith("/versions/latest") for name in names)
