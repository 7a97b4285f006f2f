"""Typed settings, parsed once from a mapping of variables.

A value that is wrong is refused with its variable's name and what to set. A value that is
missing is refused where it is needed, so that `/health` can say so and the rest still works.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from docchat.errors import Misconfigured

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECRET_VERSION = re.compile(r"projects/[^/]+/secrets/[^/]+/versions/[^/]+")
_PATH_PREFIX = "path:"
_HOST = re.compile(r"[a-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?")


def _is_safe_url(value: str) -> bool:
    """An https URL, or plain http to this machine."""
    url = urlsplit(value)
    plain_but_local = url.scheme == "http" and url.hostname in _LOOPBACK
    return bool(url.hostname) and (url.scheme == "https" or plain_but_local)


def _base_url(value: str) -> str:
    if not _is_safe_url(value):
        raise ValueError("must be an https:// URL (plain http:// only to this machine)")
    return value.rstrip("/")


def _emulator_url(value: str) -> str:
    if urlsplit(value).scheme != "http" or not _is_safe_url(value):
        raise ValueError("must be the http:// URL of an emulator on this machine")
    return value.rstrip("/")


def _qdrant_host(value: str) -> str:
    if value.startswith(_PATH_PREFIX) and len(value) > len(_PATH_PREFIX):
        return value
    if not _is_safe_url(value):
        raise ValueError(
            "must be path:FOLDER for an index on disk, or the https:// URL of a Qdrant server"
            " (plain http:// only to this machine)"
        )
    return value.rstrip("/")


def _secret_version(value: str) -> str:
    if not _SECRET_VERSION.fullmatch(value):
        raise ValueError("must look like projects/PROJECT/secrets/NAME/versions/latest")
    return value


def _origin(value: str) -> str:
    url = urlsplit(value)
    known = url.scheme in {"http", "https"} and _HOST.fullmatch(url.netloc)
    if not known or value != _origin_of(value):
        raise ValueError(
            "must list exact origins such as https://docs.example.com, separated by commas,"
            " in lower case and without a path, a wildcard or a default port"
        )
    return value


def _origin_of(value: str) -> str:
    url = urlsplit(value)
    default = {"http": ":80", "https": ":443"}[url.scheme]
    return f"{url.scheme}://{url.netloc.rpartition('@')[2].removesuffix(default).lower()}"


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return frozenset(part.strip() for part in value.split(",") if part.strip())


Origin = Annotated[str, AfterValidator(_origin)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
SecretVersion = Annotated[str, AfterValidator(_secret_version)]


class Settings(BaseModel):
    """Every setting, under the name of its variable in lower case.

    `.env.example` and `docs/configuration.md` describe each one; a test compares the three.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    gemini_api_key: SecretStr | None = None
    gemini_api_key_secret: SecretVersion | None = None
    gemini_base_url: BaseUrl | None = None
    embedding_model: str = "gemini-embedding-001"
    embedding_dimension: int = Field(default=768, ge=128, le=3072)
    generative_model: str = "gemini-3.8-flash"
    max_output_tokens: int = Field(default=2048, ge=64, le=8192)

    qdrant_host: Annotated[str, AfterValidator(_qdrant_host)] | None = None
    qdrant_api_key: SecretStr | None = None
    qdrant_api_key_secret: SecretVersion | None = None
    qdrant_collection_name: str = Field(default="docs", pattern=r"^[A-Za-z0-9_-]{1,100}$")

    secret_manager_base_url: Annotated[str, AfterValidator(_emulator_url)] | None = None

    allowed_origins: Annotated[frozenset[Origin], BeforeValidator(_split)] = frozenset()
    site_name: str = Field(default="this documentation", max_length=100)
    site_url: BaseUrl | None = None

    context_chars: int = Field(default=8000, ge=1000, le=100_000)
    abstain_below: float = Field(default=0.0, ge=0.0, le=1.0)

    @classmethod
    def from_mapping(cls, variables: Mapping[str, str]) -> Self:
        """Parse the variables this class knows; blank ones count as not set.

        Raises:
            Misconfigured: names every variable that is wrong and what to set.
        """
        given: dict[str, Any] = {
            field: value.strip()
            for field in cls.model_fields
            if (value := variables.get(field.upper(), "")).strip()
        }
        try:
            return cls.model_validate(given)
        except ValidationError as exc:
            # Without the cause: pydantic's own text may hold what was given.
            raise Misconfigured("; ".join(map(_explain, exc.errors()))) from None

    def require_complete(self) -> None:
        """Check that everything is set without which no question can be answered.

        Raises:
            Misconfigured: names every variable that is missing and what to set.
        """
        missing = []
        if self.gemini_api_key is None and self.gemini_api_key_secret is None:
            missing.append(
                "GEMINI_API_KEY is not set: give a Gemini API key, or in the cloud"
                " GEMINI_API_KEY_SECRET=projects/PROJECT/secrets/NAME/versions/latest"
            )
        if self.qdrant_host is None:
            missing.append(
                "QDRANT_HOST is not set: give path:FOLDER for an index on disk, or the https://"
                " URL of a Qdrant server"
            )
        if missing:
            raise Misconfigured("; ".join(missing))

    @property
    def index_folder(self) -> Path | None:
        """Where the index on disk lives, or None for a Qdrant server."""
        host = self.qdrant_host or ""
        return Path(host.removeprefix(_PATH_PREFIX)) if host.startswith(_PATH_PREFIX) else None


def _explain(error: ErrorDetails) -> str:
    variable = str(error["loc"][0]).upper()
    return f"{variable} {error['msg'].removeprefix('Value error, ')}"


def environment(dotenv: Path = Path(".env")) -> dict[str, str]:
    """The process's environment over the `.env` file in the working folder, if there is one."""
    from_file = {key: value for key, value in dotenv_values(dotenv).items() if value is not None}
    return from_file | dict(os.environ)
