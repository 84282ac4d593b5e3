"""D4: a figure of stations says how many of them are in it, and turns amber when they are too few."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engine import NOW, ROOT, TOWN_A, TOWN_B, VILLAGE, H, Memory, ask, event, metric, pack, reading, tree

from api.questions import as_json
from data.answers import Answer, Coverage, Question
from data.metrics import Evaluator
from layouts.parts import stations_mark

OBS = {"kind": "obs", "metric": "m", "take": "last"}
METRICS = {"mean": metric(OBS, "mean"), "top": metric(OBS, "max", enough_pct=50),
           "over": metric({"kind": "margin", "metric": "m", "limit": "warn"}, "max"),
           "fixed": metric({"kind": "margin", "metric": "m", "above": 1}, "max"),
           "open": metric({"kind": "event_stock"}, "count")}
PLACES = (VILLAGE, TOWN_A, TOWN_B)


def engine(sites: list[tuple[str, bool]], heard: list[bool]) -> Evaluator:
    """Stations (division, has a limit), of which some report; one more reports that no register has."""
    memory: Any = Memory(tree())
    memory.assets.add([{
        "id": f"s{number}", "feed": "f", "layer": "gauge", "name": "站", "lon": 0.5, "lat": 0.5, "code": code,
        "demo": False,
        "received": 0, "geometry": None, "properties": {"warn": 3} if limited else {}}
        for number, (code, limited) in enumerate(sites)])
    memory.observations["f"].add([reading(f"s{number}", 2, NOW - H, code) for number, ((code, _), said)
                                  in enumerate(zip(sites, heard, strict=True)) if said]
                                 + [reading("stranger", 9, NOW - H, VILLAGE)])
    made = pack(METRICS, memory.divisions)
    feed = made.feeds["f"].model_copy(update={"stations": "gauge"})
    return Evaluator(SimpleNamespace(**{**vars(made), "feeds": {"f": feed}}), memory)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.booleans(), st.booleans()), max_size=40))
def test_the_stations_in_a_figure_are_those_that_report(drawn: list[tuple[str, bool, bool]]) -> None:
    found = engine([(code, limited) for code, limited, _ in drawn], [said for _, _, said in drawn])
    inside = {ROOT: PLACES, TOWN_A: (VILLAGE, TOWN_A), TOWN_B: (TOWN_B,), VILLAGE: (VILLAGE,)}
    for name, enough in (("mean", 80), ("top", 50), ("over", 80), ("fixed", 80)):
        for code, places in inside.items():
            counted = [said for place, limited, said in drawn if place in places and (limited or name != "over")]
            expected = Coverage(sum(counted), len(counted), 100 * sum(counted) >= enough * len(counted))
            assert ask(found, name, code=code).stations == expected, (name, code)


def test_a_count_of_events_has_no_stations() -> None:
    found = engine([(VILLAGE, True)], [True])
    found.tables.events.add([event("a", "received", NOW - H, NOW - H)])
    assert ask(found, "open").stations is None


@pytest.mark.parametrize(("told", "amber"), [(35, False), (28, False), (27, True), (0, True)])
def test_too_few_stations_are_amber_wherever_they_stand(told: int, amber: bool) -> None:
    answer = Answer(Question("metric", "mean"), "均值", stations=Coverage(told, 35, 100 * told >= 80 * 35))
    whole = Answer(Question("metric", "mean"), "均值", stations=Coverage(9, 9, True))
    mark = stations_mark([whole, answer])
    assert f"{told}/35 站" in mark
    assert ("st-att" in mark) == amber
    assert as_json(answer, None)["stations"] == {"told": told, "known": 35, "enough": not amber}
