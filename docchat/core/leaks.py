"""Finds text that looks like a secret, so that an author learns of it before a visitor does."""

import re
from collections.abc import Iterator

_KINDS = {
    "Google API key": r"AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])",
    "AWS access key": r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Z])",
    "GitHub token": r"(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60})",
    "Slack token": r"xox[abeprs]-[0-9A-Za-z-]{20}",
    "Stripe key": r"[rs]k_live_[0-9A-Za-z]{24}",
    "Anthropic or OpenAI key": r"sk-(?:ant-|proj-)[0-9A-Za-z_-]{32}",
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
}
_NAMES = list(_KINDS)
_SECRET = re.compile(rf"(?<![0-9A-Za-z])(?:{'|'.join(f'({kind})' for kind in _KINDS.values())})")
_BEGINNINGS = (
    *("AIza", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox"),
    *("k_live_", "sk-ant-", "sk-proj-", "PRIVATE KEY"),
)


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """The line, from 1, and the kind of everything that has the form of a well-known secret.

    The forms are those that the services publish for secret scanning. The secret itself is not
    given, so that it cannot get into a log.
    """
    if not any(beginning in text for beginning in _BEGINNINGS):
        return
    for found in _SECRET.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, _NAMES[(found.lastindex or 1) - 1]
