"""A short form of the bench: the limits that a change of the code breaks first, with room for a busy machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from bench import clicks, load
from bench.place import Place
from bench.scene import Scene
from bench.series import Series, p95

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PLACE = Path(__file__).parents[2] / "places" / "yudu"
FIGURES_MS, ROOM = 100, 5
LEAST_PER_S = 8_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("bench") / "state", "none", PLACE)
    try:
        found.start()
        yield found
    finally:
        found.stop()


def busy() -> float:
    """How many times more work waits than there are cores, at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def named(series: list[Series], key: str) -> list[float]:
    return next(one.values for one in series if one.key == key)


def test_a_question_is_computed_once_whatever_the_number_of_viewers(place: Place) -> None:
    found = load.computations(Scene(place, None, "", True))
    assert named(found, "computed_per_question") == [1.0, 1.0]


def test_figures_stand_soon_after_a_click(place: Place) -> None:
    if not (os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")):
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; install the package `chromium` or set CHROMIUM")
        pytest.skip("Chromium is missing")
    with sync_playwright() as play:
        found = clicks.clicking(Scene(place, play, "", True))
    assert len(named(found, "click_figures_ms")) >= 20
    assert p95(named(found, "click_figures_ms")) < ROOM * FIGURES_MS * busy()
    assert max(named(found, "bytes_change_kb")) > 0


def test_records_are_taken_fast_enough(place: Place) -> None:
    found = load.ingest(Scene(place, None, "", True), seconds=4)
    assert max(named(found, "ingest_per_s")) * busy() >= LEAST_PER_S
