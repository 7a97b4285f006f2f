from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel


class Refusal(Exception):
    """An answer that is not 2xx: its status, and the text that goes into `status.error`."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def unsupported(what: object) -> Refusal:
    """The refusal of something that a real server does and this one does not."""
    return Refusal(400, f"Bad request: the emulator does not support {what}")


def only(body: BaseModel, supported: str) -> None:
    """Refuse a body that sets any field but the supported ones, given in one string."""
    for field in sorted(body.model_fields_set - set(supported.split())):
        if getattr(body, field) is not None:
            raise unsupported(f"`{field}` in {type(body).__name__}")


@contextmanager
def engine_refusals() -> Iterator[None]:
    """What the engine refuses is the caller's mistake; it raises nothing but bare `Exception`."""
    try:
        yield
    except Refusal:
        raise
    except Exception as exc:
        raise Refusal(400, f"Wrong input: {exc}") from exc
