"""The import rule of docs/architecture.md, read off the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STDLIB = sys.stdlib_module_names

# Who may import whom, besides the standard library. The longest matching name counts.
RULE: dict[str, set[str]] = {
    "docchat.core": {"docchat.core", "pydantic"},
    "docchat.errors": {"pydantic"},
    "docchat.setting_types": {"docchat.core", "pydantic"},
    "docchat.settings": {
        "docchat.errors",
        "docchat.setting_types",
        "pydantic",
        "pydantic_core",
        "dotenv",
    },
    "docchat.limits": {"docchat.errors"},
    "docchat.logs": {"docchat.core.models", "docchat.errors"},
    "docchat.drain": {"uvicorn"},
    "docchat.prewarm": set(),
    "docchat.grounding": {"docchat.core", "docchat.errors"},
    "docchat.clients": {"docchat.core"},
    "docchat.deadlines": {"docchat.errors"},
    "docchat.retries": {"docchat.deadlines", "docchat.errors"},
    "docchat.upstream": {"docchat.clients", "docchat.core", "docchat.deadlines", "docchat.errors"}
    | {"docchat.retries", "docchat.turns"},
    "docchat.turns": set(),
    "docchat.answering": {
        "docchat.core",
        "docchat.errors",
        "docchat.grounding",
        "docchat.repeats",
        "docchat.upstream",
    },
    "docchat.repeats": {"cachetools", "docchat.clients", "docchat.core"},
    "docchat.indexing": {"docchat.core", "docchat.errors"},
    "docchat.tls": {"httpx2"},
    "docchat.providers.gemini": {"docchat.core", "docchat.errors", "docchat.tls"}
    | {"google", "httpx2", "pydantic"},
    "docchat.providers.qdrant": {
        "docchat.core",
        "docchat.errors",
        "docchat.tls",
        "qdrant_client",
        "httpx",
        "httpx2",
        "pydantic",
    },
    "docchat.providers.qdrant_edge": {"cachetools", "docchat.core", "docchat.errors"}
    | {"qdrant_edge"},
    "docchat.providers.secret_manager": {
        "docchat.core",
        "docchat.errors",
        "google",
        "google_crc32c",
        "pydantic",
        "requests",
    },
    "docchat.providers.artifact": {"docchat.core", "docchat.errors"}
    | {"google", "httpx2", "requests"},
    "docchat.providers.docs_site": {"docchat.core", "docchat.errors", "yaml"}
    | {"httpx2", "protego", "selectolax"},
    "docchat.web": {"docchat.core", "docchat.errors", "docchat.limits", "docchat.logs"}
    | {"pydantic", "starlette"},
    "docchat.web.chatkit": {"docchat.core", "docchat.errors", "docchat.logs", "docchat.web"}
    | {"anyio", "chatkit", "pydantic", "pydantic_core", "starlette"},
    "docchat.web.mcp": {"docchat.core", "docchat.errors", "docchat.web"}
    | {"mcp", "mcp_types", "pydantic", "starlette"},
    "docchat.rotation": {"pydantic"},
    "docchat.checked_index": {"docchat.core", "docchat.errors", "docchat.settings"}
    | {"docchat.providers"},
    "docchat.indexes": {"docchat.checked_index", "docchat.core", "docchat.errors", "pydantic"}
    | {"docchat.providers", "docchat.setting_types", "docchat.settings"},
    "docchat.runtime": {"docchat.errors", "docchat.indexes", "docchat.rotation", "docchat.tls"}
    | {"docchat.settings", "docchat.providers", "pydantic"},
    "docchat.readiness": {"docchat.errors", "docchat.logs", "docchat.runtime"},
    "docchat.optional_routes": {"docchat.errors", "docchat.setting_types", "docchat.settings"}
    | {"docchat.web", "starlette"},
    "docchat.service": {"docchat", "starlette"},
    "functions": {"docchat", "functions_framework", "starlette"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for folder in ("docchat", "functions"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports(path: Path) -> list[str]:
    return list(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            # `from docchat import logs` imports the module docchat.logs.
            bare = node.module in {"docchat", "docchat.web", "docchat.providers", "docchat.core"}
            yield from (f"{node.module}.{a.name}" if bare else str(node.module) for a in node.names)


def is_under(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def family(module: str) -> str | None:
    """The rule's name: a provider in several files (gemini_stream.py) is one family."""
    matches = [n for n in RULE if is_under(module, n) or module.startswith(f"{n}_")]
    return max(matches, key=len, default=None)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=str)
def test_a_module_imports_only_what_its_layer_may(module: str, path: Path) -> None:
    own = family(module)
    assert own is not None or not imports(path), f"{module} has no rule here"
    wrong = [
        name
        for name in imports(path)
        if name.partition(".")[0] not in STDLIB
        and not any(is_under(name, package) for package in RULE.get(own or "", ()))
        and family(name) != own
    ]
    assert not wrong, f"{path.relative_to(ROOT)} may not import {', '.join(wrong)}"


def test_no_package_of_ours_has_the_import_name_of_an_installed_one() -> None:
    # functions-framework appends the source folder to sys.path, so an installed one would win.
    installed = {
        path.name
        for entry in sys.path
        if "site-packages" in entry
        for path in Path(entry).iterdir()
    }
    assert not installed & {"docchat", "emulators", "scripts", "functions"}
