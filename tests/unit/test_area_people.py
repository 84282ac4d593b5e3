"""How many people live in a drawn area where not everybody's figure is published: never a sum with gaps."""

from __future__ import annotations

from dataclasses import replace

from api.area_files import people_words
from data.answers import Question, Scope
from data.metrics import Evaluator
from tests.unit.test_area_answers import ROOT, TOWN_A, TOWN_B, WINDOW, Place, V, people, place  # noqa: F401
from tests.unit.test_area_drawer import drawn, plain
from tests.unit.test_engine import metric


def test_a_level_with_gaps_gives_way_to_one_without_and_else_it_is_unknown() -> None:
    found, every = Place(), "polygon:114.9,25.9;115.3,25.9;115.3,26.2;114.9,26.2"
    found.memory.indicators.add([people(V[0], 100)])
    told = found.ask(every).parts["people"]
    assert (told["value"], told["least"], told["most"], told["unknown"], len(told["rows"])) == (None, None, None, 4, 5)
    found.memory.indicators.add([people(TOWN_A, 1000), people(TOWN_B, 5000), people(ROOT, 6000)])
    told = found.ask(every).parts["people"]
    assert (told["value"], told["least"], told["most"], told["level"]) == (6000, 6000, 6000, "township")
    small = found.ask("polygon:115.03,25.99;115.06,25.99;115.06,26.11;115.03,26.11").parts["people"]
    assert (small["value"], small["level"]) == (None, "village"), "a township's point brings no township into a village"


def test_children_with_gaps_make_no_sum() -> None:
    found = Place()
    found.memory.indicators.add([people(code, 100) for code in V[:3]])
    asked = Question("metric", "population", by="township")
    answer = found.evaluator.evaluate(asked, Scope(ROOT), WINDOW)
    assert (answer.value, [group.value for group in answer.groups]) == (None, [None, None])
    found.memory.indicators.add([people(TOWN_A, 1000), people(TOWN_B, 5000)])
    answer = found.evaluator.evaluate(asked, Scope(ROOT), WINDOW)
    assert (answer.value, [group.value for group in answer.groups]) == (6000, [1000, 5000])
    found.memory.indicators.add([people(V[3], 100)])
    answer = found.evaluator.evaluate(asked, Scope(ROOT), WINDOW)
    assert (answer.value, [group.value for group in answer.groups]) == (5400, [400, 5000])


def test_per_head_is_of_what_is_known_there(place: Place) -> None:  # noqa: F811
    counted = metric({"kind": "event_stock", "where": "open"}, "count")
    share = metric({"kind": "per", "part": "open", "whole": "population", "scale": 1000}, "ratio")
    made = replace(place.pack, metrics={**place.pack.metrics, "open": counted, "share": share})
    asked = Question("metric", "share", by="township")

    def told() -> list[float | None]:
        answer = Evaluator(made, place.memory).evaluate(asked, Scope(ROOT), WINDOW)
        return [answer.value, *(group.value for group in answer.groups)]

    assert told() == [3 / 6, 3, 0]
    place.memory.indicators.add([people(V[3], None)])
    assert told() == [None, None, 0]
    place.memory.indicators.add([people(TOWN_A, 1000)])
    assert told() == [3 / 6, 3, 0]


def test_the_most_is_unknown_while_one_that_is_touched_has_no_figure(place: Place) -> None:  # noqa: F811
    place.memory.indicators.add([people(V[1], None)])
    told = place.ask("polygon:114.99,25.99;115.03,25.99;115.03,26.11;114.99,26.11").parts["people"]
    assert (told["value"], told["least"], told["most"], told["unknown"]) == (100, 100, None, 1)


def test_no_range_is_said_and_no_sum_made_where_figures_lack(place: Place) -> None:  # noqa: F811
    place.memory.indicators.add([people(V[1], None)])
    edge = place.ask("polygon:114.99,25.99;115.03,25.99;115.03,26.11;114.99,26.11")
    said = plain(drawn({"inside": edge}))
    assert "常住人口 100 人" in said
    assert "其中 1 个没有人口数" in said
    assert "实际介于" not in said
    assert "触及的 1 个没有人口数" in people_words(edge.parts["people"])
    both = place.ask("polygon:114.99,25.99;115.04,25.99;115.04,26.11;114.99,26.11")
    said = plain(drawn({"inside": both}))
    assert "常住人口 未知 区域触及的 2 个村中有 1 个没有人口数；其余 1 个村共 100 人，不作合计" in said
    assert people_words(both.parts["people"]) == "未知（区域触及的 2 个村中有 1 个没有人口数）"


def test_neighbors_that_only_share_an_edge_are_not_touched(place: Place) -> None:  # noqa: F811
    told = place.ask("polygon:115,26;115.025,26;115.025,26.1;115,26.1").parts["people"]
    assert (told["value"], told["least"], told["most"], told["n_outside"]) == (100, 100, 100, 0)
