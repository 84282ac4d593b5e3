"""Ways over a small drawn road network: minutes and meters by hand, one-way streets, bridges, off-road legs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.roads import Road, RoadNetwork

GEOD = Geod(ellps="GRS80")
OFF_KMH, MOST_OFF_M = 20.0, 500.0


def meters(*points: tuple[float, float]) -> float:
    return float(GEOD.line_length([lon for lon, _ in points], [lat for _, lat in points]))


def way(network: RoadNetwork, start: tuple[float, float], goal: tuple[float, float]):
    return network.ways_to(goal, [start], OFF_KMH, MOST_OFF_M)[0]


A, B, C, D, E = (115.0, 26.0), (115.05, 26.0), (115.1, 26.0), (115.05, 26.05), (115.1, 26.05)
FAST, SLOW = 60.0, 30.0


def cross() -> RoadNetwork:
    """A fast road A–B–C, a slow one B–D; E is joined to nothing but a road of its own."""
    return RoadNetwork([Road(shapely.LineString([A, B, C]), FAST), Road(shapely.LineString([B, D]), SLOW),
                        Road(shapely.LineString([E, (115.12, 26.05)]), FAST)])


def test_minutes_and_meters_by_hand() -> None:
    network = cross()
    found = way(network, A, D)
    assert found is not None
    assert network.road_m(found) == pytest.approx(meters(A, B, D), abs=0.01)
    by_hand = meters(A, B) / 1000 + meters(B, D) / 500
    assert found.minutes == pytest.approx(by_hand, rel=1e-6)
    assert (found.start.off_m, found.goal.off_m) == (0.0, 0.0)


def test_a_place_beside_the_road_walks_to_it_and_the_way_begins_there() -> None:
    network, beside = cross(), (115.025, 26.001)
    found = way(network, beside, C)
    off = meters(beside, (115.025, 26.0))
    assert found is not None
    assert found.start.off_m == pytest.approx(off, abs=0.3)
    assert network.road_m(found) == pytest.approx(meters((115.025, 26.0), C), abs=1)
    assert found.minutes == pytest.approx(network.road_m(found) / 1000 + off / (OFF_KMH * 1000 / 60), rel=1e-3)


def test_both_on_one_piece_do_not_drive_round() -> None:
    network = cross()
    found = way(network, (115.01, 26.0), (115.03, 26.0))
    assert found is not None
    assert network.road_m(found) == pytest.approx(meters((115.01, 26.0), (115.03, 26.0)), abs=0.5)


def test_too_far_off_and_not_joined_have_no_way() -> None:
    network = cross()
    assert way(network, (115.05, 26.01), C) is not None
    assert way(network, (115.07, 26.02), C) is None
    assert way(network, E, C) is None
    assert way(network, C, (115.07, 26.02)) is None


def test_one_way_streets_are_driven_as_they_run() -> None:
    ring = [Road(shapely.LineString([A, B]), FAST, 1), Road(shapely.LineString([B, D]), FAST),
            Road(shapely.LineString([A, D]), SLOW, -1)]
    network = RoadNetwork(ring)
    there, back = way(network, A, B), way(network, B, A)
    assert there is not None
    assert network.road_m(there) == pytest.approx(meters(A, B), abs=0.01)
    assert back is not None
    assert network.road_m(back) == pytest.approx(meters(B, D, A), abs=0.01)
    ahead, round_ = way(network, (115.01, 26.0), (115.03, 26.0)), way(network, (115.03, 26.0), (115.01, 26.0))
    assert ahead is not None
    assert ahead.minutes < 3
    assert round_ is not None
    assert network.road_m(round_) > meters(B, D, A)


def test_a_bridge_over_a_road_is_no_crossing() -> None:
    over = Road(shapely.LineString([(115.05, 25.95), D]), FAST)
    network = RoadNetwork([Road(shapely.LineString([A, C]), FAST), over])
    assert way(network, A, D) is None


def test_two_roads_between_the_same_crossings_the_quicker_is_taken() -> None:
    network = RoadNetwork([Road(shapely.LineString([A, B]), 10), Road(shapely.LineString([A, (115.025, 26.01), B]), 80),
                           Road(shapely.LineString([B, C]), FAST), Road(shapely.LineString([(114.99, 26.0), A]), FAST)])
    found = way(network, (114.99, 26.0), C)
    assert found is not None
    assert network.road_m(found) == pytest.approx(meters((114.99, 26.0), A, (115.025, 26.01), B, C), abs=0.1)


def grid(side: int) -> RoadNetwork:
    ticks = np.linspace(115.0, 115.1, side)
    rows = [Road(shapely.LineString([(x, 26 + y - 115) for x in ticks]), FAST) for y in ticks]
    return RoadNetwork(rows + [Road(shapely.LineString([(x, 26 + y - 115) for y in ticks]), SLOW) for x in ticks])


NET = grid(6)
SPOT = st.tuples(st.floats(115.0, 115.1), st.floats(26.0, 26.1))


@settings(max_examples=60, deadline=None)
@given(SPOT, SPOT)
def test_no_way_is_shorter_than_the_straight_line_nor_quicker_than_the_fastest_road(a, b) -> None:
    found = NET.ways_to(b, [a], OFF_KMH, 5000)[0]
    assert found is not None
    whole = NET.road_m(found) + found.start.off_m + found.goal.off_m
    assert whole >= meters(a, b) - 0.5
    assert found.minutes >= NET.road_m(found) / 1000 - 1e-6
    back = NET.ways_to(a, [b], OFF_KMH, 5000)[0]
    assert back is not None
    assert back.minutes == pytest.approx(found.minutes, rel=1e-6, abs=1e-6)


def test_the_length_round_a_loop_is_that_of_the_way_taken() -> None:
    loop = [A, (115.02, 26.0), (115.02, 26.02), (115.0, 26.02), A]
    network = RoadNetwork([Road(shapely.LineString(loop), FAST), Road(shapely.LineString([(114.99, 26.0), A]), FAST)])
    for place, near in (((115.0, 26.005), [(115.0, 26.005), A]), ((115.01, 26.0), [(115.01, 26.0), A])):
        found, back = way(network, place, (114.99, 26.0)), way(network, (114.99, 26.0), place)
        assert found is not None
        assert back is not None
        by_hand = meters(*near, (114.99, 26.0))
        assert (network.road_m(found), network.road_m(back)) == pytest.approx((by_hand, by_hand), abs=0.5)
        assert found.minutes == pytest.approx(by_hand / 1000, rel=1e-3)
