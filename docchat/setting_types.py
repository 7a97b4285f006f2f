"""The kinds of values that settings have; each refusal says what to set."""

import json
import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from docchat.core.wording import Wording

PATH_PREFIX = "path:"
"""Before the folder of an index on disk."""

GS_PREFIX = "gs://"
"""Before the bucket of an artifact."""

MANIFEST_SUFFIX = "/manifest.json"
"""At the end of the address of an artifact on a web server; a Qdrant server's has no such end."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECRET_VERSION = re.compile(r"projects/[^/]+/secrets/[^/]+/versions/[^/]+")
_HOST = re.compile(r"[a-z0-9._-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?", re.IGNORECASE)
_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9](?:/[A-Za-z0-9._-]+)*/?")
_LINK_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d+)?")


def _is_safe_url(value: str) -> bool:
    """An https URL, or plain http to this machine."""
    url = urlsplit(value)
    plain = not (url.query or url.fragment or "@" in url.netloc) and _HOST.fullmatch(url.netloc)
    plain_but_local = url.scheme == "http" and url.hostname in _LOOPBACK
    return bool(plain) and _port_is_valid(value) and (url.scheme == "https" or plain_but_local)


def _port_is_valid(value: str) -> bool:
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False


def _base_url(value: str) -> str:
    if not _is_safe_url(value):
        raise ValueError("must be an https:// URL (plain http:// only to this machine)")
    return value.rstrip("/")


def _emulator_url(value: str) -> str:
    if urlsplit(value).scheme != "http" or not _is_safe_url(value):
        raise ValueError("must be the http:// URL of an emulator on this machine")
    return value.rstrip("/")


def _qdrant_host(value: str) -> str:
    if value.startswith(PATH_PREFIX) and len(value) > len(PATH_PREFIX):
        return value
    if not (_BUCKET.fullmatch(value) or _is_safe_url(value)):
        raise ValueError(
            "must be path:FOLDER for an index on disk, gs://BUCKET/FOLDER or"
            " https://HOST/…/manifest.json for one that was published, or the https:// URL of a"
            " Qdrant server (plain http:// only to this machine)"
        )
    return value.rstrip("/")


def _secret_version(value: str) -> str:
    if not _SECRET_VERSION.fullmatch(value):
        raise ValueError("must look like projects/PROJECT/secrets/NAME/versions/latest")
    return value


def _origin(value: str) -> str:
    url = urlsplit(value)
    is_host = _HOST.fullmatch(url.netloc) and _port_is_valid(value)
    known = url.scheme in {"http", "https"} and is_host
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


def _link_host(value: str) -> str:
    if not _LINK_HOST.fullmatch(value) or not _port_is_valid(f"https://{value}"):
        raise ValueError(
            "must list hosts such as github.com, separated by commas, in lower case and without"
            " https://, a path or a wildcard"
        )
    return value


def _lines(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split("|") if part.strip())


def _json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('must be JSON such as {"de": {"not_found": "…"}}') from None


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return frozenset(part.strip() for part in value.split(",") if part.strip())


class ChatMode(StrEnum):
    """What the chat does; the operator's switch."""

    FULL = "full"
    SEARCH = "search"
    OFF = "off"


class ChatKitStore(StrEnum):
    """Where ChatKit's threads are: nowhere but in the request, or in the Qdrant server."""

    REQUEST = "request"
    QDRANT = "qdrant"


class Quantization(StrEnum):
    """How vectors are kept; `int8` and `binary` by a Qdrant server alone."""

    NONE = "none"
    FLOAT16 = "float16"
    INT8 = "int8"
    BINARY = "binary"


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


StarterQuestion = Annotated[str, StringConstraints(max_length=200)]
Origin = Annotated[str, AfterValidator(_origin)]
LinkHost = Annotated[str, AfterValidator(_link_host)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
SecretVersion = Annotated[str, AfterValidator(_secret_version)]
Origins = Annotated[frozenset[Origin], BeforeValidator(_split)]
LinkHosts = Annotated[frozenset[LinkHost], BeforeValidator(_split)]
QdrantHost = Annotated[str, AfterValidator(_qdrant_host)]
EmulatorUrl = Annotated[str, AfterValidator(_emulator_url)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})?$")]
Wordings = Annotated[dict[Language, Wording], BeforeValidator(_json)]
StarterQuestions = Annotated[tuple[StarterQuestion, ...], BeforeValidator(_lines)]
