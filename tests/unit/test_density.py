"""Density of points against its formula: one point, a uniform field, and what the limits promise."""

from __future__ import annotations

import math

import pytest

from analysis.density import BANDWIDTHS_M, bandwidth_m, density_of, peak, zoom_for

HERE = (115.4, 25.9, 1)


def test_one_point_has_the_kernel_s_own_height() -> None:
    assert peak([HERE], 1000) == pytest.approx(1e6 / (2 * math.pi * 1000 ** 2))
    assert peak([HERE] * 7, 500) == pytest.approx(7e6 / (2 * math.pi * 500 ** 2))
    assert peak([], 500) == 0
    assert peak([(115.4, 25.9, 7)], 500) == peak([HERE] * 7, 500)


def test_points_joined_at_the_zoom_of_a_bandwidth_lie_within_a_quarter_of_it() -> None:
    for width in BANDWIDTHS_M:
        zoom = zoom_for(width, 54, 26)
        meters = 54 * 40_075_016.686 / 256 * math.cos(math.radians(26)) / 2 ** zoom
        assert width / 8 < meters <= width / 4


def test_a_uniform_field_has_its_own_density() -> None:
    """A point every 250 m is 16 to a km², whatever the bandwidth."""
    lat, lon = 250 / 110_574, 250 / (111_320 * math.cos(math.radians(25.95)))
    field = [(115 + i * lon, 25.9 + j * lat, 1) for i in range(60) for j in range(60)]
    for width in (500, 1000):
        assert peak(field, width) == pytest.approx(16, rel=0.02)


def test_points_far_apart_do_not_add_up() -> None:
    assert peak([HERE, (115.6, 25.9, 1)], 500) == pytest.approx(peak([HERE], 500), rel=1e-3)


def test_the_bandwidth_grows_with_the_division_and_is_round() -> None:
    widths = [bandwidth_m(area) for area in (0, 1, 20, 120, 2900, 40_000, 1e9)]
    assert widths == sorted(widths)
    assert set(widths) <= set(BANDWIDTHS_M)
    assert bandwidth_m(2900) == 1500


def test_limits_ascend_below_the_peak_and_nothing_has_none() -> None:
    found = density_of([HERE] * 40 + [(115.5, 26.0, 1)] * 3, 2900)
    assert list(found.limits) == sorted(found.limits)
    assert len(found.limits) == 4
    assert found.limits[-1] <= peak([HERE] * 40, found.bandwidth_m)
    assert density_of([], 2900).limits == ()
