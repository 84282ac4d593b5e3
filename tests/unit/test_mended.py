"""What a correction takes from an event goes from memory too, a moment later, without a restart."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_last_known import STAMP, Place, Tail
from test_memory_tables import NOW, row

from data.batches import Batch
from data.clock import to_us
from data.live import Live
from data.records import Row

HOUR = 3_600_000_000


def stage(seq: int, name: str, hours_ago: float, prev: int = 0, key: str = "e1", **more: Any) -> Row:
    raw = {"id": key, "time": ago(more.pop("begun", 9)), "category": "c", "channel": "hotline", "stage": name,
           "stage_time": ago(hours_ago), "division": "990101001000", **more}
    return {**row("event", "cases", seq, raw), "prev": prev}


def ago(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat()


def batch(*rows: Row) -> Batch:
    return Batch(rows[0]["seq"], rows[-1]["seq"], "cases", "event", STAMP, list(rows))


RECEIVED = batch(stage(1, "received", 9, due=ago(-1), title="路灯不亮"))
RETURNED = batch(stage(2, "handling", 5, act="return", department="城管", level="urgent"))
MENDED = batch(stage(3, "handling", 5, prev=2, department="交通"))


def told(live: Live, key: str = "e1") -> dict[str, Any]:
    """One event as memory tells it, in words."""
    events = live.tables.events
    at = events.position("cases", key)
    assert at is not None, key
    found = events.columns.frame().slice(at, 1).to_pylist()[0]
    words = {name: getattr(events, name).words[found[name]] for name in ("category", "channel", "department", "feed")}
    return {**{name: None if value != value else value for name, value in found.items()}, **words,
            "texts": events.texts[at]}


def fresh(place: Place) -> Live:
    """A web process that reads everything from history."""
    place.file.unlink(missing_ok=True)
    return place.live(Tail(away=True))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, RECEIVED)


def test_what_a_replaced_row_alone_had_said_goes_a_moment_after_the_correction(place: Place) -> None:
    live = place.live(Tail(RECEIVED, RETURNED, MENDED))
    heard: list[tuple[str, ...]] = []
    live.listen(lambda _seq, feeds: heard.append(feeds))
    live._turn()
    assert told(live)["department"] == "交通", "the correction itself is there at once"
    assert (told(live)["returned"], told(live)["texts"]) == (True, ("路灯不亮", "", "urgent"))
    generation = live.generation
    assert live._mending.settle()
    assert (told(live)["returned"], told(live)["texts"]) == (False, ("路灯不亮", "", ""))
    assert (live.generation, heard[-1]) == (generation + 1, ("cases",)), "what was answered of it is asked again"
    assert live._mending.owed() == []
    place.commit(RETURNED, MENDED)
    assert told(live) == told(fresh(place)), "as a new process tells it"


def test_a_correction_of_an_earlier_stage_counts(place: Place) -> None:
    """The newest stage says no due time: the corrected one of the first stage holds."""
    moved = batch(stage(3, "received", 9, prev=1, due=ago(-2), title="路灯不亮"))
    live = place.live(Tail(RECEIVED, RETURNED, moved))
    live._turn()
    assert live._mending.settle()
    assert told(live)["due"] == to_us(NOW) + 2 * HOUR
    place.commit(RETURNED, moved)
    assert told(live) == told(fresh(place))


def test_what_only_a_late_row_of_an_earlier_stage_says_is_taken(place: Place) -> None:
    late = batch(stage(3, "filed", 8, due=ago(-3), title="路灯全不亮"))
    live = place.live(Tail(RECEIVED, RETURNED, late))
    live._turn()
    assert live._mending.settle()
    assert told(live)["due"] == to_us(NOW) + 3 * HOUR
    place.commit(RETURNED, late)
    assert told(live) == told(fresh(place))


def test_a_correction_that_takes_nothing_away_asks_nothing_again(place: Place) -> None:
    second = batch(stage(2, "handling", 5, department="城管"))
    live = place.live(Tail(RECEIVED, second, batch(stage(3, "handling", 5, prev=2, department="交通"))))
    live._turn()
    generation = live.generation
    assert live._mending.settle()
    assert (live.generation, live._mending.owed()) == (generation, [])


def test_rows_that_come_while_history_is_read_are_not_lost(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    live = place.live(tail := Tail(RECEIVED, RETURNED, MENDED))
    live._turn()
    closed, changes_of = batch(stage(4, "closed", 1)), live._reader.changes_of

    def slowly(*asked: Any) -> Any:
        found = changes_of(*asked)
        if len(tail.batches) == 3:
            tail.batches.append(closed)
            live._turn()
        return found

    monkeypatch.setattr(live._reader, "changes_of", slowly)
    assert live._mending.settle()
    assert told(live)["stage"] == 6, "closed while the rows were read"
    assert live._mending.owed() == [["cases", "e1"]], "and so it is owed still"
    assert live._mending.settle()
    place.commit(RETURNED, MENDED, closed)
    assert told(live) == told(fresh(place))
    assert not told(live)["returned"]


def test_without_history_it_is_owed_and_paid_later_also_by_the_next_process(place: Place) -> None:
    live = place.live(tail := Tail(RECEIVED, RETURNED, MENDED))
    live._turn()
    good = (place.history / "manifest.json").read_bytes()
    place.damage_history()
    assert not live._mending.settle()
    assert told(live)["returned"]
    (place.history / "manifest.json").write_bytes(good)
    assert live._known.keep(live._shot())
    later = place.live(tail)
    assert (later.served_from, later._mending.owed()) == ("disk", [["cases", "e1"]])
    assert later._mending.settle()
    place.commit(RETURNED, MENDED)
    assert told(later) == told(fresh(place))


def test_an_event_that_memory_had_let_go_of_is_made_anew(tmp_path: Path) -> None:
    """It ended two months ago: its rows are read from history alone, and it stands once."""
    day = 24
    place = Place(tmp_path, batch(stage(1, "received", 60 * day, begun=60 * day, title="旧路灯")),
                  batch(stage(2, "closed", 59 * day, begun=60 * day, satisfaction=1)))
    mended = batch(stage(3, "closed", 59 * day, prev=2, begun=60 * day))
    live = place.live(Tail(mended))
    assert live.tables.past_events().ids == ["e1"]
    live._turn()
    assert live._mending.settle()
    assert (live.tables.past_events().ids, live.tables.events.ids) == ([], ["e1"])
    assert told(live)["satisfaction"] is None


def test_the_thread_pays_by_itself_and_ends(place: Place) -> None:
    live = place.live(Tail(RECEIVED, RETURNED, MENDED))
    done = threading.Event()
    live._turn()
    live.listen(lambda _seq, _feeds: done.set())
    live._mending.keep_going(live._stop)
    assert done.wait(10)
    assert not told(live)["returned"]
    live._stop.set()
