import time

import numpy as np
import pytest
from shapely import box

from geo.divisions import Division, Divisions
from geo.locate import Locator


def grid_county(side):
    """side × side cells of 0.1° below two halves below one root."""
    items = [Division("R", "县", 0, None), Division("W", "西", 1, "R"), Division("E", "东", 1, "R")]
    shapes = [box(0, 0, side, side), box(0, 0, side / 2, side), box(side / 2, 0, side, side)]
    for x in range(side):
        for y in range(side):
            items.append(Division(f"C{x:02d}{y:02d}", "", 2, "W" if x < side / 2 else "E"))
            shapes.append(box(x, y, x + 1, y + 1))
    return Divisions(items, shapes, [("a", ""), ("b", ""), ("c", "")])


def test_the_deepest_division_holds_the_point():
    divisions = grid_county(4)
    found = Locator(divisions).locate([0.5, 3.5, 9.0, np.nan], [0.5, 2.5, 0.5, 1.0])
    assert [divisions.items[i].code if i >= 0 else None for i in found] == ["C0000", "C0302", None, None]
    assert found.dtype == np.int32


def test_a_point_on_a_border_always_falls_on_the_same_side():
    locator = Locator(grid_county(4))
    assert locator.locate_one(1.0, 0.5) == "C0000"
    assert locator.locate_one(2.0, 2.0) == "C0101"


def test_where_the_deepest_level_has_a_gap_the_level_above_answers():
    items = [Division("R", "县", 0, None), Division("A", "甲", 1, "R")]
    locator = Locator(Divisions(items, [box(0, 0, 2, 1), box(0, 0, 1, 1)], [("a", ""), ("b", "")]))
    assert locator.locate_one(1.5, 0.5) == "R"
    assert locator.locate_one(3.0, 0.5) is None


def test_no_points_is_no_problem():
    assert len(Locator(grid_county(2)).locate([], [])) == 0


@pytest.mark.slow
def test_a_hundred_thousand_points_a_second():
    locator = Locator(grid_county(50))
    chooser = np.random.default_rng(2)
    lon, lat = chooser.uniform(0, 50, 100_000), chooser.uniform(0, 50, 100_000)
    locator.locate(lon[:100], lat[:100])
    best = min(_seconds(locator, lon, lat) for _ in range(3))
    assert best < 1.0


def _seconds(locator, lon, lat):
    started = time.process_time()           # what it costs, whatever else the machine does
    assert (locator.locate(lon, lat) >= 0).all()
    return time.process_time() - started
