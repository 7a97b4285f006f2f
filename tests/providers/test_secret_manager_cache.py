import asyncio
import logging
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from docchat.errors import DocchatError, SecretUnavailable
from docchat.providers.secret_manager_cache import CachedSecret

NAME = "projects/p/secrets/key/versions/latest"


@dataclass
class Reader:
    """A secret that can be changed, can fail, and can take as long as the test wants."""

    value: str = field(default="first", repr=False)
    failure: Exception | None = None
    held: asyncio.Event | None = None
    reads: int = 0

    async def __call__(self) -> SecretStr:
        self.reads += 1
        value, failure = self.value, self.failure
        await (self.held.wait() if self.held else asyncio.sleep(0))
        if failure:
            raise failure
        return SecretStr(value)

    def hold(self) -> asyncio.Event:
        self.held = asyncio.Event()
        return self.held


@dataclass
class Clock:
    """Time that moves when told."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Case:
    reader: Reader = field(default_factory=Reader)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.secret = CachedSecret(NAME, self.reader, ttl_s=300, clock=self.clock)

    async def get(self) -> str:
        return (await self.secret.get()).get_secret_value()

    async def get_after(self, seconds: float) -> str:
        """What it is after a time, with the read that the first look may have begun."""
        self.clock.now += seconds
        await self.get()
        await settle()
        return await self.get()


@pytest.fixture
def case() -> Case:
    return Case()


def gone(reason: str = "secrets-unavailable") -> SecretUnavailable:
    return SecretUnavailable(f"{NAME}: {reason}", reason=reason)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# --- the first read -----------------------------------------------------------


async def test_nothing_is_read_before_it_is_needed(case: Case) -> None:
    await settle()
    assert case.reader.reads == 0


async def test_all_who_ask_at_once_share_one_read(case: Case) -> None:
    assert set(await asyncio.gather(*(case.get() for _ in range(100)))) == {"first"}
    assert case.reader.reads == 1


async def test_all_who_ask_at_once_share_one_failure(case: Case) -> None:
    case.reader.failure = gone()
    results = await asyncio.gather(*(case.get() for _ in range(100)), return_exceptions=True)
    assert {type(result) for result in results} == {SecretUnavailable}
    assert case.reader.reads == 1


async def test_a_first_read_that_failed_is_tried_again_by_the_next_one(case: Case) -> None:
    case.reader.failure = gone()
    for reads in (1, 2):
        with pytest.raises(SecretUnavailable):
            await case.get()
        assert case.reader.reads == reads
    case.reader.failure = None
    assert await case.get() == "first"


async def test_one_who_leaves_does_not_end_the_read_of_others(case: Case) -> None:
    leaving = asyncio.create_task(case.get())
    staying = asyncio.create_task(case.get())
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == "first"
    assert case.reader.reads == 1


async def test_a_failure_that_nobody_waits_for_is_quiet(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.reader.failure = gone()
    leaving = asyncio.create_task(case.get())
    await asyncio.sleep(0)
    leaving.cancel()
    await settle()
    assert caplog.messages == []


async def test_a_value_is_never_printed(case: Case) -> None:
    value = await case.secret.get()
    assert "first" not in f"{value!r} {value} {case.secret!r} {vars(case.secret)}"


# --- the next reads -----------------------------------------------------------


async def test_a_value_is_kept_for_its_time_and_then_read_again(case: Case) -> None:
    await case.get()
    case.reader.value = "second"
    assert await case.get_after(299) == "first"
    assert case.reader.reads == 1
    assert await case.get_after(1) == "second"
    assert case.reader.reads == 2
    assert await case.get_after(299) == "second"
    assert case.reader.reads == 2


async def test_nobody_waits_for_a_read_while_there_is_a_value(case: Case) -> None:
    await case.get()
    case.reader.value = "second"
    held = case.reader.hold()
    case.clock.now += 100_000
    async with asyncio.timeout(1):
        assert {await case.get() for _ in range(20)} == {"first"}
    await settle()
    assert case.reader.reads == 2
    held.set()
    await settle()
    assert await case.get() == "second"


@pytest.mark.parametrize("failure", [gone(), gone("secret-refused"), DocchatError("x"), OSError()])
async def test_the_last_good_value_stays_whatever_is_wrong_with_reading(
    case: Case, failure: Exception
) -> None:
    await case.get()
    case.reader.failure = failure
    assert await case.get_after(300) == "first"
    assert case.reader.reads == 2


async def test_a_read_that_failed_is_tried_again_soon_and_then_less_often(case: Case) -> None:
    await case.get()
    case.reader.failure = gone()
    await case.get_after(300)
    for wait_s in (5, 10, 20, 40, 60, 60):
        before = case.reader.reads
        await case.get_after(wait_s - 1)
        assert case.reader.reads == before
        await case.get_after(1)
        assert case.reader.reads == before + 1
    case.reader.failure, case.reader.value = None, "second"
    assert await case.get_after(60) == "second"
    case.reader.failure = gone()
    await case.get_after(300)
    before = case.reader.reads
    await case.get_after(5)
    assert case.reader.reads == before + 1


async def test_an_outage_of_days_is_no_overflow(case: Case) -> None:
    await case.get()
    case.reader.failure = gone()
    for _ in range(5000):
        await case.get_after(300)
    assert case.reader.reads == 5001


async def test_each_change_of_state_is_one_line(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    await case.get()
    with caplog.at_level(logging.INFO, logger="docchat.secrets"):
        for failure in (gone(), gone(), gone("secret-refused"), gone("secret-refused"), None, None):
            case.reader.failure = failure
            await case.get_after(300)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lines == [
        ("ERROR", f"{NAME} is not read again, its last value stays: {gone()}"),
        ("ERROR", f"{NAME} is not read again, its last value stays: {gone('secret-refused')}"),
        ("INFO", f"{NAME} was read again"),
    ]


async def test_what_a_foreign_error_says_is_not_logged(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    await case.get()
    case.reader.failure = OSError("first")
    await case.get_after(300)
    assert "OSError" in caplog.text
    assert "first" not in caplog.text


# --- after a refusal ----------------------------------------------------------


async def test_a_refused_value_is_read_again_at_once(case: Case) -> None:
    await case.get()
    case.reader.value = "second"
    await case.secret.reread()
    assert await case.get() == "second"
    assert case.reader.reads == 2


async def test_refusals_force_one_read_in_thirty_seconds(case: Case) -> None:
    await case.get()
    await case.secret.reread()
    assert case.reader.reads == 2
    case.clock.now += 29
    await case.secret.reread()
    assert case.reader.reads == 2
    case.clock.now += 1
    await case.secret.reread()
    assert case.reader.reads == 3


async def test_all_who_were_refused_share_one_read(case: Case) -> None:
    await case.get()
    case.reader.value = "second"
    await asyncio.gather(*(case.secret.reread() for _ in range(100)))
    assert await case.get() == "second"
    assert case.reader.reads == 2


async def test_a_read_that_began_before_the_key_changed_is_not_enough(case: Case) -> None:
    await case.get()
    held = case.reader.hold()
    case.clock.now += 300
    await case.get()
    await settle()
    case.reader.value = "second"
    waiting = [asyncio.create_task(case.secret.reread()) for _ in range(3)]
    await settle()
    held.set()
    await asyncio.gather(*waiting)
    assert await case.get() == "second"
    assert case.reader.reads == 3


async def test_one_who_is_refused_in_the_moment_in_which_a_read_ends_is_not_held_up(
    case: Case,
) -> None:
    late: list[asyncio.Task[None]] = []

    async def read() -> SecretStr:
        # Runs when this read has ended, and before anybody has been told so.
        late.append(asyncio.create_task(secret.reread()))
        return SecretStr("first")

    secret = CachedSecret(NAME, read, ttl_s=300, clock=case.clock)
    await secret.get()
    await secret.reread()
    await asyncio.gather(*late)
    assert len(late) == 2


async def test_a_forced_read_that_fails_leaves_the_value(case: Case) -> None:
    await case.get()
    case.reader.failure = gone()
    await case.secret.reread()
    assert await case.get() == "first"


async def test_a_secret_that_was_never_read_is_not_read_because_another_was_refused(
    case: Case,
) -> None:
    await case.secret.reread()
    assert case.reader.reads == 0
