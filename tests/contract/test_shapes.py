"""What kind a mark is, is told by its shape: every declared shape is drawn on the map and in the legend."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.pack import load_pack
from layouts.maplayers import SHAPES
from layouts.symbols import _SYMBOLS

ROOT = Path(__file__).parents[2]
# A disc by intent, and what events are joined into.
DISCS = {"circle", "dot", "cluster"}


@pytest.mark.parametrize("place", ["yudu", "beijing"])
def test_a_declared_shape_is_drawn(place: str) -> None:
    layers = load_pack(ROOT / "places" / place).layers
    assert {layer.shape for layer in layers.values()} - DISCS <= set(SHAPES)


def test_every_shape_is_drawn_on_the_map_and_in_the_legend() -> None:
    script = (ROOT / "assets" / "map_shapes.js").read_text(encoding="utf-8")
    assert [shape for shape in set(SHAPES) - DISCS if f"shape === '{shape}'" not in script] == []
    assert [shape for shape in SHAPES if f"m-{shape}" not in _SYMBOLS] == []


def test_places_for_the_old_and_shelters_look_different() -> None:
    layers = load_pack(ROOT / "places" / "yudu").layers
    assert layers["care"].shape != layers["shelter"].shape
    assert layers["vehicle"].shape != layers["supply"].shape
