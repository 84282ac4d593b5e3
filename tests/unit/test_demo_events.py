"""City events, warnings and figures of the demo county: whole, plausible, and without real persons."""

import re
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import shapely
from demo_tree import county, pack_file

from data.records import STAGES, parse
from data.times import parse_period
from demo import truth
from demo.bulletins import Bulletins
from demo.city_events import CityEvents
from demo.days import DAY_S, day_number
from demo.economy import Economy, Release, releases
from demo.indicators import INDICATORS

COUNTY = county()
EVENTS = CityEvents(COUNTY)
NOW = day_number("2026-11-22") * DAY_S + 6 * 3600
MICRO = 1_000_000


@cache
def standing() -> tuple[dict, ...]:
    return tuple(EVENTS.standing(NOW))


def test_a_day_brings_300_to_600_events() -> None:
    sizes = [len(EVENTS.of_day(day).ids) for day in range(day_number("2026-01-01"), day_number("2026-12-31"), 9)]
    sizes += [len(EVENTS.of_day(day_number("2026-02-17")).ids)]
    assert min(sizes) >= 300
    assert max(sizes) <= 600
    assert 400 < np.mean(sizes) < 520


def test_spring_festival_and_sundays_bring_fewer() -> None:
    feast = np.mean([EVENTS.desk.size(day_number("2026-02-17") + day) for day in range(5)])
    usual = np.mean([EVENTS.desk.size(day_number("2026-03-09") + day) for day in range(5)])
    assert feast < 0.7 * usual
    assert EVENTS.desk.size(day_number("2026-03-15")) < usual


def test_records_are_canonical_and_go_through_the_stages_in_order() -> None:
    last: dict[str, int] = {}
    channels = pack_file("channels.yaml")
    names = {category.department for category in COUNTY.categories.values()}
    for record in standing():
        row = parse("event", record)
        assert row["demo"]
        assert row["stage_time"] >= row["time"]
        assert row["due"] > row["time"]
        assert row["department"] in names
        assert row["category"] in COUNTY.categories
        assert row["channel"] in channels
        stage = STAGES.index(row["stage"])
        assert stage >= last.get(row["id"], 0)
        last[row["id"]] = stage
    assert len(last) > 900
    assert sum(stage < STAGES.index("closed") for stage in last.values()) > 200


def test_points_lie_inside_their_village_and_some_events_have_none() -> None:
    placing = Counter()
    divisions = COUNTY.ground.divisions
    for day in (day_number("2026-11-20"), day_number("2026-06-18")):
        table = EVENTS.of_day(day)
        for village, lon, lat, kind in zip(table.intake.village, table.intake.lon, table.intake.lat,
                                           table.intake.placing, strict=True):
            placing[int(kind)] += 1
            shape = divisions.geometry[divisions.index(COUNTY.ground.villages[village].code)]
            assert shapely.intersects_xy(shape, lon, lat)
    assert placing[0] > 0.8 * placing.total()
    assert placing[1] > 0
    assert placing[2] > 0
    located = [record for record in standing() if "division" in record]
    assert all(record["division"] in divisions and "lon" not in record for record in located)


def test_pieces_of_time_join_to_the_whole() -> None:
    cuts = [NOW - 3600, NOW - 3599, NOW - 1000, NOW]
    pieces = [row for a, b in pairwise(cuts) for row in EVENTS.changes(a, b)]
    assert pieces == EVENTS.changes(cuts[0], cuts[-1])
    assert len(pieces) > 60
    identities = [(row["id"], row["stage"], row["stage_time"]) for row in pieces]
    assert len(set(identities)) == len(identities)


def test_opening_state_and_later_changes_meet_without_a_gap() -> None:
    known = {(row["id"], row["stage"], row["stage_time"]) for row in standing()}
    later = {(row["id"], row["stage"], row["stage_time"]) for row in EVENTS.standing(NOW + 3600)}
    told = {(row["id"], row["stage"], row["stage_time"]) for row in EVENTS.changes(NOW, NOW + 3600)}
    assert not known & told
    assert later <= known | told


def test_every_act_happens_and_most_cases_end_in_time() -> None:
    acts, late, ended = Counter(), 0, 0
    for day in range(day_number("2026-09-01"), day_number("2026-09-15")):
        steps = EVENTS.of_day(day).steps
        acts.update(np.asarray(steps.act).tolist())
        closed = steps.stage == STAGES.index("closed")
        late += int((steps.at[closed] > steps.due[closed]).sum())
        ended += int(closed.sum())
    assert all(acts[act] > 5 for act in range(5))
    assert 0.01 < late / ended < 0.15


def test_nobody_can_be_recognised() -> None:
    for record in standing():
        text = record["title"] + record["detail"]
        assert not re.search(r"\d{7,}", text)
        assert not re.search(r"(先生|女士|身份证号)", text)
        if "reporter" in record:
            assert re.fullmatch(r".\*\* 1\d\*{7}\d\d", record["reporter"])
    assert {record["channel"] for record in standing() if "reporter" not in record} == {"grid", "urban", "iot"}


def test_truth_names_duplicates_clusters_and_anomalies() -> None:
    days = range(day_number("2026-05-01"), day_number("2026-05-15"))
    facts = [fact for day in days for fact in truth.of_day(EVENTS, day)]
    kinds = Counter(fact["truth"] for fact in facts)
    assert set(kinds) == {"cause", "anomaly", "cluster", "duplicate"}
    table = EVENTS.of_day(day_number("2026-05-04"))
    place = {identity: number for number, identity in enumerate(table.ids)}
    for fact in truth.of_day(EVENTS, day_number("2026-05-04")):
        if fact["truth"] == "duplicate":
            one, two = place[fact["event"]], place[fact["of"]]
            assert table.intake.category[one] == table.intake.category[two]
            assert 0 < table.intake.time[one] - table.intake.time[two] <= 7 * 3600
            assert table.intake.lon[one] == table.intake.lon[two]


def test_warnings_follow_the_rules_and_are_lifted_when_raised() -> None:
    storm = county("storm", NOW)
    bulletins = Bulletins(storm)
    records = bulletins.records(NOW - DAY_S, NOW)
    for record in records:
        row = parse("warning", record)
        assert row["sent"] <= row["expires"]
        assert all(code in storm.ground.divisions for code in row["divisions"])
    levels = [record["level"] for record in records if record["kind"] == "暴雨" and record["status"] == "actual"]
    assert levels[-1] == "red"
    red = next(record for record in records if record["level"] == "red")
    hour = red["sent"] // MICRO // 3600
    assert storm.sky.hours(hour - 3, hour)[:, :24].sum(axis=0).max() >= 100
    assert red["references"]
    assert any(record["id"] == red["references"][0] and record["status"] == "cancelled" for record in records)


def test_warnings_are_the_same_however_they_are_asked_for() -> None:
    bulletins, start = Bulletins(COUNTY), day_number("2026-05-01") * DAY_S
    whole = bulletins.records(start, start + 20 * DAY_S)
    pieces = [row for day in range(20) for row in bulletins.records(start + day * DAY_S, start + (day + 1) * DAY_S)]
    assert pieces == whole
    assert whole


@pytest.mark.parametrize("month", [2, 6, 10])
def test_figures_are_canonical_and_add_up(month: int) -> None:
    economy = Economy(COUNTY)
    rows = [parse("indicator", record) for record in economy.records(Release(2026, month, NOW))]
    root = COUNTY.ground.divisions.root.code
    kinds = {one.id: one for one in INDICATORS}
    for row in rows:
        parse_period(row["period"])
        assert not re.fullmatch(r"\d{4}-01", row["period"])
        if kinds[row["indicator"]].kind == "growth":
            assert row["value"] is None
            assert row["yoy"] is not None
    for key in {(row["indicator"], row["period"], row["basis"]) for row in rows}:
        if kinds[key[0]].kind in ("level", "balance"):
            mine = [row for row in rows if (row["indicator"], row["period"], row["basis"]) == key]
            assert len(mine) == 25
            whole = next(row["value"] for row in mine if row["division"] == root)
            assert sum(row["value"] for row in mine if row["division"] != root) == pytest.approx(whole, abs=0.02)
    assert ("gdp" in {row["indicator"] for row in rows}) == (month == 6)
    if month == 2:
        assert {row["basis"] for row in rows} == {"cumulative", "balance"}
        assert "2026-01..02" in {row["period"] for row in rows}


def test_sixty_months_of_twenty_indicators() -> None:
    assert len(INDICATORS) == 20
    due = releases(NOW - 1860 * DAY_S, NOW)
    assert len({(one.year, one.month) for one in due}) == len(due) >= 55
    assert all(one.month != 1 for one in due)
    current = Economy(COUNTY).values(INDICATORS[3], 2026, 9, 9)
    whole = Economy(COUNTY).values(INDICATORS[3], 2026, 1, 9) - Economy(COUNTY).values(INDICATORS[3], 2026, 1, 8)
    np.testing.assert_allclose(current, whole)


def test_population_adds_up_over_the_tree() -> None:
    rows = [parse("indicator", record) for record in Economy(COUNTY).population(2025)]
    values = {row["division"]: row["value"] for row in rows}
    divisions = COUNTY.ground.divisions
    towns = [town.code for town in divisions.children(divisions.root.code)]
    assert values[divisions.root.code] == sum(values[code] for code in towns)
    assert values[towns[0]] == sum(values[village.code] for village in divisions.children(towns[0]))


STORM = county("storm", day_number("2026-06-14") * DAY_S + 14 * 3600)


def measured_by_town(ends: int, hours: int) -> dict[str, float]:
    """mm at the wettest gauge of each township in the hours up to `ends`."""
    sites, found = STORM.sites["station_rain"], Counter()
    fell = STORM.sky.hours(ends // 3600 - hours, ends // 3600)[:, :len(sites.ids)].sum(axis=0)
    for town, amount in zip(sites.town, fell, strict=True):
        code = STORM.ground.towns[town].name
        found[code] = max(found[code], round(float(amount), 1))
    return found


def test_a_rain_warning_names_only_places_that_reached_its_limit_the_wettest_first() -> None:
    now = day_number("2026-06-14") * DAY_S + 16 * 3600
    sent = [one for one in Bulletins(STORM).between(now - 3 * DAY_S, now) if one.kind == "暴雨"]
    assert "red" in {one.level for one in sent}
    for one in sent:
        said = r"过去(\d+)小时(.+?)(?:等\d+个乡镇)?降雨量已达(\d+)毫米以上"
        hours, names, limit = re.match(said, one.detail).groups()
        fell = measured_by_town(one.sent - 240, int(hours))
        named = names.split("、")
        reached = sorted((amount for amount in fell.values() if amount >= float(limit)), reverse=True)
        assert [fell[name] for name in named] == reached[:4]
        told = re.search(r"等(\d+)个乡镇降雨量", one.detail)
        assert (int(told[1]) if told else len(named)) == len(reached)
        others = re.search(r"另有(\d+)个乡镇可能", one.detail)
        assert len(one.towns) == len(reached) + (int(others[1]) if others else 0)


@pytest.mark.parametrize("month", [2, 6, 10])
def test_growth_is_that_of_the_published_levels(month: int) -> None:
    """Nominal growth by hand from the two releases; at constant prices the stated deflator less."""
    economy = Economy(COUNTY)
    now, before = ({(row["indicator"], row["division"], row["basis"]): row
                    for row in economy.records(Release(year, month, NOW))} for year in (2026, 2025))
    kinds, seen = {one.id: one for one in INDICATORS}, Counter()
    for key, row in now.items():
        one, base = kinds[key[0]], before[key].get("value")
        if one.kind == "growth" or not base:
            assert ("yoy" in row) is (one.kind == "growth")
            continue
        nominal = 100 * (row["value"] / base - 1)
        assert row["yoy_kind"] == ("real" if one.id == "gdp" else "nominal")
        want = nominal if row["yoy_kind"] == "nominal" else 100 * ((1 + nominal / 100) / 1.008 - 1)
        assert row["yoy"] == pytest.approx(want, abs=0.051), key
        if key[1] == COUNTY.ground.divisions.root.code:
            assert abs(row["yoy"] - one.growth) < 6, key
            seen[one.id] += 1
    assert len(seen) >= 14
