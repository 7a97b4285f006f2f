import pytest

from docchat.errors import (
    AssistantUnavailable,
    IndexUnavailable,
    ServiceError,
    UpstreamBadResponse,
    UpstreamBusy,
    UpstreamTimeout,
)
from docchat.indexing import Patience

QUICK_S = 0.01


class Failing:
    """A call that fails so many times."""

    def __init__(self, failure: ServiceError, times: int) -> None:
        self.failure, self.times, self.tries = failure, times, 0

    async def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self.times:
            raise self.failure
        return "done"


@pytest.mark.parametrize(
    "failure",
    [
        IndexUnavailable("Qdrant cannot be reached"),
        UpstreamTimeout("too slow"),
        UpstreamBadResponse("Gemini answered 500"),
        UpstreamBusy("Gemini cannot be reached", reason="unreachable"),
        UpstreamBusy("out of quota", wait_s=QUICK_S),
    ],
    ids=str,
)
async def test_what_may_pass_is_waited_out(failure: ServiceError) -> None:
    call = Failing(failure, 1)
    assert await Patience()(call) == "done"


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (AssistantUnavailable("the key is refused"), 1),
        (IndexUnavailable("full", reason="storage-full"), 1),
        (UpstreamBadResponse("HTTP 418", retries=0), 1),
        (UpstreamBadResponse("an embedding of 7 dimensions", retries=1), 2),
    ],
    ids=str,
)
async def test_what_does_not_pass_is_not_waited_for(failure: ServiceError, tries: int) -> None:
    call = Failing(failure, 9)
    with pytest.raises(type(failure)):
        await Patience()(call)
    assert call.tries == tries


async def test_patience_ends() -> None:
    call = Failing(IndexUnavailable("Qdrant cannot be reached"), 9)
    with pytest.raises(IndexUnavailable):
        await Patience(failing_s=1.5)(call)
    assert call.tries == 2
    call = Failing(UpstreamBusy("out of quota", wait_s=0.1), 99)
    with pytest.raises(UpstreamBusy):
        await Patience(quota_s=0.3)(call)
    assert 2 <= call.tries <= 4
