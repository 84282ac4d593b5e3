"""The engine on a small invented tree: tables, contributions, roll-up, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box

from data.answers import Question, Scope, Window
from data.clock import to_us
from data.contribution import Contribution, by_division, quotient
from data.errors import WrongInput
from data.event_table import EventTable
from data.inputs import Tables
from data.metrics import Evaluator, state_of
from data.observation_table import ObservationTable
from data.pack import Feed, FeedSource, Level, Metric, Pack, PlaceInfo, Threshold
from data.records import Row, parse
from data.small_tables import AssetTable, IndicatorTable, WarningTable
from geo.divisions import Division, Divisions

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
H = timedelta(hours=1)
ROOT, TOWN_A, TOWN_B, VILLAGE = "100000000000", "100000100000", "100000200000", "100000100001"


def tree() -> Divisions:
    """A county of two towns, one of which has a village."""
    items = [Division(ROOT, "县", 0, None), Division(TOWN_A, "甲镇", 1, ROOT), Division(TOWN_B, "乙乡", 1, ROOT),
             Division(VILLAGE, "丙村", 2, TOWN_A)]
    shapes = [box(0, 0, 2, 1), box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 0, 1, 1)]
    return Divisions(items, shapes, [("county", "县"), ("township", "乡镇"), ("village", "村")])


def metric(formula: dict[str, Any], area: str, **more: Any) -> Metric:
    fields = {"name": "数", "topic": "C1", "feeds": ("f",), "over_time": "last", "level": "village", **more}
    return Metric(formula=formula, over_area=area, **fields)


class Memory:
    """Tables without history."""

    def __init__(self, divisions: Divisions) -> None:
        self.divisions = divisions
        self.events = EventTable(divisions)
        self.observations = {"f": ObservationTable(divisions)}
        self.indicators, self.assets, self.warnings = IndicatorTable(), AssetTable(divisions), WarningTable()

        self.events_since = 0
        self.past = EventTable(divisions)

    def past_events(self) -> EventTable:
        return self.past

    def buckets(self, feeds: tuple[str, ...], names: Sequence[str], span: Any) -> Any:
        return [self.observations["f"].buckets(name, span.start_us, span.end_us, span.step_us, span.offset_us)
                for name in names]

    def latest(self, feeds: tuple[str, ...], names: Sequence[str], span: Any) -> Any:
        return [self.observations["f"].latest(name, span.start_us, span.end_us) for name in names]

    def delivered(self, feeds: tuple[str, ...]) -> bool:
        return True


def pack(metrics: dict[str, Metric], divisions: Divisions) -> Pack:
    levels = tuple(Level(key=k, word=w) for k, w in (("county", "县"), ("township", "乡"), ("village", "村")))
    place = PlaceInfo(code=ROOT, name="县", lon=1, lat=0.5, timezone="Asia/Shanghai", levels=levels,
                      default_metric=next(iter(metrics)))
    source = FeedSource(kind="push")
    feed = Feed(name="源", topic="C1", department="局", kind="observation", source=source, cadence="1h")
    return Pack(Path("."), place, divisions, {"f": feed}, metrics, {}, {}, {}, {}, {})


def evaluator(metrics: dict[str, Metric]) -> tuple[Evaluator, Memory]:
    memory = Memory(tree())
    tables: Tables = memory
    return Evaluator(pack(metrics, memory.divisions), tables), memory


_seq = iter(range(1, 10**6))


def event(event_id: str, stage: str, received: datetime, at: datetime, code: str = VILLAGE, **more: Any) -> Row:
    raw = {"id": event_id, "time": received.isoformat(), "category": "c", "channel": "hotline", "stage": stage,
           "stage_time": at.isoformat(), "division": code, "department": "城管", **more}
    return {**parse("event", raw), "seq": next(_seq), "prev": 0, "received": to_us(at), "feed": "f", "code": code}


def reading(station: str, value: float, at: datetime, code: str = VILLAGE, prev: int = 0, name: str = "m") -> Row:
    raw = {"station": station, "metric": name, "time": at.isoformat(), "value": value}
    meta = {"seq": next(_seq), "prev": prev, "received": to_us(at), "feed": "f", "code": code}
    return {**parse("observation", raw), **meta}


WINDOW = Window(NOW - 24 * H, NOW, "24h")


def ask(ev: Evaluator, name: str, by: str = "", code: str = ROOT, compare: str = "") -> Any:
    return ev.evaluate(Question("metric", name, by, compare), Scope(code), WINDOW)


def test_open_overdue_and_closed_events_are_told_apart_at_the_instant() -> None:
    stock = {"kind": "event_stock", "where": "open"}
    ev, memory = evaluator({"open": metric(stock, "count"), "late": metric({**stock, "where": "overdue"}, "count"),
                            "soon": metric({**stock, "where": "due_soon", "hours": 24}, "count")})
    due = {"due": (NOW - H).isoformat()}
    memory.events.add([event("a", "received", NOW - 5 * H, NOW - 5 * H, **due),
                       event("b", "received", NOW - 5 * H, NOW - 5 * H, TOWN_B, due=(NOW + H).isoformat()),
                       event("c", "received", NOW - 9 * H, NOW - 9 * H),
                       event("c", "closed", NOW - 9 * H, NOW - 2 * H)])
    assert (ask(ev, "open").value, ask(ev, "late").value, ask(ev, "soon").value) == (2, 1, 1)
    earlier = ev.evaluate(Question("metric", "open"), Scope(ROOT), Window(NOW - 9 * H, NOW - 3 * H))
    assert earlier.value == 3
    assert {g.code: (g.value, g.extra.get("state")) for g in ask(ev, "open", "township").groups} == {
        TOWN_A: (1.0, "warn"), TOWN_B: (1.0, "att")}


def test_an_event_sent_back_after_closing_is_open_again() -> None:
    ev, memory = evaluator({"open": metric({"kind": "event_stock"}, "count"),
                            "rework": metric({"kind": "event_ratio", "of": "rework", "scale": 100}, "ratio")})
    memory.events.add([event("a", "received", NOW - 9 * H, NOW - 9 * H), event("a", "closed", NOW - 9 * H, NOW - 5 * H),
                       event("a", "handling", NOW - 9 * H, NOW - 4 * H, act="return")])
    assert ask(ev, "open").value == 1
    memory.events.add([event("a", "closed", NOW - 9 * H, NOW - 1 * H)])
    assert ask(ev, "open").value == 0
    assert ask(ev, "rework").value == 100


def test_an_event_whose_closing_lies_before_what_memory_holds_is_not_open() -> None:
    ev, memory = evaluator({"open": metric({"kind": "event_stock"}, "count")})
    memory.events.add([event("a", "rated", NOW - 90 * H, NOW - H, satisfaction=4)])
    assert ask(ev, "open").value == 0


def test_ratio_is_computed_from_pooled_parts_not_from_childrens_ratios() -> None:
    ev, memory = evaluator({"rate": metric({"kind": "event_ratio", "of": "on_time", "scale": 100}, "ratio")})
    rows = []
    for number in range(4):
        due, code = NOW - 2 * H, TOWN_B if number else VILLAGE
        rows += [event(f"e{number}", "received", NOW - 9 * H, NOW - 9 * H, code, due=due.isoformat()),
                 event(f"e{number}", "closed", NOW - 9 * H, due + (-H if number else H), code, due=due.isoformat())]
    memory.events.add(rows)
    by_town = {g.code: g.value for g in ask(ev, "rate", "township").groups}
    assert by_town == {TOWN_A: 0.0, TOWN_B: 100.0}
    assert ask(ev, "rate").value == 75.0


def test_children_and_unlocated_rest_add_up() -> None:
    ev, memory = evaluator({"open": metric({"kind": "event_stock"}, "count")})
    memory.events.add([event("a", "received", NOW - H, NOW - H), event("b", "received", NOW - H, NOW - H, TOWN_B),
                       event("c", "received", NOW - H, NOW - H, ROOT)])
    answer = ask(ev, "open", "township")
    assert (answer.value, sum(g.value for g in answer.groups), answer.unlocated) == (3, 2, 1)


def test_a_place_without_stations_is_unknown_and_a_place_without_events_is_zero() -> None:
    ev, memory = evaluator({"m": metric({"kind": "obs", "metric": "m", "take": "last"}, "mean"),
                            "open": metric({"kind": "event_stock"}, "count")})
    memory.observations["f"].add([reading("s1", 4.0, NOW - H), reading("s2", 8.0, NOW - H)])
    assert ask(ev, "m").value == 6.0
    assert ask(ev, "m", code=TOWN_B).value is None
    assert ask(ev, "open", code=TOWN_B).value == 0


def test_a_corrected_observation_replaces_the_earlier_version_in_every_aggregate() -> None:
    ev, memory = evaluator({"sum": metric({"kind": "obs", "metric": "m", "take": "sum"}, "sum"),
                            "last": metric({"kind": "obs", "metric": "m", "take": "last"}, "sum")})
    rows = [reading("s1", 1.0, NOW - 2 * H), reading("s1", 99.0, NOW - H)]
    first = rows[1]
    memory.observations["f"].add(rows)
    memory.observations["f"].add([reading("s1", 2.0, NOW - H, prev=first["seq"])])
    assert (ask(ev, "sum").value, ask(ev, "last").value) == (3.0, 2.0)
    assert sum(p.value or 0 for p in ask(ev, "sum", "hour").series) == 3.0


def test_a_station_silent_for_too_long_leaves_the_mean() -> None:
    ev, memory = evaluator({"m": metric({"kind": "obs", "metric": "m", "take": "last"}, "mean")})
    memory.observations["f"].add([reading("s1", 4.0, NOW - 11 * H), reading("s2", 8.0, NOW - H)])
    assert ask(ev, "m").value == 8.0


def test_margin_counts_only_stations_with_a_stated_limit() -> None:
    count = {"kind": "margin", "metric": "m", "limit": "warn_m", "count": True}
    ev, memory = evaluator({"over": metric(count, "sum"), "most": metric({**count, "count": False}, "max")})
    asset = {"id": "s1", "layer": "l", "name": "站", "properties": {"warn_m": 5}}
    memory.assets.add([{**parse("asset", asset), "seq": 1, "prev": 0, "received": 1, "feed": "f", "code": VILLAGE}])
    memory.observations["f"].add([reading("s1", 5.5, NOW - H), reading("s2", 99.0, NOW - H)])
    assert (ask(ev, "over").value, ask(ev, "most").value) == (1, 0.5)


def test_compare_shifts_the_instant_of_a_stock() -> None:
    ev, memory = evaluator({"open": metric({"kind": "event_stock"}, "count")})
    memory.events.add([event("a", "received", NOW - 30 * H, NOW - 30 * H), event("b", "received", NOW - H, NOW - H)])
    change = ask(ev, "open", compare="yesterday").change
    assert (change.word, change.value) == ("较昨日", 1.0)


def test_below_the_published_level_the_nearest_divisions_figure_stands() -> None:
    ev, memory = evaluator({"m": metric({"kind": "obs", "metric": "m", "take": "last"}, "mean", level="township")})
    memory.observations["f"].add([reading("s1", 4.0, NOW - H)])
    answer = ask(ev, "m", code=VILLAGE)
    assert (answer.value, answer.at_division) == (4.0, TOWN_A)


def test_roll_up_of_maximum_and_quotient() -> None:
    divisions = tree()
    rows = np.array([divisions.index(VILLAGE), divisions.index(TOWN_B)])
    most = Contribution(rows, np.array([[3.0], [7.0]]), reduce="max")
    assert by_division(most, divisions)[0].tolist() == [7, 3, 7, 3]
    share = Contribution(rows, np.array([[1.0, 4.0], [3.0, 4.0]]), quotient(100))
    assert by_division(share, divisions)[0].tolist() == [50, 25, 75, 25]


@pytest.mark.parametrize(("value", "state"), [(None, None), (9, "ok"), (11, "att"), (40, "warn")])
def test_thresholds(value: float | None, state: str | None) -> None:
    limits = (Threshold(state="att", above=11), Threshold(state="warn", above=40))
    assert state_of(replace_thresholds(limits), value) == state


def replace_thresholds(limits: tuple[Threshold, ...]) -> Metric:
    return metric({"kind": "event_stock"}, "count", thresholds=limits)


def test_memory_drops_old_rows_and_keeps_the_latest() -> None:
    table = ObservationTable(tree())
    table.add([reading("s1", 1.0, NOW - 80 * H), reading("s1", 2.0, NOW - H)])
    table.drop_before(to_us(NOW - 72 * H))
    assert table.latest("m", 0, to_us(NOW)).last.tolist() == [2.0]
    assert len(table.columns["time"]) == 1



def test_a_series_of_too_many_points_is_refused_before_it_is_computed() -> None:
    ev, _ = evaluator({"flow": metric({"kind": "event_flow", "stage": "received"}, "sum"),
                       "warned": metric({"kind": "warnings"}, "count"),
                       "open": metric({"kind": "event_stock", "where": "open"}, "count")})
    for name, days in (("flow", 500), ("warned", 40), ("open", 500)):
        with pytest.raises(WrongInput, match="个点"):
            ev.evaluate(Question("metric", name, "hour"), Scope(ROOT), Window(NOW - 24 * days * H, NOW))
    assert len(ev.evaluate(Question("metric", "open", "hour"), Scope(ROOT), Window(NOW - 48 * H, NOW)).series) >= 48


def test_before_memory_ended_events_of_history_count_in_every_kind_of_figure() -> None:
    ev, memory = evaluator({"flow": metric({"kind": "event_flow", "stage": "received"}, "sum"),
                            "open": metric({"kind": "event_stock"}, "count"),
                            "rate": metric({"kind": "event_ratio", "of": "closing", "scale": 100}, "ratio"),
                            "mean": metric({"kind": "event_mean"}, "mean")})
    memory.events.add([event("a", "received", NOW - H, NOW - H), event("b", "received", NOW - 20 * H, NOW - 20 * H)])
    memory.events_since = to_us(NOW - 10 * H)
    memory.past.add([event("c", "received", NOW - 19 * H, NOW - 19 * H, TOWN_B),
                     event("c", "closed", NOW - 19 * H, NOW - 14 * H, TOWN_B)])
    assert ask(ev, "flow").value == 3
    assert [point.value for point in ask(ev, "flow", "hour").series if point.value] == [1, 1, 1]
    assert {group.name: group.value for group in ask(ev, "flow", "category").groups} == {"c": 3}
    assert (ask(ev, "rate").value, ask(ev, "mean").value) == (pytest.approx(100 / 3), 5.0)
    past = Window(NOW - 30 * H, NOW - 15 * H)
    assert ev.evaluate(Question("metric", "open"), Scope(ROOT), past).value == 2
    assert ev.evaluate(Question("metric", "open"), Scope(TOWN_B), past).value == 1
    before = Window(NOW - 90 * H, NOW - 60 * H)
    assert ev.evaluate(Question("metric", "open"), Scope(ROOT), before).value is None


@pytest.mark.parametrize("where", ["open", "overdue", "due_soon"])
def test_a_series_of_stocks_equals_the_stock_at_each_instant(where: str) -> None:
    chance = np.random.default_rng(7)
    ev, memory = evaluator({"stock": metric({"kind": "event_stock", "where": where, "hours": 24}, "count")})
    rows: list[Row] = []
    for number in range(60):
        begun = NOW - float(chance.uniform(1, 90)) * H
        due = {"due": (begun + float(chance.uniform(1, 60)) * H).isoformat()} if number % 5 else {}
        code = (VILLAGE, TOWN_B)[number % 2]
        rows.append(event(f"e{number}", "received", begun, begun, code, **due))
        if number % 3:
            rows.append(event(f"e{number}", "closed", begun, begun + float(chance.uniform(1, 50)) * H, code, **due))
    memory.events.add(sorted(rows, key=lambda row: int(row["stage_time"])))
    for code in (ROOT, TOWN_A):
        window = Window(NOW - 60 * H, NOW)
        series = ev.evaluate(Question("metric", "stock", "hour"), Scope(code), window).series
        ends = [*(point.time for point in series[1:]), NOW]
        single = [ev.evaluate(Question("metric", "stock"), Scope(code), Window(end - H, end)) for end in ends]
        assert [(point.value, point.n) for point in series] == [(one.value, one.n) for one in single]
        assert len({point.value for point in series}) > 3
