"""The quality score by hand: a feed that falls silent loses points by the hour, and all but soundness within a day."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.feed_score import RULE, Shares, empty_slots, judged_hours, score, silence, timely
from data.feed_desk import FeedDesk
from data.health import FeedHealth
from data.ledger import HOUR_US, Ledger
from data.pack import load_pack

PACK = load_pack(Path(__file__).parents[1] / "fixtures" / "tiny_pack")
HOUR, MINUTE = HOUR_US, HOUR_US // 60
NOW = 490_000 * HOUR + 30 * MINUTE
WEEK = 168


def told(folder: Path, hours: dict[int, int], states: dict[str, FeedHealth], feed: str = "gauges",
         rejected: int = 0) -> dict[str, object]:
    """What the page says of a feed: records by hours ago, and the state it is in."""
    ledger = Ledger(folder)
    now = NOW // HOUR
    ledger.count(feed, {now - ago: number for ago, number in hours.items()}, (0, rejected, 0), NOW)
    ledger.flush(NOW)
    ledger.close()
    return FeedDesk(PACK, folder).facts(NOW, states)[feed]


def heard(ago_us: int, contact_us: int = 0, feed: str = "gauges") -> dict[str, FeedHealth]:
    return {feed: FeedHealth(feed, NOW - ago_us, NOW - ago_us, NOW - (contact_us or ago_us))}


def steady(since: int, until: int = 0) -> dict[int, int]:
    """Twelve readings an hour from so many hours ago on, until so many ago."""
    return {ago: 12 for ago in range(until, since + 1)}


def test_a_feed_in_its_rhythm_has_full_marks(tmp_path: Path) -> None:
    found = told(tmp_path, steady(3 * WEEK), heard(4 * MINUTE))
    assert (found["timely"], found["sound"], found["complete"], found["score"]) == (100, 100, 100, 100)


# By hand, of 24.5 h (24 whole hours and the half of the running one): silent h hours are missed; of 24 × 12 readings
# those of the whole hours before the last came. score = 40 × timely + 40 × 1 + 20 × complete.
@pytest.mark.parametrize(("silent_h", "timely_pct", "complete_pct", "points"), [
    (1, 95.9, 100.0, 98.4), (2, 91.8, 95.8, 95.9), (6, 75.5, 79.2, 86.0), (12, 51.0, 54.2, 71.3), (24, 2.0, 4.2, 41.7),
    (30, 0.0, 0.0, 40.0)])
def test_a_silent_feed_loses_its_points_within_the_day(tmp_path: Path, silent_h: int, timely_pct: float,
                                                       complete_pct: float, points: float) -> None:
    """The last reading came `silent_h` hours ago, so that its hour and all before are full."""
    found = told(tmp_path, steady(3 * WEEK, until=silent_h), heard(silent_h * HOUR))
    assert (found["timely"], found["complete"]) == (timely_pct, complete_pct)
    assert found["sound"] == 100
    assert float(str(found["score"])) == pytest.approx(points, abs=0.1)


def test_without_a_week_behind_it_the_silence_weighs_more(tmp_path: Path) -> None:
    found = told(tmp_path, steady(30, until=6), heard(6 * HOUR))
    assert (found["complete"], found["timely"]) == (None, 75.5)
    assert float(str(found["score"])) == pytest.approx((40 * 18.5 / 24.5 + 40) / 80 * 100, abs=0.1)


def test_whole_hours_without_a_reading_are_missed_also_after_the_feed_is_back(tmp_path: Path) -> None:
    hours = {ago: number for ago, number in steady(48).items() if ago not in (3, 4, 5)}
    assert told(tmp_path, hours, heard(4 * MINUTE))["timely"] == pytest.approx(100 * 21.5 / 24.5, abs=0.1)


def test_a_gap_within_three_rhythms_is_none(tmp_path: Path) -> None:
    assert told(tmp_path, steady(48), heard(15 * MINUTE))["timely"] == 100
    (tmp_path / "b").mkdir()
    late = told(tmp_path / "b", steady(48), heard(16 * MINUTE))["timely"]
    assert late == pytest.approx(100 * (1 - 16 / (24.5 * 60)), abs=0.1)


def test_an_hour_without_an_event_is_no_fault_and_a_source_that_stops_answering_is_one(tmp_path: Path) -> None:
    asked = {"cases": FeedHealth("cases", NOW - 9 * HOUR, NOW - 9 * HOUR, NOW - 9 * MINUTE)}
    assert told(tmp_path, {40: 3, 9: 1}, asked, "cases")["timely"] == 100
    (tmp_path / "b").mkdir()
    silent = {"cases": FeedHealth("cases", NOW - 9 * HOUR, NOW - 9 * HOUR, NOW - 7 * HOUR)}
    assert told(tmp_path / "b", {40: 3, 9: 1}, silent, "cases")["timely"] == pytest.approx(100 * 17.5 / 24.5, abs=0.1)


def test_a_feed_is_judged_only_since_it_came_first_and_never_for_what_never_came(tmp_path: Path) -> None:
    assert told(tmp_path, steady(3), heard(2 * MINUTE))["timely"] == 100
    (tmp_path / "b").mkdir()
    nothing = told(tmp_path / "b", {}, {})
    assert (nothing["timely"], nothing["score"]) == (None, None)


def test_slots_silences_and_overlaps() -> None:
    assert empty_slots({10: 1, 12: 4}, 10, 13, 300) == [(11, 12)]
    assert empty_slots({10: 1, 17: 1}, 10, 19, 3 * 3600) == [(13, 17)]
    assert (silence(100, 130, 30), silence(100, 131, 30)) == ([], [(100, 131)])
    assert timely([(10, 20), (15, 30), (90, 500), (-5, 2)], 0, 100) == pytest.approx(0.68)
    assert timely([], 5, 5) is None
    assert (judged_hours(300), judged_hours(3600), judged_hours(86_400)) == (24, 24, 240)
    assert score(Shares(timely=0.5, sound=1.0)) == 75
    assert "近 24 小时" in RULE
    assert "静默" in RULE


def occupied(*minutes: int) -> dict[int, int]:
    """Records by hour, of minutes since some midnight."""
    found: dict[int, int] = {}
    for minute in minutes:
        found[minute // 60] = found.get(minute // 60, 0) + 1
    return found


# By hand: (rhythm in s, minutes of the records, hours missed).
RHYTHMS = {
    "hourly, a minute before and after the full hour in turn": (
        3600, [60 * hour + (1 if hour % 2 else -1) for hour in range(1, 25)], []),
    "hourly, from 3:30 to 8:30 nothing": (
        3600, [60 * hour + 30 for hour in range(24) if not 3 < hour < 8], [(4, 8)]),
    "hourly, one reading less is within the hour allowed": (3600, [30, 90, 210, 270], []),
    "daily, at 7 and at 8 in turn": (86_400, [1440 * day + 60 * (7 + day % 2) for day in range(10)], []),
    "daily, the fourth day missing: due at 7 of day 3, next at 8 of day 4": (
        86_400, [1440 * day + 60 * (8 if day == 4 else 7) for day in range(10) if day != 3], [(79, 104)]),
    "every five minutes, from 5:00 to 6:00 nothing": (
        300, [5 * number for number in range(288) if not 60 <= number < 72], [(5, 6)]),
    "every five minutes, from 5:05 to 6:55 nothing: no whole hour is empty": (
        300, [5 * number for number in range(288) if not 61 < number < 83], [])}


@pytest.mark.parametrize("name", RHYTHMS)
def test_only_what_was_due_and_did_not_come_is_missed(name: str) -> None:
    cadence_s, minutes, missed = RHYTHMS[name]
    counts = occupied(*minutes)
    assert empty_slots(counts, min(counts), max(counts), cadence_s) == missed


def test_a_stretch_that_began_before_the_hours_judged_is_missed_from_their_start() -> None:
    counts = {0: 1, 30: 1, 31: 1, 40: 1}
    assert empty_slots(counts, 20, 31, 3600) == [(20, 30)], "what is after the end is not asked for"
    assert empty_slots(counts, 30, 31, 3600) == []
