"""Events that ended before memory, and replayed instants, through the gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_engine import event

from access.principal import Principal, demo_principal
from data.answers import Question, Scope
from data.batches import Batch
from data.clock import Clock, from_us
from data.errors import NotFound
from data.gate import Gate
from data.history import HistoryReader, HistoryWriter
from data.live import Live
from data.pack import load_pack
from data.past_tables import PastTables
from data.state import State
from data.windows import window_of

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
CODE = "990101001000"


class Told:
    """A history and a gate over it; `tell` writes stage rows received at their own instants."""

    def __init__(self, folder: Path) -> None:
        self.now = from_us(Clock().now_us()).replace(microsecond=0)
        self.writer, self.reader = HistoryWriter(folder / "h"), HistoryReader(folder / "h")
        self.pack, self.seq, self.feed = load_pack(TINY), 0, "cases"
        live = Live(self.pack, State(f"unix://{folder}/none.sock", "t:"), self.reader, Clock(), folder)
        self.gate, self.principal = Gate(self.pack, live, self.reader), demo_principal(self.pack.place.code)

    def tell(self, event_id: str, stage: str, hours_ago: float, **more: Any) -> Batch:
        self.seq += 1
        at = self.now - timedelta(hours=hours_ago)
        row = event(event_id, stage, more.pop("received", at), at, CODE, **more)
        row |= {"seq": self.seq, "feed": self.feed, "demo": False, "prev": 0}
        batch = Batch(self.seq, self.seq, self.feed, "event", row["received"], [row])
        self.writer.append(batch)
        self.writer.commit()
        return batch

    def load(self) -> None:
        self.gate.live.tables.load(Clock().now_us())

    def rows(self, **query: str) -> Any:
        span = window_of(query, datetime.now(UTC), "Asia/Shanghai")
        return self.gate.read(self.principal, Question("rows", "events", order="newest", limit=10),
                              Scope(self.pack.place.code), span)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    found = Told(tmp_path)
    begun = found.now - timedelta(days=100)
    found.tell("old", "received", 24 * 100, title="旧路灯")
    found.tell("old", "closed", 24 * 99, received=begun, title="旧路灯")
    found.tell("new", "received", 5, title="新路灯")
    found.load()
    return found


def test_an_event_that_ended_before_memory_is_listed_and_shown(told: Told) -> None:
    assert told.gate.live.tables.events.position("cases", "old") is None
    day = (told.now - timedelta(days=102)).date(), (told.now - timedelta(days=97)).date()
    found = told.rows(**{"from": str(day[0]), "to": str(day[1])})
    assert [(row["id"], row["title"], row["stage_code"]) for row in found.rows] == [("old", "旧路灯", "closed")]
    assert found.total == 1
    row = told.gate.event(told.principal, "old", window_of({}, datetime.now(UTC), "Asia/Shanghai"))
    assert [step["stage_code"] for step in row["history"]] == ["received", "closed"]
    everything = told.rows(**{"from": str(day[0])})
    assert [row["id"] for row in everything.rows] == ["new", "old"]
    with pytest.raises(NotFound):
        told.gate.event(told.principal, "none", window_of({}, datetime.now(UTC), "Asia/Shanghai"))


def test_a_replayed_event_stands_as_it_stood(told: Told) -> None:
    at = (told.now - timedelta(hours=24 * 99 + 12)).isoformat()
    for query in ({"at": at}, {"at": at, "known": "now"}):
        row = told.gate.event(told.principal, "old", window_of(query, datetime.now(UTC), "Asia/Shanghai"))
        assert row["stage_code"] == "received"


def test_a_later_correction_reaches_the_replay_that_asks_for_it(told: Told) -> None:
    at = (told.now - timedelta(hours=2)).isoformat()
    open_then = Question("metric", "open_cases")
    scope = Scope(told.pack.place.code)

    def value(query: dict[str, str]) -> float | None:
        span = window_of(query, datetime.now(UTC), "Asia/Shanghai")
        return told.gate.read(told.principal, open_then, scope, span).value

    assert (value({"at": at}), value({"at": at, "known": "now"})) == (1.0, 1.0)
    told.seq += 1
    late = event("late", "received", told.now - timedelta(hours=4), told.now - timedelta(hours=4), CODE)
    late |= {"seq": told.seq, "feed": "cases", "demo": False, "prev": 0, "received": Clock().now_us()}
    told.writer.append(Batch(told.seq, told.seq, "cases", "event", late["received"], [late]))
    told.writer.commit()
    assert (value({"at": at}), value({"at": at, "known": "now"})) == (1.0, 2.0)


def test_an_ended_event_is_found_by_its_number_when_history_is_asked(told: Told) -> None:
    told.gate.named.learn()
    span, scope = window_of({}, datetime.now(UTC), "Asia/Shanghai"), Scope(told.pack.place.code)

    def found(text: str, order: str = "", who: Principal = told.principal) -> list[tuple[str, str, str]]:
        answer = told.gate.read(who, Question("search", text, order=order), replace(scope, division=who.division), span)
        return [(row["id"], row["name"], row["what"]) for row in answer.rows]

    assert found("old") == []
    assert found("old", "ended") == found("ＯＬＤ".lower(), "ended") == [("old", "旧路灯", "结案")]
    assert found("ol", "ended") == found("old' or '1'='1", "ended") == []
    assert found("new", "ended") == [("new", "新路灯", "受理")]
    elsewhere = demo_principal("990101002000")
    assert found("old", "ended", elsewhere) == []


def test_as_known_now_is_read_once_for_a_whole_view_while_history_grows(told: Told,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """Every panel of a view asks for the instant; history grows every few seconds under them."""
    reads, ticks, read = [], [0.0], PastTables.read

    def slowly(tables: PastTables, *asked: Any) -> None:
        read(tables, *asked)
        reads.append(asked)
        ticks[0] += 4

    monkeypatch.setattr(PastTables, "read", slowly)
    monkeypatch.setattr("data.past.time.monotonic", lambda: ticks[0])
    at = (told.now - timedelta(hours=1)).isoformat()

    def seen() -> int:
        told.tell("other", "received", 0.1)
        return int(told.rows(at=at, known="now", window="7d").total)

    before = seen()
    told.tell("late", "received", 2, received=told.now)
    assert [seen() for _ in range(5)] == [before] * 5
    assert len(reads) == 1
    ticks[0] = 60.0
    assert (seen(), len(reads)) == (before + 1, 2), "and again some seconds later"
