"""A view of an instant is judged as of that instant: what was fresh then, what was lost then, nothing live to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from access.principal import demo_principal
from data.answers import Answer, Question, Scope
from data.batches import Batch
from data.clock import Clock
from data.feed_desk import FeedDesk
from data.gate import Gate
from data.health import FeedHealth
from data.history_read import HistoryReader
from data.history_write import HistoryWriter
from data.ledger import Ledger
from data.live import Live
from data.pack import load_pack
from data.state import State
from data.windows import window_of
from layouts import frame
from layouts.panels.feeds import _late as late
from tests.fixtures import answers as invented
from tests.fixtures.panels import BY_KEY

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
PACK = load_pack(TINY)
CONTEXT = invented.context(BY_KEY["feeds"])
MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
NOW = Clock().now_us()
THEN = NOW - 5 * DAY
QUESTIONS = (Question("metric", "level"), Question("rows", "assets:gauge"), Question("rows", "events"),
             Question("warnings"), Question("feeds"))


class Still(Clock):
    """Stands at NOW, however long the tests before took."""

    def now_us(self) -> int:
        return NOW + int(self.offset_s * 1e6)


def instant(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Readings each five minutes for an hour until THEN, and none since but one just now; lost from THEN + 2 h on."""
    times = [*(THEN - 60 * MINUTE + n * 5 * MINUTE for n in range(13)), NOW - MINUTE]
    rows = [{"seq": n, "prev": 0, "received": time + MINUTE, "feed": "gauges", "code": "990101001000", "demo": False,
             "station": "g1", "metric": "level", "time": time, "value": 1.0, "quality": None}
            for n, time in enumerate(times, 1)]
    writer = HistoryWriter(tmp_path / "h")
    writer.append(Batch(1, len(rows), "gauges", "observation", NOW, rows))
    writer.commit()
    ledger = Ledger(tmp_path)
    ledger.lost("gauges", THEN + 2 * HOUR, "对方拒绝连接")
    ledger.back("gauges", NOW - 2 * MINUTE)
    ledger.close()
    reader = HistoryReader(tmp_path / "h")
    live = Live(PACK, State(f"unix://{tmp_path}/none.sock", "t:"), reader, Still(), tmp_path)
    live.tables.load(NOW)
    live.health.update({feed: FeedHealth(feed, NOW, NOW, NOW) for feed in PACK.feeds})
    return Gate(PACK, live, reader, FeedDesk(PACK, tmp_path))


def read(gate: Gate, question: Question, **query: str) -> Answer:
    span = window_of(query, instant(NOW), "Asia/Shanghai")
    return gate.read(demo_principal(PACK.place.code), question, Scope(PACK.place.code), span)


def feed_row(answer: Answer, feed: str = "gauges") -> dict[str, Any]:
    return next(row for row in answer.rows if row["feed"] == feed)


@pytest.mark.parametrize(("after_min", "word"), [(2, "live"), (13, "live"), (17, "late"), (60, "late"),
                                                 (121, "down"), (7100, "down")])
def test_a_figure_and_a_feed_are_as_fresh_as_they_were_then(gate: Gate, after_min: int, word: str) -> None:
    at = instant(THEN + after_min * MINUTE).isoformat()
    row = feed_row(read(gate, Question("feeds"), at=at))
    assert (read(gate, Question("metric", "level"), at=at).freshness, row["freshness"]) == (word, word)
    assert row["error"] == ("对方拒绝连接" if word == "down" else "")
    assert (row["accepted"], row.get("score")) == (None, None), "counts of today are not those of then"
    assert (row["last_received_us"], row["last_contact_us"]) == (0, 0), "no instant is made up for what is not kept"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.kind}-{question.name}")
@pytest.mark.parametrize("ahead", [timedelta(minutes=1), timedelta(days=40), timedelta(days=900)], ids=str)
def test_nothing_is_live_at_an_instant_to_come(gate: Gate, question: Question, ahead: timedelta) -> None:
    answer = read(gate, question, at=(instant(NOW) + ahead).isoformat())
    expected = "late" if question.name == "level" else "unknown"
    assert answer.freshness in (expected, "late" if question.kind == "feeds" else expected)
    assert {row["freshness"] for row in answer.rows if row.get("feed") == "gauges"} <= {"late"}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question.kind}-{question.name}")
def test_nothing_is_live_before_anything_was_told(gate: Gate, question: Question) -> None:
    answer = read(gate, question, at="2003-05-06T07:08:09Z")
    assert answer.freshness == "unknown"
    assert all(row["freshness"] == "unknown" for row in answer.rows if "freshness" in row)


def test_now_is_judged_now(gate: Gate) -> None:
    assert read(gate, Question("metric", "level")).freshness == "live"
    assert feed_row(read(gate, Question("feeds")))["freshness"] == "live"


def test_a_window_that_ends_in_the_future_is_not_live_for_ever(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    until = (instant(NOW) + timedelta(days=300)).isoformat()
    assert read(gate, Question("metric", "level"), to=until).freshness == "live"
    monkeypatch.setattr(gate.live, "clock", Still(1200.0))
    assert read(gate, Question("metric", "level"), to=until).freshness == "late"


def test_the_programs_own_feed_was_there_while_anything_came(gate: Gate) -> None:
    cases = PACK.feeds["cases"]
    own = cases.model_copy(update={"source": cases.source.model_copy(update={"kind": "own"})})
    mine = Gate(replace(PACK, feeds={**PACK.feeds, "cases": own}), gate.live, gate.live._reader)
    found = [feed_row(read(mine, Question("feeds"), at=instant(THEN + at * MINUTE).isoformat()), "cases")["freshness"]
             for at in (2, 200)]
    assert found == ["live", "late"]


def test_how_late_a_feed_was_is_counted_to_the_instant_of_the_view(gate: Gate) -> None:
    row = feed_row(read(gate, Question("feeds"), at=instant(THEN + HOUR).isoformat()))
    assert late(row, CONTEXT) == "55分"
    assert late(row | {"judged_us": 0}, replace(CONTEXT, now_us=THEN + 2 * HOUR)) == "01时55分"


def test_a_banner_of_a_replay_does_not_count_on_to_now() -> None:
    time = instant(CONTEXT.now_us - 2 * HOUR)
    answer = Answer(Question("metric", "level"), "水位", value=1.0, freshness="late", time=time)
    assert '已 <span class="age"' in frame._stale_banner(answer, CONTEXT)
    then = frame._stale_banner(answer, replace(CONTEXT, view=replace(CONTEXT.view, at="2026-11-20T08:00")))
    assert ("，到回放时刻未更新" in then, 'class="age"' in then) == (True, False)
