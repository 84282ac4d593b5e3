"""What is kept between questions: contributions whatever the division, panels whatever else changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from markupsafe import Markup
from shapely.geometry import box

import api.panel_shelf as shelves
from data import contribution_memo
from data.answers import Answer, Question
from data.contribution import Contribution, by_division
from data.contribution_memo import ContributionMemo
from data.inputs import Inputs
from data.pack import Metric
from geo.divisions import Division, Divisions
from layouts.screen import Context, Panel, Place
from layouts.view import ViewState

MINUTE = 60_000_000
START = int(datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC).timestamp() * 1_000_000)
PLACE = Place("1", "县", "屏", (("county", "县"),), "", True, "Asia/Shanghai")


class Tables:
    def __init__(self) -> None:
        items = [Division("1", "县", 0, None), Division("11", "甲", 1, "1"), Division("12", "乙", 1, "1")]
        self.divisions = Divisions(items, [box(0, 0, 2, 1), box(0, 0, 1, 1), box(1, 0, 2, 1)],
                                   [("county", "县"), ("township", "乡")])


class Counted:
    """A formula that counts its evaluations, and the data's version."""

    def __init__(self) -> None:
        self.made = self.version = 0
        self.memo = ContributionMemo({"k": self.formula}, lambda metric, end: self.version)

    def formula(self, inputs: Inputs) -> Contribution:
        self.made += 1
        return Contribution(np.array([1, 1, 2]), np.ones((3, 1)), zero=True)


def evaluation(**more: object) -> Inputs:
    metric = Metric(name="数", topic="C1", feeds=("f",), over_time="last", over_area="count", level="township",
                    formula={"kind": "k"})
    made = Inputs(Tables(), metric, {}, {"m": metric}, {}, START - MINUTE, START, moving=True)  # type: ignore[arg-type]
    return replace(made, **more)  # type: ignore[arg-type]


def test_the_same_evaluation_is_made_once_until_its_data_changes() -> None:
    counted, asked = Counted(), evaluation()
    formula = counted.memo.formulas["k"]
    assert formula(asked) is formula(asked)
    formula(replace(asked, step=MINUTE))
    formula(replace(asked, filters=(("stage", "closed"),)))
    assert counted.made == 3
    counted.version += 1
    formula(asked)
    assert counted.made == 4


@pytest.mark.parametrize(("moving", "made"), [(True, 1), (False, 2)])
def test_a_window_that_follows_the_clock_moves_by_the_minute(moving: bool, made: int) -> None:
    counted, asked = Counted(), evaluation(moving=moving)
    for shift in (0, 20_000_000):
        counted.memo.formulas["k"](replace(asked, start=asked.start + shift, end=asked.end + shift))
    assert counted.made == made


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contribution_memo, "MOST_BYTES", 1)
    counted, asked = Counted(), evaluation()
    for _ in range(2):
        for step in (1, 2):
            counted.memo.formulas["k"](replace(asked, step=step))
    assert counted.made == 4


def test_roll_ups_are_kept_with_their_rows_and_not_passed_on_to_a_part_of_them() -> None:
    divisions = Tables().divisions
    found = Contribution(np.array([1, 1, 2]), np.ones((3, 1)), zero=True)
    assert by_division(found, divisions)[0].tolist() == [3, 2, 1]
    assert by_division(found, divisions)[0] is by_division(found, divisions)[0]
    assert by_division(found.take(found.division == 1), divisions)[0].tolist() == [2, 2, 0]


def test_a_panel_is_drawn_again_only_for_another_answer_view_or_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def draw(panel: Panel, answers: dict[str, Answer], context: Context) -> Markup:
        drawn.append(panel.key)
        return Markup("<i></i>")

    monkeypatch.setattr(shelves, "safe_panel", draw)
    question = Question("metric", "m")
    panel, answer = Panel("p1", "p1", "题", "C1", "trend", {"one": question}), Answer(question, "数", value=1.0)
    context, shelf = Context(PLACE, ViewState(), (), START), shelves.PanelShelf()
    later = [replace(context, now_us=START + shift) for shift in (1_000_000, MINUTE)]
    elsewhere = replace(context, view=ViewState(division="11"))
    for held, seen in ((answer, context), (answer, later[0]), (replace(answer), context), (answer, elsewhere),
                       (answer, later[1])):
        shelf.draw(panel, {"p1.one": held, "other": answer}, seen)
    assert len(drawn) == 4
