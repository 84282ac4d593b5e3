"""A strip of pictures: its instants, its addresses, its sheet, and what it says. No browser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_capture_words import FACTS, ZONE, picture

from briefing.strip import Strip, _Shot, address, instants, sheet_html, sheet_size, take_strip, words
from briefing.target import Size
from data.errors import WrongInput
from data.settings import Settings, load_settings

YUDU = Path(__file__).parents[2] / "places" / "yudu"
SPAN = "2026-11-20T08:00~2026-11-20T20:00"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(place=YUDU, state=tmp_path)


def shots(*, hostile: str = "") -> list[_Shot]:
    facts = FACTS | ({"title": hostile} if hostile else {})
    return [_Shot(datetime(2026, 11, 20, hour, tzinfo=UTC), picture(640, 360), facts) for hour in (0, 6, 12)]


def test_the_instants_are_both_ends_and_equal_steps_between(settings: Settings) -> None:
    found = instants(SPAN, 4, settings)
    assert [one.astimezone(UTC).strftime("%d %H:%M:%S") for one in found] == [
        "20 00:00:00", "20 04:00:00", "20 08:00:00", "20 12:00:00"]


@pytest.mark.parametrize(("span", "frames"), [(SPAN, 1), (SPAN, 25), ("", 4), ("2026-11-20", 4), ("@2026-11-20", 4),
                                              ("2026-11-21~2026-11-20", 4), ("a~b", 4), ("2020-01-01~2026-01-01", 4)])
def test_what_is_no_strip_is_refused_before_anything_starts(settings: Settings, span: str, frames: int) -> None:
    with pytest.raises(WrongInput):
        take_strip(settings, Strip("/", Size(640, 360), Path("x.png"), span, frames))


def test_a_sheet_that_would_be_too_large_is_refused(settings: Settings) -> None:
    with pytest.raises(WrongInput, match="太大"):
        take_strip(settings, Strip("/", Size(390, 3000), Path("x.png"), SPAN, 24))


def test_a_frame_is_the_page_at_its_instant_without_the_player() -> None:
    at = datetime(2026, 11, 20, 4, tzinfo=UTC)
    assert address("/events?tool=replay&at=x&replay=a~b&f.stage=%E5%A4%84%E7%BD%AE", at) == (
        "/events?f.stage=%E5%A4%84%E7%BD%AE&at=2026-11-20T04%3A00%3A00Z")


@pytest.mark.parametrize(("frames", "columns", "rows"), [(2, 2, 1), (4, 2, 2), (6, 3, 2), (12, 4, 3), (24, 4, 6)])
def test_the_sheet_holds_its_frames(frames: int, columns: int, rows: int) -> None:
    found = sheet_size(Size(1920, 1080), frames)
    assert found == Size(columns * 984 + 24, 84 + rows * (540 + 44) + (rows - 1) * 24 + 64)


def test_it_says_what_it_shows_and_nothing_of_when_it_was_taken() -> None:
    title, note = words("/?theme=light", SPAN, shots(), ZONE)
    assert title == "总览·于都县 · 回放 2026-11-20 08:00:00 至 2026-11-20 20:00:00 · 3 张"
    assert note == f"演示数据 · 按当时所知 · 来源与数据时间见各图 · /?theme=light&tool=replay&replay={SPAN}"
    assert "按现有数据" in words("/?known=now", SPAN, shots(), ZONE)[1]


def test_the_sheet_needs_nothing_from_anywhere_and_names_stay_words() -> None:
    made = sheet_html(shots(hostile="x"), ("<img src=x>", "</footer><script>"), ZONE, "/?theme=light")
    assert made.count("data:image/png;base64,") == 3
    assert "<script" not in made
    assert "&lt;img src=x&gt;" in made
    assert "http" not in made
    assert "11-20 08:00:00" in made
    assert "background:#FFFFFF" in made
