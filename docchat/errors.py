"""Every failure docchat knows, as one tree.

DocchatError
├── RequestError                what the caller sent cannot be served (4xx)
│   ├── MalformedJson           400
│   ├── Unauthorized            401
│   ├── OriginNotAllowed        403
│   ├── NotFound                404
│   ├── MethodNotAllowed        405
│   ├── NotAcceptable           406
│   ├── RequestTimeout          408
│   ├── BodyTooLarge            413
│   ├── UriTooLong              414
│   ├── UnsupportedMediaType    415
│   ├── InvalidRequest          422
│   ├── RateLimited             429
│   └── CallerLeft              499, which nobody is there to read
├── ServiceError                docchat or something behind it fails (5xx)
│   ├── UpstreamBadResponse     502
│   ├── UpstreamTruncated       502, or an in-stream error
│   ├── ContentFiltered         an in-stream error
│   ├── UpstreamBusy            503
│   ├── Overloaded              503
│   ├── SwitchedOff             503
│   ├── ShuttingDown            503, or an in-stream error
│   ├── IndexUnavailable        503
│   ├── AssistantUnavailable    503
│   │   ├── KeyRefused          an upstream refuses the key that we send
│   │   ├── Misconfigured       names the variable to set
│   │   └── SecretUnavailable   Secret Manager did not give a key
│   ├── NotReady                503, from /health alone
│   └── UpstreamTimeout         504
└── IndexingError               an index run that must not go on (command line only)
    ├── IndexLocked             another run holds the index
    └── IndexRefused            it would take away more than it was told to

`slug`, `title` and `detail` are public. The text given to the constructor is the
operator's: it goes to the log and to the command line, never to a visitor.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class DocchatError(Exception):
    """Base of the tree.

    Attributes:
        slug: stable name of the problem type; `docs/errors.md` has a heading for each.
        status: HTTP status while no byte of the answer was sent.
        title: what the type means, the same for every occurrence.
        detail: one sentence that a visitor may read.
        reason: one word for `/health`, so that an operator sees what is wrong.
        retry_after: seconds after which trying again makes sense, or None.
        needs_operator: trying again is of no use until somebody mends the set-up.
        retries: how many more attempts a call that failed like this is worth, before anything
            was sent to the caller.
        wait_s: seconds that the upstream wants to be left alone for; None when it did not say.
    """

    slug: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    detail: str = "Something went wrong on our side. Please try again."
    reason: str = "failing"
    retry_after: int | None = None
    needs_operator: bool = False
    retries: int = 0
    wait_s: float | None = None


# --- what the caller sent -----------------------------------------------------


class RequestError(DocchatError):
    """The request cannot be served as it is; the same request will fail again."""

    status = 400


class MalformedJson(RequestError):
    """The body is not JSON."""

    slug = "malformed-json"
    title = "The body is not valid JSON"
    detail = "Send one JSON object, encoded as UTF-8."


class Unauthorized(RequestError):
    """A route for callers with a key was asked without the right one."""

    slug = "unauthorized"
    status = 401
    title = "A key is needed"
    detail = "Send the API key as Authorization: Bearer KEY."


class OriginNotAllowed(RequestError):
    """A browser on a site that is not on the allow-list asked."""

    slug = "origin-not-allowed"
    status = 403
    title = "This site may not use the chat"
    detail = "The chat does not accept requests from this origin."


class NotFound(RequestError):
    """No route has this path, or it names something that is not there; then `detail` says what."""

    slug = "not-found"
    status = 404
    title = "There is nothing at this address"
    detail = "This address does not exist. The routes are listed in the API reference."

    def __init__(self, message: str, *, detail: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail or self.detail


class MethodNotAllowed(RequestError):
    """The route exists, but not for this method."""

    slug = "method-not-allowed"
    status = 405
    title = "This address does not take that method"
    detail = "Use one of the methods in the Allow header."

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"allowed: {', '.join(allowed)}")
        self.allowed = tuple(allowed)


class NotAcceptable(RequestError):
    """The caller takes neither JSON nor an event stream."""

    slug = "not-acceptable"
    status = 406
    title = "No format that the caller accepts"
    detail = "Accept application/json or text/event-stream."


class RequestTimeout(RequestError):
    """The body did not arrive in time."""

    slug = "request-timeout"
    status = 408
    title = "The request took too long to arrive"
    detail = "Send the whole body at once."


class BodyTooLarge(RequestError):
    """The body has more bytes than the limit."""

    slug = "body-too-large"
    status = 413
    title = "The request is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"limit: {limit} bytes")
        self.detail = f"Send at most {limit} bytes."


class UriTooLong(RequestError):
    """The address has more characters than any of ours."""

    slug = "uri-too-long"
    status = 414
    title = "The address is too long"
    detail = "Send the question in the body, not in the address."


class UnsupportedMediaType(RequestError):
    """The body is not declared as plain JSON."""

    slug = "unsupported-media-type"
    status = 415
    title = "The body must be JSON"
    detail = "Send Content-Type: application/json, without a content encoding."


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of the request that breaks a rule.

    Attributes:
        pointer: JSON pointer to the field, such as `/messages/0/content`.
        reason: the rule, in words; never the value that was sent.
    """

    pointer: str
    reason: str


class InvalidRequest(RequestError):
    """The JSON is well formed but a field breaks a rule."""

    slug = "invalid-request"
    status = 422
    title = "A field of the request is not valid"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{e.pointer}: {e.reason}" for e in errors))
        self.errors = errors
        self.detail = f"{errors[0].pointer or '/'}: {errors[0].reason}."


class RateLimited(RequestError):
    """The caller asks more often than the operator allows."""

    slug = "rate-limited"
    status = 429
    title = "Too many questions"
    detail = "You have asked many questions in a short time. Please wait a moment."

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"over the rate limit; retry after {retry_after} s")
        self.retry_after = retry_after


class CallerLeft(RequestError):
    """The connection was closed before the answer began."""

    slug = "caller-left"
    status = 499
    title = "The caller has left"
    detail = "The connection was closed before the answer began."


# --- docchat and what is behind it --------------------------------------------

MOST_RETRIES = 2
"""Three attempts in all, as the SRE book has it (chapter 21, "Deciding to Retry")."""


class ServiceError(DocchatError):
    """The request was fine; serving it failed."""


class UpstreamBadResponse(ServiceError):
    """Gemini or Qdrant answered with something that cannot be used."""

    slug = "upstream-bad-response"
    status = 502
    title = "The assistant could not answer"
    detail = "The assistant could not answer this time. Please try again."
    reason = "bad-response"

    def __init__(self, message: str, *, retries: int = MOST_RETRIES) -> None:
        super().__init__(message)
        self.retries = retries


class UpstreamTruncated(UpstreamBadResponse):
    """The model's stream ended before the model had finished."""

    slug = "upstream-truncated"
    title = "The answer was cut off"
    detail = "The answer was cut off. Please try again."


class ContentFiltered(ServiceError):
    """The model's safety filters stopped an answer of which a part was sent."""

    slug = "content-filtered"
    status = 502
    title = "The answer was withheld"
    detail = "The answer was withheld by a safety filter."
    reason = "filtered"


class UpstreamBusy(ServiceError):
    """Gemini or Qdrant is overloaded or out of quota."""

    slug = "upstream-busy"
    status = 503
    title = "The assistant is busy"
    detail = "The assistant is busy right now. Please try again in a moment."
    reason = "busy"
    retry_after = 30

    def __init__(
        self,
        message: str,
        *,
        wait_s: float | None = None,
        retries: int = MOST_RETRIES,
        reason: str = "busy",
    ) -> None:
        super().__init__(message)
        self.wait_s, self.retries, self.reason = wait_s, retries, reason
        if wait_s is not None:
            self.retry_after = max(1, math.ceil(wait_s))


class UpstreamTimeout(ServiceError):
    """Gemini or Qdrant took too long."""

    slug = "upstream-timeout"
    status = 504
    title = "The assistant took too long"
    detail = "The assistant took too long to answer. Please try again."
    reason = "timeout"
    retries = MOST_RETRIES


class Overloaded(ServiceError):
    """This instance has as many open answers as it can hold."""

    slug = "overloaded"
    status = 503
    title = "Too many answers at once"
    detail = "Many people are asking right now. Please try again in a moment."
    retry_after = 1


class SwitchedOff(ServiceError):
    """The operator has switched the chat off."""

    slug = "switched-off"
    status = 503
    title = "The chat is switched off"
    detail = "The chat is switched off for the moment."
    retry_after = 3600


class ShuttingDown(ServiceError):
    """The instance is going; another one takes the next request."""

    slug = "instance-shutting-down"
    status = 503
    title = "The answer was interrupted"
    detail = "The answer was interrupted by an update. Please try again."
    retry_after = 1


class IndexUnavailable(ServiceError):
    """The search index cannot be reached, is missing, or was made for other settings."""

    slug = "index-unavailable"
    status = 503
    title = "The documentation cannot be searched"
    detail = "The documentation cannot be searched right now. Please try again later."
    retry_after = 30

    def __init__(self, message: str, *, reason: str = "unreachable") -> None:
        super().__init__(message)
        self.reason = reason
        self.needs_operator = reason not in {"unreachable", "failing"}
        self.retries = 0 if self.needs_operator else 1


class AssistantUnavailable(ServiceError):
    """docchat's own set-up is wrong: a key, a model name, a permission."""

    slug = "assistant-unavailable"
    status = 503
    title = "The assistant is not available"
    detail = "The assistant is not available right now. Please try again later."
    retry_after = 30
    needs_operator = True

    def __init__(self, message: str, *, reason: str = "refused") -> None:
        super().__init__(message)
        self.reason = reason


class KeyRefused(AssistantUnavailable):
    """An upstream refuses the key that we send; a newer one may be there already."""

    def __init__(self, message: str, *, reason: str = "key-refused") -> None:
        super().__init__(message, reason=reason)


class Misconfigured(AssistantUnavailable):
    """A setting is missing or wrong; the message names it and what to set."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="misconfigured")


class SecretUnavailable(AssistantUnavailable):
    """Secret Manager did not give a value; the message names the secret."""

    retry_after = 5


class NotReady(ServiceError):
    """Readiness was asked for, and a part that a chat needs is failing."""

    slug = "not-ready"
    status = 503
    title = "Not ready"
    retry_after = 10
    detail = "The parts that are not ok are listed under checks."


# --- the command line's own ---------------------------------------------------


class IndexingError(DocchatError):
    """An index run stopped; the index that is being served is unchanged."""

    slug = "indexing-failed"


class IndexLocked(IndexingError):
    """Another run is writing this index."""


class IndexRefused(IndexingError):
    """The run would do what nobody may have meant; the message names the option that allows it."""
