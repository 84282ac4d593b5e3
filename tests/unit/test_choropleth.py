"""Colors of the map by the reader's choice of classes: counts add up, limits hold, states and warnings have theirs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.answers import Answer, Group, Question
from layouts import choropleth
from layouts.choropleth import Shading, shade
from layouts.mapcards import map_head
from layouts.screens import BY_KEY
from tests.fixtures.answers import context

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
    alike = len({round(value) for value in values if value is not None}) < 2
    read = float if alike else round
    for code, (at, _) in found.values.items():
        value = values[int(code)]
        assert (found.tokens[at] == "qn") == (value is None)
        if value is not None:
            assert at == sum(read(value) >= limit for limit in found.breaks)


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


@pytest.mark.parametrize(("values", "told"), [([3.0, 7.0, 1.0], "数：镇1最高"), ([1.0, 1.0, 0.0], "数"),
                                              ([-4.0, -2.0], "数：镇1最高"), ([0.0, 0.0], "数"), ([5.0, None], "数")])
def test_the_head_names_the_highest_only_where_there_is_one(values: list[float | None], told: str) -> None:
    html = str(map_head(BY_KEY["overview"], {"map": answer(values)}, context(BY_KEY["overview"])))
    assert html.startswith(f"<b>{told}</b>")


def test_a_class_holds_what_reads_as_being_in_it() -> None:
    found = shade(answer([9.97, 7.0, 1.0], decimals=1, parts={"breaks": [7, 10]}))
    assert [found.values[code] for code in "012"] == [(2, "10.0"), (1, "7.0"), (0, "1.0")]
    assert [n for _, _, n in found.legend] == [1, 1, 1]
    growth = shade(answer([-0.04, 3.0, -5.0], unit="%", decimals=1), "natural")
    assert growth.values["0"] == (growth.tokens.index("d2"), "0.0 %")


@pytest.mark.parametrize("method", ["natural", "quantile"])
def test_no_growth_is_neither_a_rise_nor_a_fall(method: str) -> None:
    found = shade(answer([0.0, 0.0, 4.0, -3.0], unit="%", decimals=1), method)
    colors = [found.tokens[found.values[code][0]] for code in "0123"]
    assert colors == ["d2", "d2", "d3", "d1"]
    assert [text for _, text, _ in found.legend][1] == "0.0"
    flat = shade(answer([0.0, -3.0, -9.0], unit="%"), method)
    assert flat.tokens[flat.values["0"][0]] == "d2"


def test_limits_beyond_the_colors_are_said() -> None:
    found = shade(answer([350.0, 210.0], parts={"breaks": [51, 101, 151, 201, 301, 401]}))
    assert found.method == "指标规定的分级，最高的 1 个界限以上不再分色"


def test_the_six_classes_of_air_have_six_colors() -> None:
    found = shade(answer([350.0, 210.0, 160.0, 120.0, 60.0, 20.0], parts={"breaks": [51, 101, 151, 201, 301]}))
    assert [found.tokens[found.values[code][0]] for code in "012345"] == ["q5", "q4", "q3", "q2", "q1", "q0"]
    assert [text for _, text, _ in found.legend] == ["≥ 301", "201–300", "151–200", "101–150", "51–100", "< 51"]
    assert found.method == "指标规定的分级"
    assert shade(answer([350.0], parts={"breaks": [51, 101, 151, 201]})).method == "指标规定的分级"
