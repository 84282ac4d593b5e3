"""Colors of the map by the reader's choice of classes: counts add up, limits hold, states and warnings have theirs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.answers import Answer, Group, Question
from layouts import choropleth
from layouts.choropleth import Shading, shade

ASK = Question("metric", "m", "township")
VALUES = st.lists(st.one_of(st.none(), st.integers(-5, 40).map(float), st.floats(-500, 500)), max_size=40)


def answer(values: list[float | None], **more: Any) -> Answer:
    groups = tuple(Group(str(k), f"镇{k}", value) for k, value in enumerate(values))
    return Answer(ASK, "数", groups=groups, **more)


def told(found: Shading) -> list[tuple[str, str, int]]:
    return list(found.legend)


@pytest.mark.parametrize("method", ["", *choropleth.METHODS])
@given(values=VALUES, unit=st.sampled_from(["%", "件"]), declared=st.sampled_from([[], [1, 5, 20]]))
@settings(max_examples=80, deadline=None)
def test_every_division_is_in_one_class_and_the_counts_add_up(method: str, values: list[float | None], unit: str,
                                                              declared: list[float]) -> None:
    found = shade(answer(values, unit=unit, parts={"breaks": declared}), method)
    assert sum(n for _, _, n in found.legend) == len(values)
    assert len(set(found.tokens)) == len(found.tokens)
    for code, (at, _) in found.values.items():
        value = values[int(code)]
        assert (found.tokens[at] == "qn") == (value is None)
        if value is not None:
            assert at == sum(value >= limit for limit in found.breaks)


@pytest.mark.parametrize("method", ["natural", "quantile"])
@given(values=VALUES, unit=st.sampled_from(["%", "件"]))
@settings(max_examples=80, deadline=None)
def test_a_chosen_way_leaves_no_class_empty(method: str, values: list[float | None], unit: str) -> None:
    found = shade(answer(values, unit=unit), method)
    known = [value for value in values if value is not None]
    if known:
        assert all(n for token, _, n in found.legend if token != "qn")
    assert found.method == choropleth.METHODS[method]


def test_a_fall_and_a_rise_are_never_in_one_class() -> None:
    found = shade(answer([-8.0, -7.5, -1.0, 2.0, 2.5, 9.0], unit="%"), "natural")
    sides = {(found.values[str(k)][0], value < 0) for k, value in enumerate([-8.0, -7.5, -1.0, 2.0, 2.5, 9.0])}
    assert len({at for at, _ in sides}) == len(sides) == 4
    assert found.tokens == ("d0", "d1", "d3", "d4", "qn")


LIMITS = [["att", None, 95], ["warn", None, 85]]


def test_limits_of_the_metric_color_by_state_and_say_their_numbers() -> None:
    found = shade(answer([99.0, 95.0, 90.0, 80.0, None], unit="%", parts={"limits": LIMITS}), "thresholds")
    assert told(found) == [("k-orange", "预警 ≤ 85", 1), ("k-yellow", "关注 ≤ 95", 2), ("q0", "未到限值", 1),
                           ("qn", "未知", 1)]
    assert found.method == "指标规定的限值"


def test_limits_that_do_not_hold_here_give_way_to_the_declared_classes() -> None:
    found = shade(answer([1.0, 30.0], parts={"breaks": [5, 20]}), "thresholds")
    assert found.breaks == (5, 20)
    assert found.method == "指标规定的分级"


def test_warnings_have_their_official_colors() -> None:
    groups = (Group("a", "甲", 2.0, 2, {"worst": "red", "state": "alarm"}), Group("b", "乙", 0.0),
              Group("c", "丙", 1.0, 1, {"worst": "blue", "state": "ok"}))
    found = shade(Answer(ASK, "生效预警", "条", groups=groups))
    assert told(found) == [("k-red", "红色预警", 1), ("k-orange", "橙色预警", 0), ("k-yellow", "黄色预警", 0),
                           ("k-blue", "蓝色预警", 1), ("q0", "无预警", 1)]
    assert found.tokens[found.values["a"][0]] == "k-red"


def test_small_limits_keep_the_digits_that_part_them() -> None:
    assert choropleth.class_words((0.004, 0.02), 0) == ("< 0.004", "0.004–0.019", "≥ 0.020")
