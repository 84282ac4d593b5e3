"""Panels drawn once for the same answers, view and minute: most changes of the data touch few panels of a view."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from markupsafe import Markup

from data.answers import Answer
from layouts.regions import safe_panel
from layouts.screen import Answers, Context, Panel

MOST = 1500
MINUTE = 60_000_000
Drawn = tuple[tuple[Answer, ...], Markup]


class PanelShelf:
    """Panels as HTML with the very answers they were drawn from; texts that name an age are true to the minute."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Any, Drawn] = OrderedDict()
        self._lock = threading.Lock()
        self._minute = 0

    def draw(self, panel: Panel, answers: Answers, context: Context) -> Markup:
        """The panel for a view's answers; the gate gives the same object for the same answer."""
        own = tuple(answers[name] for part in panel.asks if (name := f"{panel.key}.{part}") in answers)
        key = (panel.key, context.view, context.theme, context.demo, context.window, context.now_us // MINUTE)
        with self._lock:
            held = self._kept.get(key)
        if held is not None and len(held[0]) == len(own) and all(a is b for a, b in zip(held[0], own, strict=True)):
            return held[1]
        made = safe_panel(panel, answers, context)
        with self._lock:
            self._forget(context.now_us // MINUTE)
            self._kept[key] = (own, made)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def _forget(self, minute: int) -> None:
        """Lets go of what was drawn for minutes that are over, with the answers it holds: nobody asks for it again."""
        if minute > self._minute:
            self._minute = minute
            for key in [key for key in self._kept if key[-1] < minute - 1]:
                del self._kept[key]
