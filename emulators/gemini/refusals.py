"""How Gemini refuses: its statuses with the bodies that it sends."""

from emulators.faults import Fault
from emulators.google_errors import (
    Json,
    error_body,
    error_info,
    help_link,
    quota_failure,
    retry_info,
)

DOMAIN = "generativelanguage.googleapis.com"
_QUOTA_HELP = help_link(
    "Learn more about Gemini API quotas", "https://ai.google.dev/gemini-api/docs/rate-limits"
)
_QUOTA = "You exceeded your current quota, please check your plan and billing details."


def refusal(code: int, status: str, message: str, *details: Json) -> Fault:
    """Any status, in Google's form."""
    return Fault(status=code, body=error_body(code, status, message, *details))


def invalid_argument(message: str = "Request contains an invalid argument.") -> Fault:
    """The request is wrong."""
    return refusal(400, "INVALID_ARGUMENT", message)


def key_not_valid() -> Fault:
    """The key is wrong: a 400, not a 401."""
    why = "API key not valid. Please pass a valid API key."
    return refusal(400, "INVALID_ARGUMENT", why, error_info("API_KEY_INVALID", "googleapis.com"))


def region_not_supported() -> Fault:
    """The account may not be used from here; the same status as for missing billing."""
    return refusal(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")


def unauthenticated() -> Fault:
    """No credentials that Google knows."""
    why = "Request had invalid authentication credentials."
    return refusal(
        401, "UNAUTHENTICATED", why, error_info("ACCESS_TOKEN_TYPE_UNSUPPORTED", "googleapis.com")
    )


def leaked_key() -> Fault:
    """The key was found in public, and switched off."""
    why = "Your API key was reported as leaked. Please use another API key."
    return refusal(403, "PERMISSION_DENIED", why)


def model_not_found(model: str) -> Fault:
    """There is no such model, or no longer."""
    why = (
        f"models/{model} is not found for API version v1, or is not supported for"
        " generateContent. Call ListModels to see the list of available models."
    )
    return refusal(404, "NOT_FOUND", why)


def out_of_quota(retry_delay: str = "", *, per_day: bool = False) -> Fault:
    """A quota is used up.

    Args:
        retry_delay: of the RetryInfo, such as `31s`; without, there is only a link to read.
        per_day: the quota is the day's; Google sends a RetryInfo of seconds even then.
    """
    if not retry_delay:
        return refusal(429, "RESOURCE_EXHAUSTED", _QUOTA, _QUOTA_HELP)
    period = "Day" if per_day else "Minute"
    quota = quota_failure(
        f"GenerateRequestsPer{period}PerProjectPerModel-FreeTier", "gemini-3.8-flash", 10
    )
    details = (quota, _QUOTA_HELP, retry_info(retry_delay))
    return refusal(429, "RESOURCE_EXHAUSTED", f"{_QUOTA} Please retry in {retry_delay}.", *details)


def internal(message: str = "An internal error has occurred. Please retry.") -> Fault:
    """Something broke."""
    return refusal(500, "INTERNAL", message)


def overloaded() -> Fault:
    """Too many are asking."""
    return refusal(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def deadline_exceeded() -> Fault:
    """Google gave up waiting for itself."""
    return refusal(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.")


def bad_gateway(said: str = "") -> Fault:
    """The front end has no answer from behind: a page for people, not JSON."""
    page = (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error 502 (Server Error)!!1"
        f"</title><p><b>502.</b> <ins>That is an error.</ins><p>{said}"
    )
    return Fault(status=502, body=page)
