"""Health of feeds: counts since local midnight, failures said once, kept over a restart."""

from __future__ import annotations

import logging
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from data.acceptance import Prepared
from data.errors import Unavailable
from data.feedbook import FeedBook
from data.health import FeedHealth
from data.times import parse_instant

EVENING = parse_instant("2026-11-21T23:59:00+08:00")
MORNING = parse_instant("2026-11-22T00:01:00+08:00")
ZONE = ZoneInfo("Asia/Shanghai")


def some(rows: int, newest: int = 0, duplicate: int = 0) -> Prepared:
    return Prepared([{}] * rows, duplicate, 0, newest, [(0, "x")])


def test_counts_run_from_local_midnight(tmp_path: Path) -> None:
    book = FeedBook(tmp_path, ZONE, ["a"])
    book.took("a", some(3, 50, 2), EVENING)
    book.took("a", some(1, 40), EVENING + 1)
    assert book.states()["a"] == FeedHealth("a", 50, EVENING + 1, EVENING + 1, accepted=4, duplicate=2, rejected=2)
    book.took("a", some(1, 60), MORNING)
    assert book.states()["a"] == FeedHealth("a", 60, MORNING, MORNING, accepted=1, rejected=1)


def test_a_duplicate_is_contact_but_no_news(tmp_path: Path) -> None:
    book = FeedBook(tmp_path, ZONE, ["a"])
    book.took("a", some(1, 5), EVENING)
    book.took("a", some(0, duplicate=1), EVENING + 9)
    assert (book.states()["a"].last_received, book.states()["a"].last_contact) == (EVENING, EVENING + 9)


def test_lost_and_back_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    book = FeedBook(tmp_path, ZONE, ["a"])
    for step in range(3):
        book.failed("a", "拒绝", EVENING + step)
    assert (book.states()["a"].failing_since, book.states()["a"].error) == (EVENING, "拒绝")
    for step in range(3):
        book.answered("a", EVENING + 10 + step)
    assert book.states()["a"].failing_since == 0
    assert [record.getMessage() for record in caplog.records] == ["feed a lost: 拒绝", "feed a back"]


def test_ticks_send_what_changed_and_write_every_five_seconds(tmp_path: Path) -> None:
    book, sent = FeedBook(tmp_path, ZONE, ["a", "b"]), []

    def send(states: list[FeedHealth]) -> None:
        sent.append([state.feed for state in states])

    def away(_states: list[FeedHealth]) -> None:
        raise Unavailable("away")

    def on_disk() -> int:
        return int(orjson.loads((tmp_path / "health.json").read_bytes())["feeds"]["a"]["accepted"])

    book.took("a", some(1), EVENING)
    book.tick(away, EVENING)
    assert on_disk() == 1
    book.tick(send, EVENING + 1_000_000)
    book.tick(send, EVENING + 2_000_000)
    assert sent == [["a"]], "sent again after a failure, and only what changed"
    book.took("a", some(1), EVENING + 2_000_000)
    book.tick(send, EVENING + 4_000_000)
    assert on_disk() == 1
    book.tick(send, EVENING + 5_000_000)
    assert on_disk() == 2
    assert FeedBook(tmp_path, ZONE, ["a"]).states()["a"].accepted == 2


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"day": 1, "feeds": {"a": {"x": 1}}}'])
def test_a_damaged_file_begins_anew(tmp_path: Path, text: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "health.json").write_bytes(text)
    assert FeedBook(tmp_path, ZONE, ["a"]).states() == {"a": FeedHealth("a")}
    assert "begin anew" in caplog.text
