"""A place that declares little: its panels take the places of the missing ones and fill the grid."""

from __future__ import annotations

import re

import pytest

from layouts.fitting import SEATS, fitted, seated
from layouts.screens import BY_KEY

OVERVIEW = BY_KEY["overview"]
WIDE = {"w15": 15, "w18": 18, "w30": 30}


def test_a_full_screen_stays_as_it_is_declared():
    assert seated(OVERVIEW.panels) == OVERVIEW.panels


@pytest.mark.parametrize("count", range(1, 12))
def test_no_part_of_the_grid_is_empty(count):
    """The desk's grid has 30 columns: beside the map 18 in two rows, below it all of them."""
    panels = seated(OVERVIEW.panels[-count:])
    assert len({panel.slot for panel in panels}) == count
    assert [panel.slot for panel in panels] == (["p1", "p4"] if count == 2 else list(SEATS[:count]))
    beside = below = 0
    for panel in panels:
        word = next((word for word in panel.css.split() if word in WIDE), "")
        if panel.slot in SEATS[:4]:
            beside += WIDE.get(word, 9) * (2 if "both" in panel.css else 1)
        else:
            below += WIDE.get(word, 10)
    assert beside == 36
    assert below % 30 == 0
    assert ("odd" in panels[-1].css.split()) is (count % 2 == 1)


def test_a_place_with_air_alone_has_its_panels_in_the_first_slots():
    air = {"aqi", "pm25", "good_day_rate"}
    shown = fitted([OVERVIEW], lambda ask: ask.kind != "metric" or ask.name in air, "aqi", ())[0]
    assert [panel.slot for panel in shown.panels] == list(SEATS[:len(shown.panels)])
    assert {panel.key for panel in shown.panels} >= {"p5", "s4", "s6"}


def test_pages_of_one_panel_are_left_alone():
    page = fitted([OVERVIEW, BY_KEY["feeds"]], lambda ask: True, "aqi", ())[1]
    assert not re.search(r"w\d\d|both|odd", page.panels[0].css)
