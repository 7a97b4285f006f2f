import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.errors import Overloaded, RateLimited
from docchat.limits import (
    UNKNOWN_CLIENT,
    RateLimiter,
    Reservation,
    StreamSlots,
    TokenBudget,
    client_address,
    share,
)

PEER = "169.254.1.1"
CLIENT = "203.0.113.7"
BALANCER = "198.51.100.1"


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Calendar:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


# --- whose request it is ------------------------------------------------------


@pytest.mark.parametrize(
    "spoofed",
    [
        "1.2.3.4",
        "1.2.3.4, 5.6.7.8",
        "1.2.3.4,5.6.7.8,",
        ",,,",
        f"{CLIENT}, {BALANCER}, 9.9.9.9",
        "[::1]:80",
        "::ffff:1.2.3.4",
        "2001:db8::1",
        "for=1.2.3.4",
        '"1.2.3.4',
        "\x00",
        "１.２.３.４",  # noqa: RUF001 - digits of another script are the point
        "a" * 60_000,
        "," * 60_000,
    ],
)
@pytest.mark.parametrize(("entry", "written"), [(1, CLIENT), (2, f"{CLIENT}, {BALANCER}")])
def test_what_a_client_writes_in_front_gives_it_no_other_name(
    spoofed: str, entry: int, written: str
) -> None:
    for separator in (",", ", ", " ,\t"):
        header = f"{spoofed}{separator}{written}"
        assert client_address(header, PEER, entry=entry) == CLIENT
    assert client_address(spoofed, PEER, entry=0) == PEER


@given(st.text(), st.sampled_from([1, 2, 3]))
def test_no_text_in_front_gives_another_name(spoofed: str, entry: int) -> None:
    written = ", ".join([CLIENT, *[BALANCER] * (entry - 1)])
    assert client_address(f"{spoofed},{written}", PEER, entry=entry) == CLIENT


@given(st.text(), st.text(), st.integers(0, 10))
def test_any_header_and_peer_give_a_short_name(header: str, peer: str, entry: int) -> None:
    assert 0 < len(client_address(header, peer, entry=entry)) <= len("ffff:" * 4 + ":/64")


@pytest.mark.parametrize("header", [None, "", " ", CLIENT, "[2001:db8::1]:443"])
def test_a_header_with_fewer_entries_than_trusted_leaves_the_peer(header: str | None) -> None:
    assert client_address(header, PEER, entry=2) == PEER


def test_as_many_entries_as_trusted_are_enough() -> None:
    assert client_address(f"{CLIENT}, {BALANCER}", PEER, entry=2) == CLIENT
    assert client_address(f"{CLIENT}, {BALANCER}", PEER, entry=3) == PEER


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:1", "203.0.113.7"),
        ("[203.0.113.7]:65535", "203.0.113.7"),
        ("  203.0.113.7\t", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::FFFF:cb00:7107]:443", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_address_has_one_name_however_it_is_written(written: str, name: str) -> None:
    assert client_address(written, PEER, entry=1) == name
    assert client_address(None, written, entry=0) == name


@pytest.mark.parametrize(
    "junk",
    [
        "unknown",
        "_hidden",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "0x7f.0.0.1",
        "16909060",
        "1.2.3.4:port",
        "1.2.3.4:",
        "1.2.3.4:123456",
        "1.2.3.4/24",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]443",
        "[[2001:db8::1]]",
        "[]:443",
        "2001:db8:::1",
        "for=1.2.3.4",
        "",
    ],
)
def test_junk_in_the_trusted_place_leaves_the_peer(junk: str) -> None:
    assert client_address(junk, PEER, entry=1) == PEER
    assert client_address(f"1.2.3.4, {junk}, {BALANCER}", PEER, entry=2) == PEER


@pytest.mark.parametrize("peer", ["", "testclient", "/run/socket"])
def test_peers_without_an_address_are_one_client(peer: str) -> None:
    assert client_address(None, peer, entry=0) == UNKNOWN_CLIENT


# --- requests per client ------------------------------------------------------


def admitted(limiter: RateLimiter, client: str, tries: int) -> int:
    return sum(is_admitted(limiter, client) for _ in range(tries))


def is_admitted(limiter: RateLimiter, client: str = CLIENT) -> bool:
    try:
        limiter.check(client)
    except RateLimited:
        return False
    return True


def retry_after(limiter: RateLimiter, client: str = CLIENT) -> int:
    with pytest.raises(RateLimited) as caught:
        limiter.check(client)
    assert caught.value.retry_after is not None
    return caught.value.retry_after


@pytest.mark.parametrize(("tries", "passed"), [(9, 9), (10, 10), (11, 10)])
def test_a_burst_passes_and_the_next_request_does_not(tries: int, passed: int) -> None:
    assert admitted(RateLimiter(20, 10, clock=Clock()), CLIENT, tries) == passed


@pytest.mark.parametrize(("waited_s", "passed"), [(2.999, 0), (3.0, 1), (5.999, 1), (6.0, 2)])
def test_an_empty_bucket_refills_at_the_rate(waited_s: float, passed: int) -> None:
    clock = Clock(1e6)
    limiter = RateLimiter(20, 10, clock=clock)
    admitted(limiter, CLIENT, 10)
    clock.now += waited_s
    assert admitted(limiter, CLIENT, 10) == passed


def test_a_bucket_never_holds_more_than_the_burst() -> None:
    clock = Clock()
    limiter = RateLimiter(20, 10, clock=clock)
    admitted(limiter, CLIENT, 10)
    clock.now = 86_400
    assert admitted(limiter, CLIENT, 100) == 10


def test_refused_requests_do_not_put_the_next_one_off() -> None:
    clock = Clock()
    limiter = RateLimiter(20, 1, clock=clock)
    limiter.check(CLIENT)
    for clock.now in (0.0, 1.0, 2.0, 2.5):
        assert not is_admitted(limiter)
    clock.now = 3.0
    limiter.check(CLIENT)


def test_retry_after_is_whole_seconds_rounded_up() -> None:
    clock = Clock()
    limiter = RateLimiter(20, 1, clock=clock)
    limiter.check(CLIENT)
    assert retry_after(limiter) == 3
    clock.now = 0.5
    assert retry_after(limiter) == 3
    clock.now = 2.9
    assert retry_after(limiter) == 1
    fast = RateLimiter(6000, 1, clock=clock)
    fast.check(CLIENT)
    assert retry_after(fast) == 1


def test_a_clocks_fractions_do_not_add_a_second_to_retry_after() -> None:
    for tenths in range(1000):
        limiter = RateLimiter(1, 1, clock=Clock(tenths / 10))
        limiter.check(CLIENT)
        assert retry_after(limiter) == 60


def test_clients_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(20, 1, clock=Clock())
    limiter.check("192.0.2.1")
    limiter.check("192.0.2.2")


def test_a_rate_of_zero_is_no_limit_and_remembers_nobody() -> None:
    limiter = RateLimiter(0, 1, clock=Clock())
    assert admitted(limiter, CLIENT, 1000) == 1000
    assert not limiter._full_at


@pytest.mark.parametrize(("others", "forgotten"), [(98, False), (99, False), (100, True)])
def test_a_silent_client_is_forgotten_after_as_many_others_as_fit(
    others: int, *, forgotten: bool
) -> None:
    limiter = RateLimiter(20, 1, max_clients=100, clock=Clock())
    limiter.check(CLIENT)
    for n in range(others):
        limiter.check(f"other {n}")
    assert is_admitted(limiter) is forgotten


def test_a_limited_client_that_goes_on_asking_is_not_forgotten() -> None:
    limiter = RateLimiter(20, 1, max_clients=100, clock=Clock())
    limiter.check(CLIENT)
    for n in range(1000):
        limiter.check(f"other {n}")
        assert n % 90 or not is_admitted(limiter)


def test_memory_stays_bounded() -> None:
    limiter = RateLimiter(20, 1, max_clients=100, clock=Clock())
    for n in range(1000):
        limiter.check(f"client {n}")
    assert len(limiter._full_at) == 100


PAUSES = st.lists(
    st.one_of(st.just(0.0), st.floats(0, 0.5), st.floats(0, 90)), min_size=1, max_size=80
)


@given(st.integers(1, 6000), st.integers(1, 30), PAUSES, st.floats(0, 1e8))
def test_no_window_admits_more_than_burst_and_rate_allow(
    per_minute: int, burst: int, pauses: list[float], start: float
) -> None:
    clock = Clock(start)
    limiter = RateLimiter(per_minute, burst, clock=clock)
    times = []
    for pause in pauses:
        clock.now += pause
        if is_admitted(limiter):
            times.append(clock.now)
    for first, since in enumerate(times):
        for last, until in enumerate(times[first:], first):
            allowed = burst + per_minute / 60 * (until - since)
            assert last - first + 1 <= allowed + 1e-3  # a float clock's rounding


@given(st.integers(1, 6000), st.integers(1, 30), PAUSES, st.floats(0, 1e8))
def test_who_waits_as_told_is_admitted(
    per_minute: int, burst: int, pauses: list[float], start: float
) -> None:
    clock = Clock(start)
    limiter = RateLimiter(per_minute, burst, clock=clock)
    for pause in pauses:
        clock.now += pause
        if not is_admitted(limiter):
            told = retry_after(limiter)
            assert 1 <= told <= 60
            clock.now += told
            limiter.check(CLIENT)


# --- open answers -------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "refused"), [(2, 0), (3, 0), (4, 1)])
def test_as_many_answers_as_the_limit_are_open_at_once(wanted: int, refused: int) -> None:
    slots, overloaded = StreamSlots(3), 0
    with contextlib.ExitStack() as held:
        for _ in range(wanted):
            try:
                held.enter_context(slots.slot())
            except Overloaded:
                overloaded += 1
        assert (slots.open, overloaded) == (wanted - refused, refused)
    assert slots.open == 0


def test_a_place_is_free_again_when_an_answer_ends() -> None:
    slots = StreamSlots(1)
    for _ in range(3):
        with slots.slot():
            assert slots.open == 1
            with pytest.raises(Overloaded), slots.slot():
                pass
            assert slots.open == 1
    assert slots.open == 0


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, GeneratorExit, StopIteration])
def test_a_place_is_given_back_when_the_answer_fails(failure: type[BaseException]) -> None:
    slots = StreamSlots(1)
    with pytest.raises(failure), slots.slot():
        raise failure
    assert slots.open == 0


def test_a_place_is_taken_on_entering_and_given_back_when_it_is_dropped() -> None:
    slots = StreamSlots(1)
    place = slots.slot()
    assert slots.open == 0
    place.__enter__()
    assert slots.open == 1
    del place
    gc.collect()
    assert slots.open == 0


async def test_cancelled_answers_give_their_places_back() -> None:
    slots = StreamSlots(50)

    async def answer() -> None:
        with slots.slot():
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(answer()) for _ in range(60)]
    await asyncio.sleep(0)
    assert slots.open == 50
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, Overloaded) for result in results) == 10
    assert slots.open == 0


async def test_a_stream_closed_half_way_gives_its_place_back() -> None:
    slots = StreamSlots(1)

    async def stream() -> AsyncGenerator[str]:
        with slots.slot():
            yield "one"
            yield "two"

    parts = stream()
    assert await anext(parts) == "one"
    assert slots.open == 1
    await parts.aclose()
    assert slots.open == 0


# --- tokens per day -----------------------------------------------------------


def reserved(budget: TokenBudget, tokens: int) -> Reservation:
    reservation = budget.reserve(tokens)
    assert reservation is not None
    return reservation


@pytest.mark.parametrize(("tokens", "fits"), [(99, True), (100, True), (101, False)])
def test_a_reservation_fits_up_to_the_budget(tokens: int, *, fits: bool) -> None:
    budget = TokenBudget(100, now=Calendar())
    assert (budget.reserve(tokens) is not None) is fits
    assert budget.reserved == (tokens if fits else 0)


@pytest.mark.parametrize(("tokens", "fits"), [(29, True), (30, True), (31, False)])
def test_spent_and_reserved_tokens_both_count(tokens: int, *, fits: bool) -> None:
    budget = TokenBudget(100, now=Calendar())
    reserved(budget, 60).settle(50)
    reserved(budget, 20)
    assert (budget.spent, budget.reserved) == (50, 20)
    assert (budget.reserve(tokens) is not None) is fits


def test_settling_frees_what_was_not_used() -> None:
    budget = TokenBudget(100, now=Calendar())
    reservation = reserved(budget, 100)
    assert budget.reserve(1) is None
    reservation.settle(40)
    assert (budget.spent, budget.reserved) == (40, 0)
    reserved(budget, 60)


def test_an_answer_that_used_more_than_reserved_is_counted_as_it_was() -> None:
    budget = TokenBudget(100, now=Calendar())
    reserved(budget, 90).settle(130)
    assert budget.spent == 130
    assert budget.reserve(0) is None


def test_a_second_settlement_is_refused_and_changes_nothing() -> None:
    budget = TokenBudget(100, now=Calendar())
    reservation = reserved(budget, 50)
    reservation.settle(10)
    with pytest.raises(RuntimeError, match="once"):
        reservation.settle(10)
    assert (budget.spent, budget.reserved) == (10, 0)


def test_a_dropped_reservation_counts_in_full_until_midnight() -> None:
    calendar = Calendar()
    budget = TokenBudget(100, now=calendar)
    reserved(budget, 100)
    gc.collect()
    assert budget.reserve(1) is None
    calendar.now += timedelta(days=1)
    reserved(budget, 100)


def test_a_budget_of_zero_is_no_limit_and_still_counts() -> None:
    budget = TokenBudget(0, now=Calendar())
    reserved(budget, 10**9).settle(10**8)
    reserved(budget, 7)
    assert (budget.spent, budget.reserved) == (10**8, 7)


def test_the_budget_is_whole_again_at_midnight_and_not_before() -> None:
    calendar = Calendar()
    budget = TokenBudget(100, now=calendar)
    reserved(budget, 100).settle(100)
    calendar.now = datetime(2030, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    assert budget.reserve(1) is None
    calendar.now = datetime(2030, 1, 2, tzinfo=UTC)
    assert budget.spent == 0
    reserved(budget, 100)


@pytest.mark.parametrize("asked_since", [False, True])
def test_yesterdays_reservation_settles_into_nothing_of_today(*, asked_since: bool) -> None:
    calendar = Calendar()
    budget = TokenBudget(100, now=calendar)
    yesterdays = reserved(budget, 60)
    calendar.now += timedelta(days=1)
    todays = reserved(budget, 30) if asked_since else None
    yesterdays.settle(50)
    assert (budget.spent, budget.reserved) == (0, 30 if asked_since else 0)
    if todays:
        todays.settle(20)
        assert (budget.spent, budget.reserved) == (20, 0)


def test_a_clock_set_back_over_midnight_opens_no_second_budget() -> None:
    calendar = Calendar()
    budget = TokenBudget(100, now=calendar)
    calendar.now = datetime(2030, 1, 2, tzinfo=UTC)
    reserved(budget, 100)
    calendar.now -= timedelta(seconds=1)
    assert budget.reserve(1) is None
    calendar.now += timedelta(seconds=1)
    assert budget.reserve(1) is None


def test_the_budgets_own_clock_is_utc() -> None:
    before = datetime.now(UTC).date()
    day = TokenBudget(100)._account.day
    assert before <= day <= datetime.now(UTC).date()


async def let_others_run(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_parallel_answers_never_exceed_the_budget() -> None:
    budget = TokenBudget(1000, now=Calendar())
    highest = 0

    async def answer(n: int) -> bool:
        nonlocal highest
        await let_others_run(n % 7)
        reservation = budget.reserve(30)
        highest = max(highest, budget.spent + budget.reserved)
        if reservation is None:
            return False
        await let_others_run(n % 5)
        if n % 10:  # every tenth is lost
            reservation.settle(n % 31)
        highest = max(highest, budget.spent + budget.reserved)
        return True

    answered = await asyncio.gather(*(answer(n) for n in range(100)))
    assert 1000 // 30 <= sum(answered) < 100
    assert 900 < highest <= 1000


async def test_of_a_hundred_at_once_as_many_are_answered_as_fit() -> None:
    budget = TokenBudget(1000, now=Calendar())
    start = asyncio.Event()

    async def answer() -> Reservation | None:
        await start.wait()
        return budget.reserve(30)

    tasks = [asyncio.create_task(answer()) for _ in range(100)]
    await asyncio.sleep(0)
    start.set()
    held = [reservation for reservation in await asyncio.gather(*tasks) if reservation]
    assert (len(held), budget.reserved) == (33, 990)


STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.floats(0, 1), st.booleans(), st.integers(0, 20)), max_size=60
)


@given(st.integers(1, 300), STEPS)
def test_no_order_of_events_exceeds_the_budget(
    per_day: int, steps: list[tuple[int, float, bool, int]]
) -> None:
    calendar = Calendar()
    budget = TokenBudget(per_day, now=calendar)
    open_ones: list[Reservation] = []
    for tokens, used, settles, hours in steps:
        calendar.now += timedelta(hours=hours // 15)
        before = budget.spent + budget.reserved
        reservation = budget.reserve(tokens)
        assert (reservation is None) is (before + tokens > per_day)
        if reservation:
            open_ones.append(reservation)
        if settles and open_ones:
            oldest = open_ones.pop(0)
            oldest.settle(round(oldest.tokens * used))
        assert budget.spent >= 0
        assert budget.reserved >= 0
        assert budget.spent + budget.reserved <= per_day


@pytest.mark.parametrize(
    ("daily_budget", "max_instances", "expected"),
    [(0, 5, 0), (1, 5, 1), (4, 5, 1), (5, 5, 1), (9, 5, 1), (10, 5, 2), (100, 1, 100)],
)
def test_a_share_rounds_down_and_never_lifts_the_limit(
    daily_budget: int, max_instances: int, expected: int
) -> None:
    assert share(daily_budget, max_instances) == expected
