"""Panels that were drawn for minutes that are over are let go, so that a page that lives long holds no dead answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from api import panel_shelf
from api.panel_shelf import MINUTE, PanelShelf


def context(minute: int, view: str = "a") -> Any:
    return SimpleNamespace(view=view, theme="dark", demo=False, window=("7d",), now_us=minute * MINUTE)


def test_past_minutes_are_let_go_and_the_present_one_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, int]] = []

    def draw(panel: Any, _answers: Any, now: Any) -> str:
        drawn.append((now.view, now.now_us // MINUTE))
        return "x"

    monkeypatch.setattr(panel_shelf, "safe_panel", draw)
    shelf, panel = PanelShelf(), SimpleNamespace(key="p", asks={})
    for minute in range(10, 40):
        for view in "abc":
            shelf.draw(panel, {}, context(minute, view))
            shelf.draw(panel, {}, context(minute, view))
    assert len(drawn) == 30 * 3, "the second look at the same minute costs nothing"
    assert len(shelf._kept) == 6
    shelf.draw(panel, {}, context(39, "a"))
    assert len(drawn) == 90
