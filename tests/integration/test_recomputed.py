"""Metrics of the county counted again: the gate's answers against plain SQL over the stored rows.

The SQL is written from what a metric's name and note say, not from the formulas: changing a formula must fail here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from recount_world import DAY, HOUR, MINUTE, NOW, NOW_S, Recounted, event, observation

from access.principal import demo_principal
from data.answers import Answer, Question, Scope, Window
from data.clock import from_us

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ROOT, TOWN = "360731000000", "360731100000"
HOUR_NOW = NOW_S // 3600 * 3600_000_000
PLANTED: dict[str, list[dict[str, Any]]] = {
    "events": [
        # Only the county is known: no township can count it. Said twice, which counts once.
        *2 * [event("planted-county", "received", 5, 5, division=ROOT, due=NOW - HOUR)],
        # Closed, sent back, closed again: the first closing does not count.
        *(event("planted-again", stage, ago, 30, division=TOWN, due=NOW - 25 * HOUR, act=act)
          for stage, ago, act in (("received", 30, ""), ("closed", 28, ""), ("handling", 27, "return"),
                                  ("closed", 2, ""))),
        event("planted-again", "rated", 1, 30, division=TOWN, due=NOW - 25 * HOUR, satisfaction=2),
        # Closed and taken up again: open.
        *(event("planted-open", stage, ago, 30, division=TOWN, due=NOW + HOUR) for stage, ago in (
            ("received", 30), ("closed", 20), ("handling", 10))),
        # Said once more in other words, which is a correction: now another township.
        event("planted-moved", "received", 3, 3, division=TOWN),
        event("planted-moved", "received", 3, 3, division="360731101000"),
        # Ended two months ago and stirring again now.
        event("planted-old", "received", 24 * 57, 24 * 57, division=TOWN, due=NOW - 56 * DAY),
        event("planted-old", "closed", 24 * 56 - 2, 24 * 57, division=TOWN, due=NOW - 56 * DAY)],
    # Numbers of the feed above, given to other things by another: open where that is closed and the reverse.
    "feed_states": [
        event("planted-again", "received", 6, 6, division=TOWN),
        event("planted-open", "received", 30, 30, division=TOWN), event("planted-open", "closed", 5, 30, division=TOWN),
        event("planted-old", "received", 24 * 57, 24 * 57, division=TOWN),
        event("planted-old", "closed", 24 * 56 - 3, 24 * 57, division=TOWN)],
    # A reading said twice: the second is the correction.
    "rain": [observation("RN01", "rain_mm", HOUR_NOW - HOUR, value) for value in (31.5, 7.5)],
    "river": [observation("RV01", "river_level_m", HOUR_NOW, value) for value in (107.1, 107.9)],
    "warnings": [
        {"id": "w-town", "kind": "大风", "level": "blue", "sent": NOW - HOUR, "expires": NOW + HOUR,
         "divisions": [TOWN], "demo": True},
        {"id": "w-over", "kind": "大风", "level": "blue", "sent": NOW - 3 * HOUR, "expires": NOW - HOUR,
         "divisions": [TOWN], "demo": True},
        {"id": "w-ended", "kind": "大雾", "level": "yellow", "sent": NOW - 2 * HOUR, "expires": NOW + HOUR,
         "divisions": [ROOT], "demo": True},
        {"id": "w-end", "kind": "大雾", "level": "yellow", "sent": NOW - HOUR, "expires": NOW + HOUR,
         "divisions": [ROOT], "references": ["w-ended"], "status": "cancelled", "demo": True}],
    "air_hourly": [observation("AQ01", name, HOUR_NOW, value) for name, value in (
        ("so2", 10), ("no2", 150), ("co", 1.1), ("o3", 180), ("pm10", 130), ("pm25", 80))]}

NOWADAYS = Window(from_us(NOW - DAY), from_us(NOW), "24h")
TWO_DAYS_AGO = Window(from_us(NOW - 3 * DAY + HOUR), from_us(NOW - 2 * DAY))
FOUR_DAYS_AGO = Window(from_us(NOW - 4 * DAY - 5 * HOUR), from_us(NOW - 4 * DAY))
TWO_MONTHS_AGO = Window(from_us(NOW - 61 * DAY), from_us(NOW - 55 * DAY - 7 * HOUR))
WINDOWS = {"24h": NOWADAYS, "two days ago": TWO_DAYS_AGO, "four days ago": FOUR_DAYS_AGO,
           "two months ago": TWO_MONTHS_AGO}

# An event as its rows tell it: the newest row's place and deadline; a closing after which work went on is none.
CASES = """create view cases as select *, coalesce(closing, score_at) as closed from (
    select id, last("time" order by stage_time, seq) as began, last(code order by stage_time, seq) as code,
        last(due order by stage_time, seq) filter (due is not null) as due,
        max(stage_time) filter (stage = 'closed' and stage_time >= coalesce(work, 0)) as closing,
        max(stage_time) filter (stage = 'rated' and stage_time >= coalesce(work, 0)) as score_at,
        last(satisfaction order by stage_time, seq) filter (satisfaction is not null) as score,
        bool_or(act = 'return') or max(work) > min(stage_time) filter (stage in ('closed', 'rated')) as returned
    from (select *, max(stage_time) filter (stage not in ('closed', 'rated')) over (partition by feed, id) as work
        from event)
    group by feed, id)"""
OPEN = "began <= $end and (closed is null or closed > $end)"
LAST_HOUR = """(select station, any_value(code) as code, arg_max(value, "time") as value from observation
    where metric = '{metric}' and "time" between $end - {patience} and $end group by station)"""
RAIN = """(select station, any_value(code) as code, sum(value) as value from observation where metric = 'rain_mm'
    and "time" >= $end - {hours} and "time" < $end group by station)"""
DEVICES = """(select a.code, exists(from observation o where o.feed = 'sensors' and o.station = a.id
    and o."time" between $end - 900000000 and $end) as heard from asset a where a.layer like 'sensor%')"""
OVER = f"""(select s.code, s.value - cast(a.properties ->> 'warn_m' as double) as over from
    {LAST_HOUR.format(metric='river_level_m', patience=HOUR)} s join asset a on a.id = s.station)"""
PEOPLE = f"""(select code, 1 as cases, 0 as people from cases where {OPEN} union all
    select division, 0, value from indicator where indicator = 'population'
    and length(division) = 12 and division not like '%000')"""

# metric → (select list, from …): each row of the source lies in a division `code`.
RECEIVED, CLOSED = "cases where began >= $start and began < $end", "cases where closed >= $start and closed < $end"
SQL: dict[str, tuple[str, str]] = {
    "open_events": ("count(*)", f"cases where {OPEN}"),
    "overdue_events": ("count(*)", f"cases where {OPEN} and due < $end"),
    "due_soon_events": ("count(*)", f"cases where {OPEN} and due >= $end and due < $end + 24 * 3600000000"),
    "received_events": ("count(*)", RECEIVED),
    "closed_events": ("count(*)", CLOSED),
    "on_time_rate": ("100.0 * count(*) filter (closed <= due and closed < $end) / nullif(count(*), 0)",
                     "cases where due >= $start and due < $end"),
    "closing_rate": ("100.0 * count(*) filter (closed < $end) / nullif(count(*), 0)", RECEIVED),
    "handle_hours": ("avg((closed - began) / 3.6e9)", CLOSED),
    "rework_rate": ("100.0 * count(*) filter (returned) / nullif(count(*), 0)", CLOSED),
    "satisfaction_rate": ("100.0 * count(*) filter (score >= 3) / nullif(count(*), 0)",
                          "cases where score_at >= $start and score_at < $end and score is not null"),
    "open_events_per_10k": ("10000.0 * sum(cases) / nullif(sum(people), 0)", PEOPLE),
    "rain_24h": ("avg(value)", RAIN.format(hours=24 * HOUR)),
    "rain_3h_max": ("max(value)", RAIN.format(hours=3 * HOUR)),
    "river_over_m": ("max(over)", OVER),
    "river_over_count": ("case when count(*) > 0 then count(*) filter (over > 0) end", OVER),
    "power_load": ("sum(value)", LAST_HOUR.format(metric="load_mw", patience=150 * MINUTE)),
    "device_online_rate": ("100.0 * count(*) filter (heard) / nullif(count(*) * max(max(heard::int)) over (), 0)",
                           DEVICES),
    "camera_online_rate": ("100.0 * count(*) filter ((properties ->> 'online')::bool) / nullif(count(*), 0)",
                           "asset where layer = 'camera'"),
    "hazard_people": ("sum((properties ->> 'people')::int)", "asset where layer = 'hazard'"),
}
COUNTS = {"open_events", "overdue_events", "due_soon_events", "received_events", "closed_events", "hazard_people"}


def read(recounted: Recounted, name: str, window: Window, code: str = ROOT, by: str = "") -> Answer:
    return recounted.gate.read(demo_principal(ROOT), Question("metric", name, by), Scope(code), window)


def again(recounted: Recounted, name: str, window: Window) -> dict[str | None, float | None]:
    """Township → value by SQL, None → the county's."""
    what, source = SQL[name]
    text = (f"select town, {what} from (select *, substr(code, 1, 9) || '000' as town from "
            f"({'from ' + source if not source.startswith('(') else source})) group by grouping sets ((), (town))")
    start, end = (round(instant.timestamp() * 1_000_000) for instant in (window.start, window.end))
    return dict(recounted.sql(text, start=start, end=end))


def test_every_accepted_record_is_stored_once_as_last_said(recounted: Recounted) -> None:
    for feed, kind, names in (("events", "event", ("id", "stage", "stage_time")),
                              ("rain", "observation", ("station", "metric", "time")),
                              ("economy", "indicator", ("indicator", "division", "period", "basis"))):
        said = {tuple(row[name] for name in names): row for row in recounted.raw[feed]}
        extra = {"event": "category", "observation": "value", "indicator": "yoy"}[kind]
        columns = ", ".join(f'"{name}"' for name in (*names, extra))
        stored = {row[:-1]: row[-1] for row in recounted.sql(f"select {columns} from {kind} where feed = '{feed}'")}
        assert len(said) > 3000
        assert stored == {key: row[extra] for key, row in said.items()}
    kept = recounted.sql("select count(*) from event_all where feed = 'events'")[0][0]
    assert len(recounted.raw["events"]) > kept
    assert not any(recounted.refused.values())


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", SQL)
def test_the_gate_says_what_sql_counts(recounted: Recounted, name: str, window: str) -> None:
    expected, span = again(recounted, name, WINDOWS[window]), WINDOWS[window]
    whole, town = read(recounted, name, span), read(recounted, name, span, TOWN)
    children = read(recounted, name, span, by="children")
    empty = 0.0 if name in COUNTS else None
    towns = {code: expected.get(code, empty) for code in (group.code for group in children.groups)}
    assert whole.value == pytest.approx(expected[None])
    assert town.value == pytest.approx(towns[TOWN])
    assert len(towns) == 24
    assert {group.code: group.value for group in children.groups} == pytest.approx(towns)


STATION_METRICS = {
    **dict.fromkeys(("pm25", "pm10", "o3", "no2"), "station_air"), "aqi": "station_air",
    **dict.fromkeys(("rain_1h", "rain_24h", "rain_24h_max", "rain_3h_max"), "station_rain"),
    **dict.fromkeys(("river_over_m", "river_over_count"), "station_river"),
    **dict.fromkeys(("reservoir_over_m", "reservoir_over_count"), "reservoir"), "ponding_count": "sensor_ponding",
    **dict.fromkeys(("power_load", "power_industrial"), "power"), "parking_rate": "parking", "traffic_flow": "gate",
    **dict.fromkeys(("hall_waiting", "hall_cases"), "hall"), "water_good_rate": "station_water"}


def test_every_figure_of_stations_says_how_many_are_in_it(recounted: Recounted) -> None:
    told = {name for name in recounted.gate.pack.metrics if read(recounted, name, NOWADAYS).stations is not None}
    assert told == set(STATION_METRICS)
    for name, layer in STATION_METRICS.items():
        for code in (ROOT, TOWN):
            answer = read(recounted, name, NOWADAYS, code)
            found = answer.stations
            assert found is not None
            sites = recounted.sql("select count(*) from asset where layer = $layer and code like $area", layer=layer,
                                  area=answer.at_division[:6 if answer.at_division == ROOT else 9] + "%")[0][0]
            stations = [group for group in read(recounted, name, NOWADAYS, code, "station").groups]
            assert (found.known, found.told) == (sites, len(stations)), (name, code)
            assert found.enough == (100 * len(stations) >= 80 * sites)


def test_the_questions_are_not_all_answered_by_nothing(recounted: Recounted) -> None:
    for name in SQL:
        assert again(recounted, name, NOWADAYS)[None] not in (None, 0), name
    for name in COUNTS | {"on_time_rate", "closing_rate", "handle_hours", "rework_rate", "satisfaction_rate"}:
        assert again(recounted, name, TWO_MONTHS_AGO)[None] not in (None, 0), name


def test_months_of_events_older_than_memory_equal_sql(recounted: Recounted) -> None:
    window = Window(datetime(2026, 8, 31, 16, tzinfo=UTC), from_us(NOW))
    starts = [datetime(2026, month, day, 16, tzinfo=UTC) for month, day in ((8, 31), (9, 30), (10, 31))]
    ends = [*starts[1:], from_us(NOW)]
    for name in ("open_events", "closed_events", "on_time_rate", "handle_hours", "satisfaction_rate"):
        series = read(recounted, name, window, by="month").series
        assert [point.time for point in series] == starts
        # Whether a case is closed is asked at the end of the whole window, for every month of it.
        closed_by = {"on_time_rate": NOW}
        expected = []
        for start, end in zip(starts, ends, strict=True):
            what, source = SQL[name]
            what = what.replace("closed < $end", f"closed < {closed_by.get(name, '$end')}")
            rows = recounted.sql(f"select {what} from {source}", start=round(start.timestamp() * 1e6),
                                 end=round(end.timestamp() * 1e6))
            expected.append(rows[0][0])
        assert [point.value for point in series] == pytest.approx(expected), name


def test_an_indicator_stands_as_published_with_its_growth(recounted: Recounted) -> None:
    for name, indicator, code in (("retail", "retail", ROOT), ("industry_va_yoy", "industry_va", TOWN)):
        rows = recounted.sql("""select value, yoy, period from indicator where indicator = $name and division = $code
            and basis = 'cumulative' order by released desc limit 1""", name=indicator, code=code)
        value, yoy, period = rows[0]
        answer = read(recounted, name, NOWADAYS, code)
        assert answer.value == (yoy if name.endswith("yoy") else value)
        assert (answer.parts["yoy"], answer.parts["period"]) == (yoy, period)
    compared = recounted.gate.read(demo_principal(ROOT), Question("metric", "retail", compare="last_year"), Scope(ROOT),
                                   NOWADAYS)
    assert compared.change is not None
    assert (compared.change.word, compared.change.unit) == ("同比", "%")
    assert compared.change.value == compared.parts["yoy"]


def test_warnings_in_force_count_where_they_hold(recounted: Recounted) -> None:
    rows = recounted.sql("""select w.id, w.divisions from warning w where sent <= $end and expires > $end
        and coalesce(status, '') <> 'cancelled' and not exists (from warning o where o.id <> w.id
        and list_contains(from_json(o."references", '["varchar"]'), w.id) and o.sent <= $end)""", end=NOW)
    in_town = [row for row in rows if any(code in row[1] for code in (ROOT, TOWN[:9]))]
    other = "360731101000"
    elsewhere = [row for row in rows if ROOT in row[1] or other[:9] in row[1]]
    assert "w-town" in {row[0] for row in rows}
    assert not {"w-over", "w-ended", "w-end"} & {row[0] for row in rows}
    assert read(recounted, "warnings_active", NOWADAYS).value == len(rows)
    assert read(recounted, "warnings_active", NOWADAYS, TOWN).value == len(in_town)
    assert read(recounted, "warnings_active", NOWADAYS, other).value == len(elsewhere) < len(rows)


def test_the_air_of_one_station_equals_the_hand_table(recounted: Recounted) -> None:
    """HJ 633—2026 by hand, one hour: NO2 150 → 75, O3 180 → 75, CO 1.1 → 11, SO2 10 → 4 (3.3 up), PM10 130 → 104
    (103.3…: 100 + 50 × 10 / 130 = 103.8 up), PM2.5 80 → 119 (100 + 50 × 20 / 55 = 118.2 up).
    """
    town = recounted.sql("select substr(code, 1, 9) || '000' from asset where id = 'AQ01'")[0][0]
    assert recounted.sql("select count(*) from asset where layer = 'station_air' and code like $area",
                         area=town[:9] + "%") == [(1,)]
    answer = read(recounted, "aqi", NOWADAYS, town)
    assert (answer.value, answer.parts["primary"]) == (119, ["pm25"])
    assert answer.parts["iaqi"] == {"so2_1h": 4, "no2_1h": 75, "co_1h": 11, "o3_1h": 75, "pm10_1h": 104, "pm25_1h": 119}


def test_children_and_the_unplaced_event_make_up_the_parent(recounted: Recounted) -> None:
    for name in ("open_events", "received_events", "overdue_events"):
        answer = read(recounted, name, NOWADAYS, by="township")
        assert answer.unlocated == 1, name
        assert sum(group.value or 0 for group in answer.groups) + 1 == answer.value
    assert read(recounted, "closed_events", NOWADAYS, by="township").unlocated == 0
