"""Small decisions behind a view: how often a figure moves, whose sites stand in a panel, cells that borrow a color, and
which feeds a topic stands on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from access.principal import Principal, demo_principal
from api import topics, view
from api.mapstate import map_state
from api.web import Web
from api.web_app import services
from data import formulas_stations
from data.answers import Answer, Group, Question, Scope, Window
from data.errors import WrongInput
from data.metrics import Evaluator
from data.pack import load_pack
from data.settings import load_settings
from layouts.screens import SCREENS
from layouts.topics import TOPICS
from layouts.view import from_query

YUDU = Path(__file__).parents[2] / "places" / "yudu"
ROOT = "360731000000"
PRINCIPAL = demo_principal(ROOT)
SPAN = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Web:
    """The services of the county before its first record."""
    folder = tmp_path_factory.mktemp("pieces")
    settings = load_settings(place=YUDU, state=folder, redis_url=f"unix://{folder}/none.sock")
    return services(settings, load_pack(YUDU))


@pytest.mark.parametrize(("metric", "seconds"), [
    ("river_over_m", 300),          # the register beside it comes once a day
    ("device_online_rate", 300),
    ("camera_online_rate", 86_400),  # there is nothing but the register
    ("aqi", 3600), ("good_day_rate", 86_400),  # its own word rules
    ("water_good_rate", 4 * 3600)])
def test_a_figure_moves_as_its_slowest_moving_feed(web: Web, metric: str, seconds: float) -> None:
    answer = web.gate.read(PRINCIPAL, Question("metric", metric), Scope(ROOT), SPAN)
    assert answer.cadence_s == seconds


def test_a_yearly_figure_beside_a_moving_one_does_not_age_it(web: Web) -> None:
    events = web.gate.read(PRINCIPAL, Question("metric", "open_events"), Scope(ROOT), SPAN).cadence_s
    shared = web.gate.read(PRINCIPAL, Question("metric", "open_events_per_10k"), Scope(ROOT), SPAN).cadence_s
    alone = web.gate.read(PRINCIPAL, Question("metric", "population"), Scope(ROOT), SPAN).cadence_s
    assert shared == events < alone


class Asked:
    """A gate that notes what it is asked and answers with the division."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def read(self, _who: Principal, question: Question, scope: Scope, _span: Window) -> Answer:
        self.scopes.append(scope.division)
        return Answer(question, "站点", at_division=scope.division)


def sites(answers: dict[str, Answer], asked: dict[str, Question]) -> tuple[dict[str, Answer], list[str]]:
    gate = Asked()
    return view._sites(cast(Any, SimpleNamespace(gate=gate)), PRINCIPAL, (asked, answers), SPAN), gate.scopes


BY, SITES = Question("metric", "aqi", "station"), Question("rows", "assets:station_air")
STATIONS = (Group("AQ01", "站", 50.0),)


def test_sites_are_those_of_the_division_whose_stations_stand_in_the_panel() -> None:
    held = {"air.by": Answer(BY, "aqi", at_division="360731100000", groups=STATIONS),
            "air.sites": Answer(SITES, "站点", at_division="360731100201")}
    found, scopes = sites(held, {"air.by": BY, "air.sites": SITES})
    assert list(found) == ["air.sites"]
    assert found["air.sites"].at_division == "360731100000"
    assert scopes == ["360731100000"]


@pytest.mark.parametrize(("held", "asked"), [
    ({"air.by": Answer(BY, "aqi", at_division=ROOT)}, {"air.by": BY, "air.sites": SITES}),
    ({"air.by": Answer(BY, "aqi", groups=STATIONS)}, {"air.by": BY, "air.sites": SITES}),
    ({"air.by": Answer(BY, "aqi", at_division=ROOT, groups=STATIONS)}, {"air.by": BY}),
    ({"air.trend": Answer(BY, "aqi", at_division=ROOT, groups=STATIONS)}, {"air.sites": SITES})])
def test_no_sites_are_asked_for_where_no_stations_stand(held: dict[str, Answer], asked: dict[str, Question]) -> None:
    assert sites(held, asked) == ({}, [])


def mapped(web: Web, division: str, answer: Answer) -> dict[str, Any]:
    screen = next(screen for screen in SCREENS if screen.key == "ecology")
    context = view.context_of(web, screen, from_query("ecology", {"division": division}, "24h"), PRINCIPAL)
    return map_state(web, screen, context, {"map": answer})


def town_answer(groups: tuple[Group, ...], level: str) -> Answer:
    return Answer(Question("metric", "aqi", "children"), "AQI", at_division="360731100000", groups=groups,
                  parts={"level": level, "breaks": [51, 101, 151, 201]})


def test_below_the_published_level_the_villages_take_the_color_and_the_name_of_their_township(web: Web) -> None:
    name = web.pack.divisions.get("360731100000").name
    found = mapped(web, "360731100000", town_answer((Group("360731100000", name, 120.0),), "township"))
    villages = {child.code for child in web.pack.divisions.children("360731100000")}
    assert found["level"] == "village"
    assert found["cells"].startswith("/api/v1/layers/divisions-village.geojson")
    assert set(found["values"]) == villages
    assert {tuple(value) for value in found["values"].values()} == {(2, f"{name}级 120")}


def test_an_unknown_figure_is_borrowed_as_unknown(web: Web) -> None:
    found = mapped(web, "360731100000", town_answer((Group("360731100000", "镇", None),), "township"))
    assert {found["classes"][value[0]] for value in found["values"].values()} == {"qn"}
    assert all("未知" in value[1] for value in found["values"].values())


def test_where_the_children_have_figures_of_their_own_nothing_is_borrowed(web: Web) -> None:
    villages = web.pack.divisions.children("360731100000")
    groups = tuple(Group(child.code, child.name, 10.0) for child in villages)
    found = mapped(web, "360731100000", town_answer(groups, "village"))
    assert {value[1] for value in found["values"].values()} == {"10"}
    elsewhere = mapped(web, "360731100000", town_answer((Group("360731101000", "别处", 10.0),), "township"))
    assert elsewhere["level"] == "township"


def test_a_topic_stands_on_its_own_feeds_those_of_its_metrics_and_those_its_panels_ask(web: Web) -> None:
    rows = {row["id"]: row for row in topics.topic_rows(web, PRINCIPAL)}
    assert len(rows) == len(TOPICS) == 53
    for key, row in rows.items():
        own = {feed for feed, declared in web.pack.feeds.items() if declared.topic == key}
        metrics = {name for name, metric in web.pack.metrics.items() if metric.topic == key}
        assert own | {feed for name in metrics for feed in web.pack.metrics[name].feeds} <= set(row["feeds"])
        assert set(row["metrics"]) == metrics
        assert row["feeds"] == sorted(set(row["feeds"]))
    assert {"river", "rain", "reservoir"} <= set(rows["M1"]["feeds"])
    # A county that delivered nothing has no live topic, and each says why.
    assert not any(row["live"] for row in rows.values())
    assert all(row["why_not"] for row in rows.values())


def test_a_panel_lends_its_feeds_to_its_topic(web: Web) -> None:
    lent = []
    for screen in web.screens:
        for panel in screen.panels:
            for question in panel.asks.values():
                if question.kind in ("metric", "rows", "warnings"):
                    feeds = set(web.gate.feeds_of(question)) & set(web.pack.feeds)
                    assert feeds <= set(topics._feeds(web, panel.topic, [])), (panel.key, question)
                    lent.append(feeds)
    assert len(lent) > 30
    assert any(lent)


@pytest.mark.parametrize("by", ["week", "month"])
def test_the_air_index_has_hours_and_days_only(web: Web, by: str) -> None:
    with pytest.raises(WrongInput, match="只有小时值和日值"):
        web.gate.read(PRINCIPAL, Question("metric", "aqi", by), Scope(ROOT), SPAN)
    assert len(web.gate.read(PRINCIPAL, Question("metric", "rain_24h", by), Scope(ROOT), SPAN).series) == 1


def test_a_register_sent_daily_keeps_no_silent_station_alive(web: Web) -> None:
    """River stations report every 5 minutes: after an hour of silence a reading is no longer the present level."""
    inputs = Evaluator(web.pack, web.live.tables).inputs("river_over_m", Scope(ROOT), SPAN)
    assert formulas_stations._patience(inputs) == 3_600_000_000
