"""Gemini's faults before and during an answer: G1 to G21, G28 to G30, G34."""

from emulators.faults import Fault
from emulators.gemini import refusals
from emulators.gemini.script import embedding
from emulators.wire import WireFault
from tests.faults.bench import ANSWER_S, IDLE_S, Server
from tests.faults.gemini_table import (
    EMBED,
    GENERATE,
    TRACE,
    Break,
    answer_of,
    answers,
    answers_once,
    broken,
    fault,
    recovers,
    refused,
)
from tests.faults.rows import Row

_TRUNCATED, _BAD, _TIMEOUT = "upstream-truncated", "upstream-bad-response", "upstream-timeout"
_BUSY, _OUR_SETUP = "upstream-busy", "assistant-unavailable"

_LONG_S = 60.0
_MIDDLE = 900
"""Bytes after which the first piece of an answer has passed, and not all of it."""

_EVENT_END = "\r\n\r\n"
_ERROR = f'{{"error": {{"code": 503, "message": "{TRACE}", "status": "UNAVAILABLE"}}}}'
_OVERLOADED = f"data: {_ERROR}{_EVENT_END}"
_BAD_JSON = f"data: {{bad {TRACE}{_EVENT_END}"
_PAGE = f"<html><body>{TRACE}</body></html>{_EVENT_END}"


_STALL = WireFault("stall", at=_MIDDLE)
_DRIP = WireFault("drip", at=_MIDDLE, seconds=0.05)


def _wire(planned: WireFault, times: int | None = None) -> Break:
    """Plans a fault of the wire, while the model answers."""

    def break_(server: Server) -> None:
        server.faults.add(GENERATE, answer_of())
        server.wire.add(f"*:{GENERATE}*", planned, times=times)

    return break_


def _paused(pause_s: float, pieces: int, **script: object) -> Break:
    pauses = {"pause_s": pause_s, "pause_from": pieces}
    return fault(GENERATE, answer_of(**script).model_copy(update=pauses))


def _twice(
    id_: str, what: str, reply: Fault, slug: str, calls: int = 1, *, retry_after: str | None = None
) -> list[Row]:
    """The same refusal of an embedding and of an answer."""
    return [
        refused(id_, f"{what}: {stage}", fault(method, reply), slug, calls, retry_after=retry_after)
        for stage, method in (("embedding", EMBED), ("answer", GENERATE))
    ]


def _once(id_: str, what: str, reply: Fault, method: str = GENERATE, least_s: float = 0.0) -> Row:
    return recovers(id_, what, fault(method, reply, times=1), least_s=least_s)


def _too_long(what: str, method: str) -> Row:
    """RetryInfo asks for more time than there is: the caller is told, and at once."""
    break_ = fault(method, refusals.out_of_quota("30.2s", per_day=True))
    return refused("G7", what, break_, _BUSY, 1, within_s=0.0, retry_after="31")


_ENDLESS = _paused(0.1, 0, after=3, endless=True)

STATUSES = [
    *_twice("G1", "400 INVALID_ARGUMENT", refusals.invalid_argument(TRACE), _BAD),
    *_twice("G2", "400 API_KEY_INVALID", refusals.key_not_valid(), _OUR_SETUP),
    *_twice("G3", "400 for the region", refusals.region_not_supported(), _OUR_SETUP),
    *_twice("G4", "401 UNAUTHENTICATED", refusals.unauthenticated(), _OUR_SETUP),
    *_twice("G5", "403 for a leaked key", refusals.leaked_key(), _OUR_SETUP),
    *_twice("G6", "404 for the model", refusals.model_not_found("m"), _OUR_SETUP),
    _too_long("429 with a RetryInfo that does not fit: embedding", EMBED),
    _too_long("429 with a RetryInfo that does not fit: answer", GENERATE),
    _once("G7", "429 with a RetryInfo that fits", refusals.out_of_quota("1.2s"), least_s=1.2),
    *_twice("G8", "429 with a link alone", refusals.out_of_quota(), _BUSY, 2, retry_after="30"),
    _once("G8", "429 with a link alone", refusals.out_of_quota()),
    *_twice("G9", "500", refusals.internal(TRACE), _BAD, 3),
    _once("G9", "500", refusals.internal(TRACE)),
    *_twice("G10", "503 overloaded", refusals.overloaded(), _BUSY, 3, retry_after="30"),
    _once("G10", "503 overloaded", refusals.overloaded()),
    *_twice("G11", "504", refusals.deadline_exceeded(), _TIMEOUT, 3),
    _once("G11", "504", refusals.deadline_exceeded()),
    *_twice("G12", "502 with a page", refusals.bad_gateway(TRACE), _BAD, 3),
    _once("G12", "502 with a page", refusals.bad_gateway(TRACE)),
]

WIRE = [
    refused("G14", "reset before the first byte", _wire(WireFault("reset")), _BAD, 3),
    recovers("G14", "reset before the first byte", _wire(WireFault("reset"), times=1)),
    refused("G15", "closed before the reply", _wire(WireFault("close")), _BAD, 3),
    refused("G15", "closed in the reply's head", _wire(WireFault("close", at=60)), _BAD, 3),
    recovers("G15", "closed before the reply", _wire(WireFault("close"), times=1)),
    refused("G16", "slow first byte: embedding", fault(EMBED, Fault(delay_s=_LONG_S)), _TIMEOUT),
    refused("G16", "slow first byte: answer", fault(GENERATE, Fault(delay_s=_LONG_S)), _TIMEOUT),
    refused("G16", "black hole", _wire(WireFault("stall")), _TIMEOUT),
    _once("G16", "slow first byte", Fault(delay_s=_LONG_S)),
    broken("G17", "stall between pieces", _paused(_LONG_S, 2), _TIMEOUT, within_s=IDLE_S),
    broken("G17", "stall in a piece", _wire(_STALL), _TIMEOUT, within_s=IDLE_S),
    broken("G18", "never ends", _ENDLESS, _TIMEOUT, within_s=ANSWER_S),
    broken("G18", "byte by byte", _wire(_DRIP), _TIMEOUT, within_s=ANSWER_S),
    broken("G19", "reset in the middle", _wire(WireFault("reset", at=_MIDDLE)), _TRUNCATED),
    broken("G19", "unterminated", _wire(WireFault("close", at=_MIDDLE)), _TRUNCATED),
]

CONTENT = [
    broken("G20", "clean end, no finish reason", answers(after=99), _TRUNCATED),
    refused("G20", "the same without text", answers(after=0, chunks=[{}]), _BAD, 2),
    recovers("G20", "the same without text", answers_once(after=0, chunks=[{}])),
    refused("G21", "no events at all", answers(after=0), _BAD, 2),
    recovers("G21", "no events at all", answers_once(after=0)),
    broken("G28", "bad JSON in the stream", answers(after=3, raw=_BAD_JSON), _BAD),
    broken("G28", "a page in the stream", answers(after=3, raw=_PAGE), _BAD),
    refused("G28", "bad JSON as the stream", answers(after=0, raw=_BAD_JSON), _BAD, 3),
    refused("G28", "a page as the stream", answers(after=0, raw=_PAGE), _BAD, 3),
    broken("G29", "an error in the stream", answers(after=3, raw=_OVERLOADED), _BUSY),
    refused("G29", "an error as the stream", answers(after=0, raw=_OVERLOADED), _BUSY, 3),
    refused("G30", "no JSON", fault(EMBED, Fault(status=200, body=f"{{bad {TRACE}")), _BAD, 3),
    _once("G30", "no JSON", Fault(status=200, body="{bad"), EMBED),
    refused("G34", "too few vectors", fault(EMBED, embedding(missing=1)), _BAD, 2),
    refused("G34", "vectors of another length", fault(EMBED, embedding(dimension=5)), _BAD, 2),
    refused("G34", "vectors of NaN", fault(EMBED, embedding(value="NaN")), _BAD, 2),
    _once("G34", "vectors of NaN", embedding(value="NaN"), EMBED),
]

ROWS = [*STATUSES, *WIRE, *CONTENT]
