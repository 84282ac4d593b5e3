"""The demo county is one state, the same for the same seed and time, with the rhythms that a county has."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from demo_tree import county, pack_file, tree

from data.people import People
from demo.days import DAY_S, Days, day_number
from demo.feeds import OBSERVED, Observations
from demo.people import write_people

COUNTY = county()
FEEDS = Observations(COUNTY)
SUNDAY, MONDAY = day_number("2026-11-15"), day_number("2026-11-16")
NEW_YEAR = day_number("2026-02-17")


def mean_of(feed: str, metric: str, first: int, days: int) -> float:
    return float(np.mean([np.nanmean(series.values) for day in range(first, first + days)
                          for series in FEEDS.block(feed, day) if series.metric == metric]))


def test_same_seed_and_time_give_the_same_bytes_in_any_order() -> None:
    other = Observations(county())
    other.block("river", MONDAY + 90)
    for feed in reversed(OBSERVED):
        for one, two in zip(FEEDS.block(feed, MONDAY), other.block(feed, MONDAY), strict=True):
            assert one.ids == two.ids
            assert one.values.tobytes() == two.values.tobytes()


def test_pieces_of_time_join_to_the_whole_without_loss_or_repeat() -> None:
    first, last = MONDAY * DAY_S + 7 * 3600, MONDAY * DAY_S + 9 * 3600
    cuts = [first, first + 1, first + 601, first + 3000, last]
    for feed in ("rain", "power", "air_hourly", "traffic"):
        whole = FEEDS.reported(feed, first, last)
        pieces = [row for a, b in pairwise(cuts) for row in FEEDS.reported(feed, a, b)]
        keys = [(row["station"], row["metric"], row["time"]) for row in pieces]
        assert len(set(keys)) == len(keys) > 0
        assert sorted(map(repr, pieces)) == sorted(map(repr, whole))


def test_hourly_history_and_live_values_agree() -> None:
    for feed in ("rain", "river", "traffic", "power"):
        for series in FEEDS.block(feed, day_number("2026-06-10")):
            adds = series.metric in OBSERVED[feed].adds
            hourly = series.hourly(adds)
            step = 3600 // OBSERVED[feed].step_s
            expected = series.values.reshape(24, step, -1)
            np.testing.assert_allclose(hourly.values, expected.sum(axis=1) if adds else expected[:, -1], atol=1e-6)
            assert (hourly.times % 3600 == 0).all()


def test_sizes() -> None:
    counts = {layer: len(sites.ids) for layer, sites in COUNTY.sites.items()}
    stations = ("station_air", "station_water", "station_rain", "station_river", "reservoir")
    assert sum(counts[name] for name in stations) == 60
    assert sum(number for name, number in counts.items() if name.startswith("sensor_")) == 1500
    assert counts["gate"] == 12
    assert counts["parking"] == 5
    assert len(COUNTY.ground.towns) == 24


def test_day_and_week() -> None:
    flow = FEEDS.block("traffic", MONDAY)[0]
    hours = COUNTY.days.local_hour(flow.times)
    assert flow.values[(hours > 7.5) & (hours < 8.5)].mean() > 5 * flow.values[(hours > 2) & (hours < 4)].mean()
    assert mean_of("power", "industrial_mw", MONDAY, 1) > 1.1 * mean_of("power", "industrial_mw", SUNDAY, 1)
    # UTC day SUNDAY runs to Monday 08:00 local: nobody is in the hall
    assert mean_of("hall", "hall_cases", SUNDAY, 1) == 0
    assert mean_of("hall", "hall_cases", MONDAY, 1) > 1


def test_spring_festival_moves_traffic_power_and_the_hall() -> None:
    usual, feast = NEW_YEAR - 40, NEW_YEAR
    assert mean_of("traffic", "flow", feast, 5) > 1.3 * mean_of("traffic", "flow", usual, 5)
    assert mean_of("power", "industrial_mw", feast, 5) < 0.4 * mean_of("power", "industrial_mw", usual, 5)
    assert mean_of("hall", "hall_cases", feast, 5) == 0


def test_wet_season_and_a_storm_day_each_june() -> None:
    def rain(first: str, days: int) -> np.ndarray:
        day = day_number(first)
        return COUNTY.sky.hours(day * 24, (day + days) * 24)[:, :24]

    year = rain("2025-01-01", 365).sum(axis=0).mean()
    assert 1100 < year < 2200
    assert rain("2025-04-01", 91).sum() > 3 * rain("2025-10-01", 91).sum()
    for june in ("2024-06-01", "2025-06-01", "2026-06-01"):
        hourly = rain(june, 32)
        daily = np.array([hourly[row:row + 24].sum(axis=0).max() for row in range(0, len(hourly) - 24, 6)])
        assert daily.max() >= 90


def test_rain_is_alike_at_near_stations_and_less_so_far_away() -> None:
    sites = COUNTY.sites["station_rain"]
    day = day_number("2025-05-01")
    hourly = COUNTY.sky.hours(day * 24, (day + 60) * 24)[:, :24]
    table = np.corrcoef(hourly.T)
    away = np.hypot(sites.x_km[:, None] - sites.x_km, sites.y_km[:, None] - sites.y_km)
    near, far = table[(away > 0) & (away < 15)].mean(), table[away > 45].mean()
    assert near > 0.6
    assert near > far + 0.1


@pytest.mark.parametrize("scenario", ["quiet", "storm", "feed-down"])
def test_values_pass_the_declared_checks(scenario: str) -> None:
    anchor = MONDAY * DAY_S + 5 * 3600
    feeds = Observations(county(scenario, anchor))
    declared = pack_file("feeds.yaml")
    for feed in OBSERVED:
        checks = declared[feed]["checks"]
        for day in (MONDAY, day_number("2026-06-18"), NEW_YEAR):
            for series in feeds.block(feed, day):
                limit = checks[series.metric]
                assert np.nanmin(series.values) >= limit["low"]
                assert np.nanmax(series.values) <= limit["high"]
                assert not np.isinf(series.values).any()


def test_calendar_is_consistent() -> None:
    years = pack_file("calendar.yaml")["years"]
    days = Days(pack_file("calendar.yaml"), 8 * 3600)
    assert set(years) == set(range(2022, 2028))
    for year, block in years.items():
        assert block["source"]
        feast = np.array([day_number(block["spring_festival"])])
        assert days.holiday(feast)[0]
        assert days.spring(feast)[0] == 0
        for text in block["workdays"]:
            number = day_number(text)
            assert (number + 3) % 7 >= 5, f"{text} is no weekend"
            assert not days.off(np.array([number]))[0]
        assert all(span["from"] <= span["to"] and int(span["to"][:4]) == year for span in block["holidays"])



def test_persons_are_invented_and_marked(tmp_path) -> None:
    world, divisions = SimpleNamespace(county=COUNTY), tree()
    file = write_people(world, tmp_path)
    held = file.read_text(encoding="utf-8").splitlines()
    assert all(line.endswith(",1") and "某某,100" in line for line in held[1:])
    people = People(tmp_path)
    assert [one["role"] for one in people.of(divisions.root.code)] == ["书记", "县长"]
    assert [one["role"] for one in people.of("990731100000")] == ["书记", "镇长"]
    assert [one["role"] for one in people.of("990731100200")] == ["网格员"]
    assert {one["demo"] for item in divisions.items for one in people.of(item.code)} == {True}
    before = file.stat().st_mtime_ns
    assert write_people(world, tmp_path).stat().st_mtime_ns == before
