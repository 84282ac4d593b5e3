"""A figure's state, target, period, age and key say what they mean, and nothing where they mean nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from test_engine import NOW, ROOT, TOWN_A, VILLAGE, H, ask, evaluator, event, metric, reading

from access.principal import demo_principal
from data.answers import Answer, Group, Point, Question, Scope
from data.clock import Clock, to_us
from data.gate import Gate
from data.health import FeedHealth
from data.history_read import HistoryReader
from data.live import Live
from data.pack import Threshold, load_pack
from data.records import Row, parse
from data.state import State
from data.windows import window_of
from layouts import mapcards, maplayers
from layouts.chrome import kpi
from layouts.leads import lead
from layouts.parts import fresh_mark
from layouts.screen import Figure
from layouts.symbols import symbols
from tests.fixtures import answers as invented
from tests.fixtures.panels import BY_KEY, drawn, own

HOME = Path(__file__).parents[2]
COUNTY = "360731000000"
OVERVIEW, ECONOMY = BY_KEY["overview"], BY_KEY["economy"]
CONTEXT = invented.context(OVERVIEW)


# --- warnings in force

def warning(key: str, level: str, code: str) -> Row:
    raw = {"id": key, "kind": "大雾", "level": level, "sent": (NOW - H).isoformat(), "expires": (NOW + H).isoformat(),
           "divisions": [code]}
    return {**parse("warning", raw), "seq": 1, "prev": 0, "received": to_us(NOW), "feed": "f", "code": ""}


def warned(*found: tuple[str, str]) -> Answer:
    ev, memory = evaluator({"w": metric({"kind": "warnings"}, "max")})
    memory.warnings.add([warning(f"w{k}", level, code) for k, (level, code) in enumerate(found)])
    return ask(ev, "w")


@pytest.mark.parametrize(("found", "value", "state", "worst"), [
    ((), 0, None, None), ((("blue", TOWN_A),), 1, "ok", "blue"), ((("blue", TOWN_A), ("yellow", VILLAGE)), 2, "att",
                                                                "yellow"),
    ((("orange", ROOT), ("yellow", ROOT)), 2, "warn", "orange"), ((("red", VILLAGE),), 1, "alarm", "red")])
def test_warnings_in_force_have_the_state_of_the_gravest(found, value, state, worst):
    answer = warned(*found)
    assert (answer.value, answer.state, answer.parts.get("worst")) == (value, state, worst)


def test_the_figure_of_warnings_says_the_gravest_and_has_a_shape_only_when_it_asks_for_attention():
    figure = Figure("warnings_active", "", "生效预警")
    base = Answer(Question("metric", "warnings_active"), "生效预警", "条", 1.0, freshness="live", time=NOW,
                  at_division=ROOT)
    blue = str(kpi(figure, replace(base, state="ok", parts={"worst": "blue"}), OVERVIEW, CONTEXT))
    orange = str(kpi(figure, replace(base, state="warn", parts={"worst": "orange"}), OVERVIEW, CONTEXT))
    assert "最高蓝色" in blue
    assert "#s-" not in blue
    assert "最高橙色" in orange
    assert "#s-warn" in orange


def test_a_sign_of_calm_never_stands_beside_a_warning_in_force():
    screen = BY_KEY["emergency"]
    found = {name: replace(answer, state="ok") if name.startswith("figure.") else answer
             for name, answer in invented.answers(screen).items()}
    active = {"id": "w", "kind": "森林火险", "level": "orange", "headline": "森林火险橙色预警", "active": True,
              "sent_us": 1, "expires_us": invented.NOW_US + 10**9, "divisions": []}
    calm = str(lead(screen, found, invented.context(screen)))
    found["lead.warnings"] = replace(found["lead.warnings"], rows=(active,))
    assert "is-ok" in calm
    assert "is-warn" in str(lead(screen, found, invented.context(screen)))


def test_the_sentence_of_a_red_warning_names_it_first_and_its_sender_after():
    screen = BY_KEY["emergency"]
    found = invented.answers(screen)
    red = {"id": "w", "kind": "暴雨", "level": "red", "headline": "县气象局发布暴雨红色预警", "active": True,
           "sent_us": invented.NOW_US - 10**9, "expires_us": invented.NOW_US + 10**9, "divisions": []}
    found["lead.warnings"] = replace(found["lead.warnings"], rows=(red,))
    html = str(lead(screen, found, invented.context(screen)))
    assert "<h1 title=\"暴雨红色预警生效中\"" in html
    assert "县气象局 09:24 发布" in html
    over = replace(found["figure.reservoir_over_count"], value=2.0, state="alarm")
    html = str(lead(screen, found | {"figure.reservoir_over_count": over}, invented.context(screen)))
    assert "暴雨红色预警，超汛限水库 2 座" in html


def test_a_stations_state_follows_the_metrics_thresholds():
    limits = tuple(Threshold(state=state, above=above) for state, above in (("att", 1), ("warn", 2), ("alarm", 3)))
    ev, memory = evaluator({"m": metric({"kind": "obs", "metric": "m", "take": "last"}, "max", thresholds=limits)})
    memory.observations["f"].add([reading(f"s{value}", value, NOW - H) for value in (0.5, 1.0, 2.5, 4.0)])
    groups = ask(ev, "m", "station").groups
    assert {group.value: group.extra["state"] for group in groups} == {4.0: "alarm", 2.5: "warn", 1.0: "att", 0.5: "ok"}


# --- targets of absolute counts

LIMITS = {"target": 1.0, "limit_text": "目标 ≤ 1 件", "thresholds": (Threshold(state="att", above=2),)}


def judged(**more: object) -> dict[str, Answer]:
    ev, memory = evaluator({"open": metric({"kind": "event_stock", "where": "open"}, "count", **{**LIMITS, **more})})
    memory.events.add([event(key, "received", NOW - 5 * H, NOW - 5 * H) for key in "abc"])
    return {code: ask(ev, "open", code=code) for code in (ROOT, TOWN_A, VILLAGE)}


@pytest.mark.parametrize(("more", "held"), [({}, {ROOT}), ({"target_level": "township"}, {TOWN_A}),
                                            ({"target_level": "every"}, {ROOT, TOWN_A, VILLAGE})])
def test_a_target_of_a_count_stands_only_where_it_was_set(more, held):
    for code, answer in judged(**more).items():
        expected = (1.0, "目标 ≤ 1 件", "att") if code in held else (None, "", None)
        assert (answer.target, answer.limit_text, answer.state) == expected, code
        assert answer.value == 3


def test_a_counts_target_does_not_hold_for_one_category():
    ev, memory = evaluator({"open": metric({"kind": "event_stock", "where": "open"}, "count", **LIMITS)})
    memory.events.add([event(key, "received", NOW - 5 * H, NOW - 5 * H) for key in "abc"])
    span = window_of({}, NOW, "Asia/Shanghai")
    answer = ev.evaluate(Question("metric", "open"), Scope(ROOT, (("category", "c"),)), span)
    assert (answer.target, answer.state) == (None, None)


def test_a_rates_target_holds_for_every_division():
    ev, _ = evaluator({"r": metric({"kind": "event_ratio", "of": "on_time", "scale": 100}, "ratio", **LIMITS)})
    assert [ask(ev, "r", code=code).target for code in (ROOT, TOWN_A, VILLAGE)] == [1.0] * 3


def test_a_target_level_that_does_not_exist_is_named(tmp_path):
    from data.pack import cross_check
    pack = load_pack(HOME / "tests" / "fixtures" / "tiny_pack")
    key, first = next(iter(pack.metrics.items()))
    wrong = replace(pack, metrics={key: first.model_copy(update={"target_level": "town"})})
    assert any("target_level 'town'" in line for line in cross_check(wrong))


# --- periods and the month

def test_a_row_of_another_period_than_the_heads_says_its_own():
    html = drawn("economy", "p1", own("economy", "p1"))
    assert '定期</span><span class="ft">·2026 年 1—10 月' in html
    assert html.count('<small class="of">') == 1
    assert '地区生产总值<small class="of">前三季度</small>' in html
    assert "83.3%、75.0%" in html


def test_the_month_alone_and_its_change_stand_beside_the_year_so_far():
    html = drawn("economy", "p6", own("economy", "p6"))
    assert all(f'<th class="{css}" scope="col">{word}</th>' in html for css, word in (
        ("r", "累计/余额"), ("r", "同比"), ("r opt", "当月"), ("r", "环比")))
    assert "1.02" in html
    assert "−3.4%" in html


def indicator(period: str, value: float, basis: str = "current") -> Row:
    raw = {"indicator": "tax", "division": ROOT, "period": period, "basis": basis, "value": value}
    return {**parse("indicator", raw), "seq": 1, "prev": 0, "received": to_us(NOW), "feed": "f", "code": ROOT}


@pytest.mark.parametrize(("rows", "mom"), [
    ([("2026-09", 2.0), ("2026-10", 2.1)], 5.0), ([("2026-08", 2.0), ("2026-10", 2.1)], None),
    ([("2026-01..02", 2.0), ("2026-03", 2.1)], None), ([("2026-10", 2.1)], None), ([("2026-09", 0.0), ("2026-10", 2.1)],
                                                                                  None)])
def test_month_on_month_needs_the_month_right_before(rows, mom):
    formula = {"kind": "indicator", "id": "tax", "basis": "current"}
    ev, memory = evaluator({"tax": metric(formula, "none")})
    memory.indicators.add([indicator(period, value) for period, value in rows])
    assert ask(ev, "tax").parts["mom"] == mom


# --- unknown is not live

def test_air_of_a_division_without_a_station_is_unknown_and_not_live():
    found = own("ecology", "p1")
    nothing = tuple(Point(point.time, None) for point in found["aqi"].series)
    found["aqi"] = replace(found["aqi"], value=None, series=nothing, parts={})
    html = drawn("ecology", "p1", found | {"pm25": replace(found["pm25"], value=None)})
    assert "fr-unknown" in html
    assert "fr-live" not in html
    assert "空气质量：未知" in html


def test_a_figure_without_any_value_is_marked_unknown():
    answer = Answer(Question("metric", "aqi"), "AQI", freshness="live", time=NOW)
    assert "实时" not in str(fresh_mark(answer, CONTEXT))
    assert "实时" in str(fresh_mark(replace(answer, groups=(Group("a", "甲", 1.0),)), CONTEXT))


# --- a figure per head ages with what is counted

@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    folder, pack = tmp_path_factory.mktemp("ageing"), load_pack(HOME / "places" / "yudu")
    reader = HistoryReader(folder / "history")
    return Gate(pack, Live(pack, State(f"unix://{folder}/none.sock", "t:"), reader, Clock(), folder), reader)


@pytest.mark.parametrize(("events_age_s", "population_age_s", "freshness"), [
    (60, 86_400, "live"), (1800, 86_400, "late"), (7 * 86_400, 60, "down"), (60, 900 * 86_400, "late")])
def test_a_figure_per_head_ages_with_the_events(gate, events_age_s, population_age_s, freshness):
    now = gate.live.clock.now_us()
    for feed, age in (("events", events_age_s), ("population", population_age_s)):
        gate.live.health[feed] = FeedHealth(feed, *[now - age * 1_000_000] * 3)
    gate.live.turns += 1
    span = window_of({}, gate.live.clock.now(), "Asia/Shanghai")
    found = gate.read(demo_principal(COUNTY), Question("metric", "open_events_per_10k"), Scope(COUNTY), span)
    assert found.freshness == freshness
    assert not found.scheduled
    assert found.cadence_s == 300
    assert found.contact_us == now - events_age_s * 1_000_000


def test_a_monthly_figure_stays_scheduled(gate):
    now = gate.live.clock.now_us()
    gate.live.health["economy"] = FeedHealth("economy", *[now - 86_400_000_000] * 3)
    span = window_of({}, gate.live.clock.now(), "Asia/Shanghai")
    found = gate.read(demo_principal(COUNTY), Question("metric", "gdp"), Scope(COUNTY), span)
    assert (found.freshness, found.scheduled) == ("scheduled", True)


# --- the key beside the switches

@pytest.mark.parametrize("some", [maplayers.SHAPES[:6], maplayers.SHAPES[-6:]])
def test_every_switch_shows_the_shape_that_the_map_draws_and_how_many(some: tuple[str, ...]) -> None:
    shown = replace(CONTEXT, layers={key: (shape, 7 + k) for k, (key, shape) in enumerate(
        zip(OVERVIEW.map.layers, ("cluster", *some, "dot"), strict=True))})
    html = str(maplayers.layer_switches(OVERVIEW, shown))
    shapes = re.findall(r'href="#m-(\w+)"', html)
    assert shapes == ["circle", *some, "circle"]
    assert re.findall(r'<span class="n">(\d+)</span>', html) == [str(7 + k) for k in range(8)]
    assert all(f'id="m-{shape}"' in symbols() for shape in some)


def test_the_keys_shapes_are_those_of_the_maps_drawing():
    script = (HOME / "assets" / "map_shapes.js").read_text(encoding="utf-8")
    drawn_there = set(re.findall(r"shape === '(\w+)'", script))
    assert drawn_there | {"circle"} == set(maplayers.SHAPES)


def test_single_events_below_the_place_have_a_key_of_their_shapes():
    html = str(mapcards.cluster_legend())
    assert all(word in html for word in ("超期超过 1 天", "有超期", "24 小时内到期", "正常"))
    assert all(f"#s-{state}" in html for state in ("alarm", "warn", "att"))
