"""Colours that mean something stay apart for people who see fewer: protanopia, deuteranopia, tritanopia, both themes.

Simulated after Machado, Oliveira & Fernandes (2009) at full severity; distances are those of CAM02-UCS, in which about
1 is a difference that can just be seen side by side. Both by colorspacious.
"""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from colorspacious import cspace_convert

ASSETS = Path(__file__).parents[2] / "assets"
SEEN = ("", "protanomaly", "deuteranomaly", "tritanomaly")
STEPS = [f"--seq-{k}" for k in range(6)]
CHANGE = ["--div-n2", "--div-n1", "--div-0", "--div-p1", "--div-p2"]
MARKS = ["--mk-yellow", "--mk-orange", "--mk-red"]
KINDS = [f"--cat-{k}" for k in range(1, 7)]
RISKS = ["red", "orange", "yellow", "blue", "green"]


def tokens(theme: str) -> dict[str, str]:
    """Custom properties of a theme that are plain colours."""
    dark, _, light = (ASSETS / "10_tokens.css").read_text(encoding="utf8").partition('[data-theme="light"]')
    found = dict(re.findall(r"(--[\w-]+):\s*(#[0-9A-Fa-f]{6})\b", dark))
    return found | (dict(re.findall(r"(--[\w-]+):\s*(#[0-9A-Fa-f]{6})\b", light)) if theme == "light" else {})


def apart(one: str, other: str, seen: str) -> float:
    """How different two colours look to such an eye."""
    both = np.array([[int(text[k:k + 2], 16) / 255 for k in (1, 3, 5)] for text in (one, other)])
    if seen:
        both = np.clip(cspace_convert(both, {"name": "sRGB1+CVD", "cvd_type": seen, "severity": 100}, "sRGB1"), 0, 1)
    first, second = cspace_convert(both, "sRGB1", "CAM02-UCS")
    return float(np.linalg.norm(first - second))


@pytest.mark.parametrize("seen", SEEN, ids=lambda seen: seen or "all colours")
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("pairs", "least"), [
    (list(pairwise(STEPS)), 4.5),
    ([(STEPS[0], STEPS[2]), (STEPS[2], STEPS[4]), (STEPS[3], STEPS[5])], 12.0), (list(pairwise(CHANGE)), 8.0),
    ([("--div-n2", "--div-p2"), ("--div-n1", "--div-p1")], 10.0), (list(combinations(MARKS, 2)), 11.0),
    (list(combinations(KINDS, 2)), 4.0)], ids=["steps", "two steps", "change", "sides", "marks", "categories"])
def test_colours_stay_apart(pairs: list[tuple[str, str]], least: float, theme: str, seen: str) -> None:
    held = tokens(theme)
    near = {pair: round(apart(held[pair[0]], held[pair[1]], seen), 1) for pair in pairs}
    assert {pair: gap for pair, gap in near.items() if gap < least} == {}


@pytest.mark.parametrize("seen", SEEN, ids=lambda seen: seen or "all colours")
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_risk_classes_that_look_alike_are_hatched_apart(theme: str, seen: str) -> None:
    held = tokens(theme)
    script = (ASSETS / "map_ground.js").read_text(encoding="utf8")
    hatched = dict(re.findall(r"'k-(\w+)': (\[\d+, \w+\])", script.split("const HATCH")[1].split("};")[0]))
    style = (ASSETS / "40_map.css").read_text(encoding="utf8")
    assert all(re.search(rf"\.sw\.k-{risk}\{{background-image", style) for risk in hatched)
    for one, other in combinations(RISKS, 2):
        gap = apart(held[f"--st-{one}-fill"], held[f"--st-{other}-fill"], seen)
        assert gap >= 4.5 or hatched.get(one) != hatched.get(other), (one, other, round(gap, 1))


def test_magnitude_goes_one_way() -> None:
    for theme, sign in (("dark", 1), ("light", -1)):
        held = tokens(theme)
        for seen in SEEN[1:]:
            light = [cspace_convert(cspace_convert([int(held[key][k:k + 2], 16) / 255 for k in (1, 3, 5)],
                                                   {"name": "sRGB1+CVD", "cvd_type": seen, "severity": 100}, "sRGB1"),
                                    "sRGB1", "CAM02-UCS")[0] for key in STEPS]
            assert all(sign * (b - a) > 3 for a, b in pairwise(light)), (theme, seen, light)
