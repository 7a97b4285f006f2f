import json
from datetime import UTC, datetime

import pytest

from scripts.reporting.entries import Unread, entries
from tests.scripts.reporting.lines import entry, line, lines, request

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_docchats_own_lines_and_cloud_loggings_are_read_alike() -> None:
    written = request("a")
    own, exported = entries(lines(written, entry(written)), Unread())
    assert own.fields == exported.fields == written
    assert own.time is None
    assert exported.time is not None


@pytest.mark.parametrize(
    "time",
    ["2026-11-01T12:00:00Z", "2026-11-01T14:00:00.000000000+02:00", "2026-11-01 12:00:00 UTC"],
)
def test_every_way_in_which_google_writes_a_time_is_read_as_utc(time: str) -> None:
    (found,) = entries(lines({"timestamp": time, "jsonPayload": request("a")}), Unread())
    assert found.time == NOON


def test_an_array_as_gcloud_prints_it_is_read() -> None:
    printed = json.dumps([entry(request("a")), entry(request("b"))], indent=2).splitlines(
        keepends=True
    )
    assert [one.fields["request_id"] for one in entries(printed, Unread())] == ["a", "b"]


def test_a_payload_that_bigquery_gives_as_text_is_read() -> None:
    row = {"timestamp": "2026-11-01 12:00:00 UTC", "jsonPayload": json.dumps(request("a"))}
    assert [one.message for one in entries(lines(row), Unread())] == ["request"]


def test_other_programs_lines_are_left_out_and_what_is_no_object_is_counted() -> None:
    unread = Unread()
    other = [*lines(line("not ready", "x"), {"textPayload": "hello"}), "Traceback:", "", "[]x"]
    assert list(entries(other, unread)) == []
    assert unread.lines == 2


@pytest.mark.parametrize("text", ["[1, 2]", "[{]", "[" * 100_000])
def test_an_array_that_is_none_of_entries_is_no_trouble(text: str) -> None:
    unread = Unread()
    assert list(entries([text], unread)) == []
    assert unread.lines


def test_nothing_is_no_trouble() -> None:
    assert list(entries([], Unread())) == []
