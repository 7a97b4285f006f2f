"""How Gemini ends an answer, well or not: G22 to G27, G31 to G33."""

from collections.abc import Callable

from google.genai import types

from emulators.gemini.chunks import Json, chunk_of
from tests.faults.gemini_table import (
    Break,
    answers,
    answers_once,
    broken,
    ends,
    never_answered,
    recovers,
    refused,
    withheld,
)
from tests.faults.rows import Row

_TRUNCATED, _BAD = "upstream-truncated", "upstream-bad-response"
_BLOCKING = [
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_RESPONSE",
    "MODEL_ARMOR",
]
_OTHERS = [
    reason.name
    for reason in types.FinishReason
    if reason.name not in {"STOP", "MAX_TOKENS", *_BLOCKING}
]
_BLOCKED = [reason.name for reason in types.BlockedReason if "UNSPECIFIED" not in reason.name]
_NO_CANDIDATES: Json = {"candidates": []}
_NO_PARTS: Json = {"candidates": [{"finishReason": "STOP", "index": 0}]}
_LATE = [chunk_of("LATE"), chunk_of("LATER", "STOP")]
_UNKNOWN = ["CONTINUATION", "A_NEW_ONE"]
_MOST_TEXT = 70_000
_UMLAUTS = ["Der Schlüssel 🔑 ", "heißt 錠. [1]"]


def _says_umlauts(text: str) -> bool:
    return "".join(_UMLAUTS) in text


def _says_nothing_late(text: str) -> bool:
    return "LATE" not in text


def _cut(id_: str, what: str, **script: object) -> Row:
    def holds(text: str) -> bool:
        return "cut off" in text and len(text) < _MOST_TEXT

    return ends(id_, what, answers(**script), "partial", "length", holds=holds)


def _blocked(id_: str, what: str, **script: object) -> Row:
    return ends(id_, what, answers(after=0, **script), "refused", "content_filter")


def _whole(id_: str, what: str, break_: Break, holds: Callable[[str], bool]) -> Row:
    return ends(id_, what, break_, "answered", "stop", holds=holds)


ROWS = [
    _cut("G22", "MAX_TOKENS", after=3, finish="MAX_TOKENS"),
    refused("G22", "MAX_TOKENS without text", answers(after=0, finish="MAX_TOKENS"), _BAD, 1),
    withheld("G23", "SAFETY after text", answers(after=3, finish="SAFETY")),
    *(withheld("G24", f"{r} after text", answers(after=3, finish=r)) for r in _BLOCKING[1:]),
    *(_blocked("G24", f"{r} before text", finish=r) for r in _BLOCKING),
    *(_blocked("G25", f"blockReason {r}", blocked=r) for r in [*_BLOCKED, "A_NEW_ONE"]),
    refused("G26", "candidates: []", answers(after=0, chunks=[_NO_CANDIDATES]), _BAD, 2),
    recovers("G26", "candidates: []", answers_once(after=0, chunks=[_NO_CANDIDATES])),
    refused("G26", "STOP without parts", answers(after=0, chunks=[_NO_PARTS]), _BAD, 2),
    recovers("G26", "STOP without parts", answers_once(after=0, chunks=[_NO_PARTS])),
    *(broken("G27", f"{r} after text", answers(after=3, finish=r), _TRUNCATED) for r in _UNKNOWN),
    *(refused("G27", f"{r} before text", answers(after=0, finish=r), _BAD, 2) for r in _UNKNOWN),
    *(never_answered("G27", r, answers(after=3, finish=r)) for r in _OTHERS),
    _cut("G31", "a piece of 5 MB", say=[5_000_000 * "x"]),
    _whole("G32", "UTF-8 split at each byte", answers(say=_UMLAUTS, split=1), _says_umlauts),
    _whole("G33", "text after STOP", answers(chunks=_LATE), _says_nothing_late),
]
