"""Which addresses of a Qdrant server are asked, and where a key may go."""

import ipaddress
from urllib.parse import urlsplit

from docchat.errors import Misconfigured

PORT = 6333
"""A server's, unless its URL names another, as qdrant-client has it."""


def check_address(url: str, *, with_key: bool) -> None:
    """Raises `Misconfigured` when the URL is none, or a key would go over plain http."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misconfigured("QDRANT_HOST must be the https:// URL of a Qdrant server")
    if with_key and parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Misconfigured("QDRANT_HOST must be https://: QDRANT_API_KEY would go in clear text")


def rest_address(url: str) -> str:
    """Where the REST API begins."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or PORT}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
