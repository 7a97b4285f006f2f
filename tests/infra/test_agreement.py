"""Terraform, the settings, the log and the documents tell one story. Needs no terraform."""

import re
import tomllib
from pathlib import Path

import pytest

from docchat.settings import Settings
from tests.servers import ROOT

TERRAFORM = ROOT / "infra/terraform"
FILES = sorted(TERRAFORM.glob("*.tf"))
README = (TERRAFORM / "README.md").read_text()

# Settings that a deployment by Terraform never has, and why.
NOT_DEPLOYED = {
    "API_KEY": "in the cloud a key comes from Secret Manager",
    "GEMINI_API_KEY": "in the cloud a key comes from Secret Manager",
    "GEMINI_BASE_URL": "for the emulator",
    "INDEX_LEASE_S": "only the indexer uses it",
    "INDEX_ON_DISK": "only the indexer uses it",
    "INDEX_PATIENCE_S": "only the indexer uses it",
    "INDEX_QUANTIZATION": "only the indexer uses it",
    "INDEX_REPLICAS": "only the indexer uses it",
    "INDEX_SHARDS": "only the indexer uses it",
    "PRICE_EMBEDDING_PER_MILLION": "only the indexer uses it",
    "QDRANT_API_KEY": "in the cloud a key comes from Secret Manager",
    "SECRET_MANAGER_BASE_URL": "for the emulator",
    "SITE_URL": "only the indexer uses it",
    "STORAGE_BASE_URL": "for the emulator",
}


def code(path: Path) -> str:
    """The file without comments."""
    return re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE)


ALL_CODE = "\n".join(code(path) for path in FILES)


def blocks(kind: str, file: str) -> dict[str, str]:
    """Name → body of each block, in the file's order."""
    pattern = rf'^{kind} "(\w+)" {{\n(.*?)^}}$'
    found = re.findall(pattern, (TERRAFORM / file).read_text(), re.MULTILINE | re.DOTALL)
    return dict(found)


def table(heading: str) -> list[str]:
    """The names in the first column of the README's table under a heading."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


VARIABLES = blocks("variable", "variables.tf")
REQUIRED = {name for name, body in VARIABLES.items() if "\n  default" not in body}
SECRETS = {"api_key", "gemini_api_key", "qdrant_api_key"}


def test_terraform_knows_every_setting_and_no_other() -> None:
    text = code(TERRAFORM / "settings.tf")
    listed = set(re.findall(r'"([A-Z][A-Z_]+)",', text))
    derived = text.split("deployment_settings = {")[1].split("}\n")[0]
    computed = set(re.findall(r"^\s+([A-Z][A-Z_]+) +=", derived, flags=re.MULTILINE))
    secrets = {f"{name.upper()}_SECRET" for name in SECRETS}
    known = {name.upper() for name in Settings.model_fields}
    assert listed | computed | secrets | set(NOT_DEPLOYED) == known
    assert not listed & (computed | set(NOT_DEPLOYED))


def test_the_readme_lists_every_variable_and_output() -> None:
    assert table("Inputs") == list(VARIABLES)
    assert table("Outputs") == list(blocks("output", "outputs.tf"))


def test_variables_and_outputs_are_in_the_order_of_the_alphabet() -> None:
    for names in (list(VARIABLES), list(blocks("output", "outputs.tf"))):
        assert names == sorted(names)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_is_described_and_typed(name: str) -> None:
    assert re.search(r"^  description = \"\S", VARIABLES[name], re.MULTILINE)
    assert re.search(r"^  type +=", VARIABLES[name], re.MULTILINE)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_is_ephemeral_and_sensitive(name: str) -> None:
    assert re.search(r"^  ephemeral +?= true$", VARIABLES[name], re.MULTILINE)
    assert re.search(r"^  sensitive +?= true$", VARIABLES[name], re.MULTILINE)


def test_the_example_sets_what_is_required_and_no_secret() -> None:
    example = (TERRAFORM / "terraform.tfvars.example").read_text()
    given = set(re.findall(r"^(\w+) +=", example, flags=re.MULTILINE))
    assert given >= REQUIRED == {"project_id"}
    assert not given & SECRETS


@pytest.mark.parametrize(
    "never",
    [
        r"secret_data\s+=",
        r"\btimeout_sec\b",
        r"google-beta",
        r"service_account_key",
        r"prevent_destroy",
        r"local-exec|remote-exec|\bexternal\b\"",
        r"random_",
        r"http://169",
    ],
)
def test_the_configuration_never_has(never: str) -> None:
    assert not re.search(never, ALL_CODE)


def test_only_a_secrets_versions_are_left_to_their_parent_on_destroy() -> None:
    assert re.findall(r"deletion_policy\s+= (.*)", ALL_CODE) == ['"ABANDON"']


def test_the_default_deadline_is_docchats() -> None:
    default = Settings.model_fields["answer_deadline_s"].default
    assert f'lookup(var.settings, "ANSWER_DEADLINE_S", "{default:g}")' in VARIABLES["chat"]


def test_the_default_runtime_is_the_python_of_the_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tested = project["tool"]["mypy"]["python_version"].replace(".", "")
    assert f'default     = "python{tested}"' in VARIABLES["runtime"]


def test_every_field_that_a_metric_reads_is_a_documented_field_of_the_log() -> None:
    text = code(TERRAFORM / "metrics.tf")
    fields = {
        f for group in re.findall(r"labels +?= \[(.*)\]", text) for f in re.findall(r"\w+", group)
    }
    fields |= set(re.findall(r"^    (\w+) += \{ unit", text, flags=re.MULTILINE))
    assert {"first_event_ms", "outcome", "thumb"} <= fields
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs/logging.md").read_text()))
    assert fields <= documented


def test_every_skipped_check_says_why() -> None:
    skips = re.findall(r"checkov:skip=(\w+):?(.*)", "\n".join(p.read_text() for p in FILES))
    assert skips
    assert all(len(reason.split()) >= 5 for _, reason in skips)


def test_no_lock_file_of_a_stand_in_can_be_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".terraform/", ".terraform.lock.hcl", "*.tfstate*", "build/", "*.tfvars"} <= set(
        ignored
    )


def test_every_relative_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", README):
        assert (TERRAFORM / target).exists(), target
