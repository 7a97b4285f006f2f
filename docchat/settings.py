"""Typed settings, parsed once from a mapping of variables.

A value that is wrong is refused with its variable's name and what to set. A value that is
missing is refused where it is needed, so that `/health` can say so and the rest still works.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from docchat.errors import Misconfigured
from docchat.setting_types import (
    GS_PREFIX,
    MANIFEST_SUFFIX,
    PATH_PREFIX,
    BaseUrl,
    ChatKitStore,
    ChatMode,
    EmulatorUrl,
    LinkHosts,
    Origins,
    QdrantHost,
    Quantization,
    SecretVersion,
    StarterQuestions,
    Switch,
    Wordings,
)


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

    qdrant_host: QdrantHost | None = None
    qdrant_api_key: SecretStr | None = None
    qdrant_api_key_secret: SecretVersion | None = None
    qdrant_collection_name: str = Field(default="docs", pattern=r"^[A-Za-z0-9_-]{1,100}$")

    index_refresh_s: float = Field(default=45, ge=1, le=3600)
    index_lease_s: float = Field(default=15, ge=1, le=3600)
    index_patience_s: float = Field(default=60, ge=0, le=3600)
    index_shards: int = Field(default=1, ge=1, le=1000)
    index_replicas: int = Field(default=1, ge=1, le=100)
    index_quantization: Quantization = Quantization.NONE
    index_on_disk: Switch = Switch.OFF

    secret_manager_base_url: EmulatorUrl | None = None
    storage_base_url: EmulatorUrl | None = None
    secret_ttl_s: float = Field(default=300, gt=0, le=86_400)

    allowed_origins: Origins = frozenset()
    site_name: str = Field(default="this documentation", max_length=100, pattern=r"^[^\r\n]+$")
    site_url: BaseUrl | None = None
    site_rules: str = Field(default="", max_length=2000)
    link_hosts: LinkHosts = frozenset()
    wordings: Wordings = {}

    chat_mode: ChatMode = ChatMode.FULL
    starter_questions: StarterQuestions = ()
    context_chars: int = Field(default=8000, ge=1000, le=100_000)
    abstain_below: float = Field(default=0.0, ge=0.0, le=1.0)
    cache_s: float = Field(default=0, ge=0, le=86_400)

    answer_deadline_s: float = Field(default=55, gt=0, le=3600)
    first_token_deadline_s: float = Field(default=12, gt=0, le=3600)
    embed_timeout_s: float = Field(default=3, gt=0, le=60)
    search_timeout_s: float = Field(default=2, gt=0, le=60)
    generate_timeout_s: float = Field(default=8, gt=0, le=60)
    idle_timeout_s: float = Field(default=15, gt=0, le=60)

    api_key: SecretStr | None = None
    api_key_secret: SecretVersion | None = None

    chatkit: Switch = Switch.OFF
    chatkit_store: ChatKitStore = ChatKitStore.REQUEST
    chatkit_retention_days: int = Field(default=30, ge=1, le=3650)

    mcp: Switch = Switch.OFF

    forwarded_for_entry: int = Field(default=0, ge=0, le=10)
    rate_limit_per_minute: int = Field(default=20, ge=0, le=100_000)
    rate_limit_burst: int = Field(default=10, ge=1, le=100_000)
    max_streams: int = Field(default=80, ge=1, le=10_000)
    daily_token_budget: int = Field(default=0, ge=0)
    max_instances: int = Field(default=1, ge=1, le=10_000)
    price_input_per_million: float = Field(default=0.75, ge=0.0)
    price_output_per_million: float = Field(default=3.75, ge=0.0)
    price_embedding_per_million: float = Field(default=0.15, ge=0.0)
    log_questions: Switch = Switch.OFF

    @model_validator(mode="after")
    def _parts_fit_into_the_whole(self) -> Self:
        for name in ("first_token_deadline_s", "idle_timeout_s"):
            if getattr(self, name) > self.answer_deadline_s:
                raise ValueError(f"{name.upper()} must not be more than ANSWER_DEADLINE_S")
        return self

    @model_validator(mode="after")
    def _threads_have_a_server(self) -> Self:
        no_server = self.index_folder is not None or self.index_address is not None
        if self.chatkit_store is ChatKitStore.QDRANT and no_server:
            raise ValueError(
                "CHATKIT_STORE=qdrant needs a Qdrant server, which every instance can reach: set"
                " QDRANT_HOST to its https:// URL, or CHATKIT_STORE=request"
            )
        return self

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
                "QDRANT_HOST is not set: give path:FOLDER for an index on disk, gs://BUCKET/FOLDER"
                " for one that was published, or the https:// URL of a Qdrant server"
            )
        if missing:
            raise Misconfigured("; ".join(missing))

    @property
    def index_folder(self) -> Path | None:
        """Where the index on disk lives, or None where it is none."""
        host = self.qdrant_host or ""
        return Path(host.removeprefix(PATH_PREFIX)) if host.startswith(PATH_PREFIX) else None

    @property
    def index_address(self) -> str | None:
        """Where artifacts of the index lie, `gs://…` or `https://…`; None where there are none."""
        host = self.qdrant_host or ""
        if host.startswith(GS_PREFIX):
            return f"{host}/{self.qdrant_collection_name}"
        return host.removesuffix(MANIFEST_SUFFIX) if host.endswith(MANIFEST_SUFFIX) else None


def _explain(error: ErrorDetails) -> str:
    text = error["msg"].removeprefix("Value error, ")
    name, *inside = (str(part) for part in error["loc"] or ("",))
    where = f" at {'.'.join(part for part in inside if part != '[key]')}" if inside else ""
    return f"{name.upper()}{where} {text}".strip()


def environment(dotenv: Path = Path(".env")) -> dict[str, str]:
    """The process's environment over the `.env` file in the working folder, if there is one."""
    from_file = {key: value for key, value in dotenv_values(dotenv).items() if value is not None}
    return from_file | dict(os.environ)
