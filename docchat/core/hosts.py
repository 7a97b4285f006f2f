"""Which addresses an answer may link to."""

import re
from collections.abc import Collection

_ADDRESS = re.compile(
    r"https?://(?P<host>[a-z0-9.-]+(?::\d{1,5})?)(?P<rest>[/?#][\w.~:/?#@!$&'()*+,;=%-]*)?",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?:(?:https?:)?//|mailto:)(?P<place>[\w.@:+-]+)(?:[/?#].*)?", re.IGNORECASE)
_REFERENCE = re.compile(r"&#?\w+(?:;|\Z)")
_DEFAULT_PORT = re.compile(r":(?:80|443)$")


class Hosts:
    """The listed hosts, and the addresses on them."""

    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = frozenset(map(_normal, hosts))

    def __contains__(self, host: object) -> bool:
        return isinstance(host, str) and _normal(host) in self._hosts

    def address(self, url: str) -> str | None:
        """The URL in a form that every reader takes alike; None if it may lead elsewhere.

        Only plain http and https addresses pass: no user, no escapes, no relative address. What
        a browser or a renderer might read in another way is not understood but refused.
        """
        url = url.replace("&amp;", "&")
        parts = _ADDRESS.fullmatch(url)
        if parts is None or parts["host"] not in self or _REFERENCE.search(url):
            return None
        return url.replace("(", "%28").replace(")", "%29")


def host_of(url: str) -> str:
    """The host and port of an http or https address; empty for anything else."""
    parts = _ADDRESS.fullmatch(url)
    return parts["host"] if parts else ""


def place_of(url: str) -> str:
    """What to tell a reader of an address that is not linked: its host, or a mail address."""
    parts = _PLACE.fullmatch(url)
    return parts["place"] if parts else ""


def _normal(host: str) -> str:
    return _DEFAULT_PORT.sub("", host.lower())
