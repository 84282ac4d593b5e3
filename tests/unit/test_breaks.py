"""Class limits: natural breaks against every partition there is, and what holds of any values whatever."""

from __future__ import annotations

import bisect
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis import breaks

REALS = st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 3))
VALUES = st.lists(st.one_of(REALS, st.integers(-3, 3).map(float)), max_size=60)


def parted(values: list[float], limits: tuple[float, ...]) -> list[list[float]]:
    found: list[list[float]] = [[] for _ in range(len(limits) + 1)]
    for value in values:
        found[bisect.bisect_right(limits, value)].append(value)
    return found


def squares(parts: list[list[float]]) -> float:
    return sum((value - fmean(part)) ** 2 for part in parts for value in part)


def least(values: list[float], classes: int) -> float:
    """The smallest sum of squares of any partition into so many classes, by trying all of them."""
    ordered = sorted(values)
    return min(squares([ordered[a:b] for a, b in zip((0, *cuts), (*cuts, len(ordered)), strict=True)])
               for cuts in combinations(range(1, len(ordered)), classes - 1))


@given(st.lists(st.integers(-50, 50).map(float), min_size=5, max_size=12), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_natural_breaks_are_the_best_of_all_partitions(values: list[float], classes: int) -> None:
    classes = min(classes, len(set(values)))
    limits = breaks.natural(values, classes)
    assert squares(parted(values, limits)) == pytest.approx(least(values, classes), abs=1e-6)


@pytest.mark.parametrize("rule", [breaks.natural, breaks.quantiles])
@given(values=VALUES, classes=st.integers(1, 7))
@example(values=[5e-324, 1e9], classes=5)
@example(values=[0.1, 0.1 + 1e-16, 0.3], classes=5)
@settings(max_examples=120, deadline=None)
def test_limits_ascend_and_leave_no_class_empty(rule, values: list[float], classes: int) -> None:
    limits = rule(values, classes)
    assert list(limits) == sorted(set(limits))
    assert len(limits) <= max(0, min(classes, len(set(values))) - 1)
    if values:
        assert all(parted(values, limits))


@pytest.mark.parametrize("rule", [breaks.natural, breaks.quantiles])
@given(values=VALUES, classes=st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_values_changes_nothing(rule, values: list[float], classes: int) -> None:
    assert rule(values, classes) == rule(sorted(values, reverse=True), classes)


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
@settings(max_examples=200, deadline=None)
def test_the_roundest_number_lies_above_the_one_and_not_above_the_other(one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low < high:
        assert low < breaks.roundest(low, high) <= high


def test_limits_are_the_roundest_numbers_that_part_the_same() -> None:
    assert breaks.roundest(17.3, 23.9) == 20
    assert breaks.roundest(0.031, 0.048) == 0.04
    assert breaks.roundest(-8.2, -3.1) == -4
    assert breaks.roundest(-2, 5) == 0
    assert breaks.natural([1, 2, 3, 40, 41, 43, 90, 95], 3) == (40, 90)


def test_quantiles_halve_and_keep_equal_values_together() -> None:
    assert breaks.quantiles(list(range(100)), 4) == (25, 50, 75)
    assert breaks.quantiles([0.0] * 90 + [1.0, 2.0], 5) == (1,)
    assert breaks.quantiles([7.0] * 9, 5) == ()


def test_as_many_different_values_as_a_city_has_cells_are_parted_quickly_and_nearly_as_well() -> None:
    drawn = np.random.default_rng(7)
    values = np.concatenate([drawn.normal(middle, 3, 1500) for middle in (10, 50, 120)]).tolist()
    limits = breaks.natural(values, 3)
    assert len(set(values)) > breaks.MOST_DISTINCT
    assert 20 < limits[0] < 40
    assert 60 < limits[1] < 110


def test_one_value_far_off_leaves_the_others_their_classes() -> None:
    values = [*np.random.default_rng(3).gamma(2.0, 30.0, 2599).tolist(), 1e6]
    counts = [len(part) for part in parted(values, breaks.natural(values))]
    assert len(counts) == breaks.CLASSES
    assert counts[-1] == 1
    assert max(counts) < 1600
