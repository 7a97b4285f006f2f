"""What an answer stands on."""

from dataclasses import dataclass

from docchat.core.models import Passage
from docchat.core.wording import Wording


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer stands on, and what is said where it cannot stand.

    Attributes:
        passages: what the model was given.
        wording: docchat's own words.
        link_hosts: hosts that it may link to, besides those of the passages.
    """

    passages: tuple[Passage, ...]
    wording: Wording
    link_hosts: frozenset[str] = frozenset()
