"""Ages under a clock that steps: what was heard before it is judged as if it had not; nothing stays young."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from data.acceptance import Prepared
from data.ageing import Ages
from data.clock import Clock
from data.errors import Unavailable
from data.feedbook import FeedBook
from data.health import FeedHealth, freshness
from data.history_read import HistoryReader
from data.live import Live
from data.pack import load_pack

HOUR, MINUTE, S = 3_600_000_000, 60_000_000, 1_000_000
T0 = 1_795_000_000 * S
TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
STAMPS = ("last_time", "last_received", "last_contact")


class Process:
    """A wall clock that can be set, one that cannot, and the ages between them."""

    def __init__(self) -> None:
        self.wall, self.standing = T0, 5000.0
        self.ages = Ages(lambda: self.standing)
        self.state = FeedHealth("f", T0, T0, T0)
        self.look()

    def look(self) -> int:
        jumped = self.ages.look(self.wall)
        self.seen = self.ages.of({"f": self.state}, self.wall)["f"]
        return jumped

    def go(self, seconds: float) -> None:
        """Time passes, looked at each second."""
        for _ in range(int(seconds)):
            self.wall, self.standing = self.wall + S, self.standing + 1
            self.look()

    def step(self, micros: int) -> None:
        self.wall += micros
        self.go(1)

    def heard(self) -> None:
        """A record comes, stamped by the wall clock."""
        self.state = FeedHealth("f", self.wall, self.wall, self.wall)
        self.look()

    def mark(self, cadence_s: float = 60.0) -> str:
        return freshness(cadence_s, False, self.seen, self.wall)


@pytest.mark.parametrize("step", [HOUR, -HOUR, 90 * S, -90 * S])
def test_a_step_makes_no_live_feed_late_and_no_dead_one_live(step: int) -> None:
    one = Process()
    one.go(20)
    one.step(step)
    assert one.mark() == "live"
    one.go(180)
    assert one.mark() == "late", "three minutes after its last record, whatever the wall clock says"
    one.go(3600)
    assert one.mark() == "down"


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_late_feed_stays_late_and_its_next_record_makes_it_live(step: int) -> None:
    one = Process()
    one.go(300)
    assert one.mark() == "late"
    one.step(step)
    assert one.mark() == "late"
    one.heard()
    assert (one.mark(), one.seen.stepped) == ("live", 0)
    one.go(200)
    assert one.mark() == "late", "a feed that dies after the step is seen to"


def test_a_contact_after_the_step_does_not_make_an_old_record_old_or_young() -> None:
    one = Process()
    one.go(20)
    one.step(HOUR)
    one.state = replace(one.state, last_contact=one.wall)
    one.look()
    assert (one.mark(), one.seen.stepped, one.seen.contact_stepped) == ("live", HOUR, 0)
    one.go(3500)
    one.state = replace(one.state, last_contact=one.wall)
    one.go(300)
    assert one.mark() == "late", "it answers still"


def test_what_was_stamped_before_the_step_and_read_after_it_is_judged_as_before() -> None:
    one = Process()
    one.go(30)
    one.state = FeedHealth("f", one.wall, one.wall, one.wall)
    one.step(HOUR)
    assert (one.mark(), one.seen.stepped) == ("live", HOUR)


def test_a_process_that_starts_after_a_step_back_shows_a_dead_feed_live_no_longer_than_its_rhythm() -> None:
    one = Process()
    one.state = FeedHealth("f", T0 + HOUR, T0 + HOUR, T0 + HOUR)
    one.ages = Ages(lambda: one.standing)
    one.look()
    one.go(181)
    assert one.mark() == "late"


def test_slewing_and_waiting_are_no_steps_and_a_step_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    one = Process()
    one.wall, one.standing = one.wall + 7200 * S + S, one.standing + 7200
    assert one.look() == 0, "a machine that slept: both clocks went on"
    assert (one.ages.words(), caplog.records) == ("", [])
    one.wall -= HOUR - 400_000
    assert one.look() == -HOUR + 400_000
    assert "拨慢了 60 分钟" in one.ages.words()
    assert one.look() == 0
    assert [record.getMessage() for record in caplog.records] == [
        "wall clock jumped by -3599.6 s; ages are kept by the standing clock"]
    one.go(61)
    assert one.ages.words() == ""


def test_a_record_from_before_a_step_back_does_not_hide_those_after_it(tmp_path) -> None:
    book = FeedBook(tmp_path, ZoneInfo("Asia/Shanghai"), ("f",))
    book.took("f", Prepared([{}], newest=T0), T0)
    book.took("f", Prepared([{}], newest=T0 - HOUR - 40 * MINUTE), T0 - HOUR)
    state = book.states()["f"]
    assert freshness(60.0, False, state, T0 - HOUR) == "late", "received now, but forty minutes old"
    book.took("f", Prepared([{}], newest=T0 - HOUR - 50 * MINUTE), T0 - HOUR + S)
    assert book.states()["f"].last_time == T0 - HOUR - 40 * MINUTE


def test_a_record_from_the_future_is_no_younger_than_its_coming() -> None:
    state = FeedHealth("f", T0 + 4 * MINUTE, T0, T0)
    assert freshness(60.0, False, state, T0 + 4 * MINUTE) == "late"


@pytest.mark.parametrize("ahead", [3 * S, 2 * S + S // 2, HOUR])
def test_a_collector_whose_clock_is_ahead_does_not_change_the_mark_with_every_record(ahead: int) -> None:
    one = Process()
    marks = []
    for second in range(60):
        one.wall, one.standing = one.wall + S, one.standing + 1
        stamp = one.wall + ahead - second % 5 * S // 10
        one.state = FeedHealth("f", stamp, stamp, stamp)
        one.look()
        marks.append(one.seen.mark)
    assert len(set(marks[1:])) == 1, "one for all records but the first"
    assert one.mark() == "live"
    one.go(200)
    assert one.mark() == "late", "it dies as any other"
    one.step(-HOUR)
    one.heard()
    assert one.mark() == "live"
    one.go(200)
    assert one.mark() == "late"


class Away:
    """Redis that does not answer."""

    def health(self) -> dict[str, FeedHealth]:
        raise Unavailable("away")


@pytest.mark.parametrize("call", ["_from_disk", "_read_health"])
def test_a_record_of_after_a_step_is_not_taken_for_one_of_before(tmp_path: Path, call: str) -> None:
    """Redis is away and the health is due before the clocks are: a feed that dies then must not stay live an hour."""
    clock = Clock()
    live = Live(load_pack(TINY), Away(), HistoryReader(tmp_path / "h"), clock, tmp_path)  # type: ignore[arg-type]

    def heard() -> None:
        kept = {"feeds": {"gauges": {"feed": "gauges", **dict.fromkeys(STAMPS, clock.now_us())}}}
        (tmp_path / "health.json").write_bytes(orjson.dumps(kept))
        live._marks["health"] = 0.0
        getattr(live, call)()

    live._look()
    heard()
    object.__setattr__(clock, "offset_s", 3600.0)
    heard()
    live._look()
    found = live.health["gauges"]
    live._read_health()
    assert (found.stepped, found.contact_stepped) == (0, 0)
    assert live.health["gauges"].stepped == 0
    assert freshness(60.0, False, live.health["gauges"], clock.now_us() + 4 * MINUTE) == "late"
