"""The operator's table of alerts has Terraform's alerts. Needs no terraform."""

import re

from tests.servers import ROOT

ALERTS = (ROOT / "infra/terraform/alerts.tf").read_text()
PAGE = (ROOT / "docs/operations.md").read_text()


def titles() -> set[str]:
    """What each alert is called, without the deployment's name in front."""
    own = re.findall(r'display_name\s+= "\$\{var\.name\}: ([^"$]+)"', ALERTS)
    shared = re.findall(r'^ {6}title\s+= "([^"]+)"', ALERTS, flags=re.MULTILINE)
    return {title for title in own if title not in {"e-mail", "/health"}} | set(shared)


def test_every_alert_has_its_row_and_no_row_is_of_nothing() -> None:
    section = PAGE.split("{#alerts}\n", 1)[1].split("\n## ", 1)[0]
    rows = set(re.findall(r"^\| ([^|]+?) \|", section, flags=re.MULTILINE)) - {"alert", "---"}
    assert len(titles()) == 6
    assert rows - {"---"} == titles()


def test_every_policy_is_one_of_those() -> None:
    policies = re.findall(r'resource "google_monitoring_alert_policy" "(\w+)"', ALERTS)
    assert policies == ["health", "misconfigured", "this"]
