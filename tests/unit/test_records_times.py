"""Canonical records, periods, windows and the one definition of freshness."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from data.answers import Window
from data.clock import to_us
from data.errors import WrongInput
from data.health import FeedHealth, freshness, seconds
from data.records import RecordError, content, identity, parse
from data.times import parse_instant, parse_period
from data.windows import relative, shifted, window_of

OBSERVATION = {"station": "s", "metric": "m", "time": "2026-11-22T08:00:00+08:00", "value": 1.5}
NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
ZONE = "Asia/Shanghai"


@pytest.mark.parametrize(("text", "start", "end"), [
    ("2026-09", "2026-09-01", "2026-10-01"), ("2026-12", "2026-12-01", "2027-01-01"),
    ("2026-01..02", "2026-01-01", "2026-03-01"), ("2026Q3", "2026-07-01", "2026-10-01"),
    ("2026Q1..Q3", "2026-01-01", "2026-10-01"), ("2026H1", "2026-01-01", "2026-07-01"),
    ("2026", "2026-01-01", "2027-01-01"), ("2026-W46", "2026-11-09", "2026-11-16"),
    ("2026-11-22", "2026-11-22", "2026-11-23"), ("2026-02-28", "2026-02-28", "2026-03-01")])
def test_periods(text: str, start: str, end: str) -> None:
    found = parse_period(text)
    assert (found[0].date().isoformat(), found[1].date().isoformat()) == (start, end)


@pytest.mark.parametrize("text", ["2026-13", "2026Q5", "2026-W60", "2026-02-30", "26-09", "", "2026.1"])
def test_texts_that_are_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="不是时段"):
        parse_period(text)


def test_an_instant_needs_an_offset_or_a_zone() -> None:
    assert parse_instant("2026-11-22T08:00:00+08:00") == parse_instant("2026-11-22T00:00:00Z")
    with pytest.raises(ValueError, match="时区"):
        parse_instant("2026-11-22T08:00:00")


@pytest.mark.parametrize(("change", "reason"), [
    ({"value": None}, "缺少 value"), ({"value": "abc"}, "应为数"), ({"value": True}, "应为数"),
    ({"value": float("nan")}, "有限"), ({"value": 10**400}, "应为数"), ({"time": "昨天"}, "不是时间"),
    ({"colour": 1}, "不认识的字段"), ({"station": ["s"]}, "应为文字")])
def test_a_record_is_refused_with_the_field_and_the_reason(change: dict[str, object], reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        parse("observation", {**OBSERVATION, **change})


def test_identity_ignores_the_value_and_content_does_not() -> None:
    first, second = parse("observation", OBSERVATION), parse("observation", {**OBSERVATION, "value": 2})
    assert identity("observation", "f", first) == identity("observation", "f", second)
    assert identity("observation", "f", first) != identity("observation", "g", first)
    assert content("observation", first) != content("observation", second)


@pytest.mark.parametrize(("text", "value"), [("30s", 30), ("5min", 300), ("1h", 3600), ("35d", 3_024_000)])
def test_cadences(text: str, value: float) -> None:
    assert seconds(text) == value


MINUTE = 60_000_000


@pytest.mark.parametrize(("age_min", "contact_min", "failing", "state"), [
    (14, 14, 0, "live"), (16, 1, 0, "late"), (49, 49, 0, "late"), (61, 61, 0, "down"), (61, 1, 0, "late"),
    (1, 1, 1, "down")])
def test_freshness_of_a_five_minute_feed(age_min: int, contact_min: int, failing: int, state: str) -> None:
    now = 10**15
    health = FeedHealth("f", now - age_min * MINUTE, now - age_min * MINUTE, now - contact_min * MINUTE, failing)
    assert freshness(300.0, False, health, now) == state


def test_freshness_never_delivered_and_scheduled() -> None:
    now = 10**15
    assert freshness(300.0, False, None, now) == "unknown"
    assert freshness(300.0, False, FeedHealth("f"), now) == "unknown"
    day = 86_400_000_000
    for period_end, received, state in ((20, 0, "scheduled"), (50, 30, "scheduled"), (70, 50, "late"), (70, 0, "late")):
        fresh = FeedHealth("f", now - period_end * day, now - received * day)
        assert freshness(seconds("1mo"), True, fresh, now) == state


def test_a_date_window_is_half_open_in_local_time() -> None:
    found = window_of({"from": "2014-02-20", "to": "2014-03-01"}, NOW, ZONE)
    assert found.start.isoformat() == "2014-02-19T16:00:00+00:00"
    assert found.end.isoformat() == "2014-02-28T16:00:00+00:00"


@pytest.mark.parametrize(("word", "start"), [
    ("24h", "2026-11-21T02:30:00+00:00"), ("today", "2026-11-21T16:00:00+00:00"),
    ("week", "2026-11-15T16:00:00+00:00"), ("month", "2026-10-31T16:00:00+00:00"),
    ("ytd", "2025-12-31T16:00:00+00:00")])
def test_relative_windows_follow_the_local_clock(word: str, start: str) -> None:
    from zoneinfo import ZoneInfo

    assert relative(word, NOW, ZoneInfo(ZONE)).start.isoformat() == start


def test_at_moves_the_clock_back_and_never_forward() -> None:
    assert window_of({"at": "2026-11-20T12:00:00+08:00"}, NOW, ZONE).end == datetime(2026, 11, 20, 4, tzinfo=UTC)
    assert window_of({"at": "2030-01-01"}, NOW, ZONE).end == NOW


def test_no_window_ends_after_the_instant_it_is_seen_from() -> None:
    query = {"from": "2026-11-20", "to": "2026-11-22", "at": "2026-11-20T12:00:00+08:00"}
    found = window_of(query, NOW, ZONE)
    assert (found.end, found.end) == (datetime(2026, 11, 20, 4, tzinfo=UTC), found.at)
    assert window_of({**query, "at": ""}, NOW, ZONE).end == datetime(2026, 11, 21, 16, tzinfo=UTC)
    ahead = window_of({**query, "at": "2026-11-19"}, NOW, ZONE)
    assert ahead.start < ahead.end, "a window that has not begun is left as it is"


@pytest.mark.parametrize("query", [{"window": "9y"}, {"from": "x"}, {"from": "2026-02-02", "to": "2026-02-01"}])
def test_windows_that_make_no_sense(query: dict[str, str]) -> None:
    with pytest.raises(WrongInput):
        window_of(query, NOW, ZONE)


def test_yesterday_shifts_by_a_day() -> None:
    window = Window(NOW, NOW)
    before, words = shifted(window, "yesterday")
    assert (to_us(window.end) - to_us(before.end), words) == (86_400_000_000, "较昨日")
