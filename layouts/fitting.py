"""Screens cut to what a place pack declares: a county without river gauges has no panel that waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from data.answers import Question
from layouts.screen import MapView, Panel, Screen

# the desk's order: four panels beside the map, then rows below it
SEATS = ("p1", "p2", "p4", "p5", "p3", "p6", "s1", "s2", "s3", "s4", "s5", "s6")
Answerable = Callable[[Question], bool]


def fitted(screens: Iterable[Screen], answerable: Answerable, default_metric: str, layers: Iterable[str]) -> tuple[
        Screen, ...]:
    """The screens with the figures, panels and map metrics that can be answered; one left with no panel is dropped.

    A panel stays when all of its questions are answerable, and moves up where others are left out. The first screen
    always stays.
    """
    known, found = set(layers), []
    for number, screen in enumerate(screens):
        panels = tuple(panel for panel in screen.panels if all(answerable(ask) for ask in panel.asks.values()))
        panels = panels if screen.plain else seated(panels)
        if not panels and number:
            continue
        found.append(replace(
            screen, panels=panels, map=_map(screen.map, answerable, default_metric, known),
            figures=tuple(f for f in screen.figures if answerable(Question("metric", f.metric))),
            lead_asks={name: ask for name, ask in screen.lead_asks.items() if answerable(ask)}))
    return tuple(found)


def seated(panels: tuple[Panel, ...]) -> tuple[Panel, ...]:
    """Panels in the slots of a full screen, without holes: those of a later slot take the place of missing ones.

    Where they are fewer than the slots, a css class widens those of the last row, so that the grid is filled.
    """
    if len(panels) == len(SEATS):
        return panels
    kept = sorted(panels, key=lambda panel: SEATS.index(panel.slot))
    seats = ("p1", "p4") if len(kept) == 2 else SEATS          # one on each side of a wall's map
    return tuple(replace(panel, slot=seat, css=f"{panel.css} {width}".strip())
                 for panel, seat, width in zip(kept, seats, _widths(len(kept)), strict=False))


def _widths(count: int) -> list[str]:
    """One css class a panel: beside the map stand up to four, in twos; below it rows of three, the last one filled."""
    beside = {0: [], 1: ["w18 both"], 2: ["w18", "w18"], 3: ["", "", "w18"]}.get(count, [""] * 4)
    below = max(0, count - 4)
    left = below % 3
    rows = [""] * (below - left) + {0: [], 1: ["w30"], 2: ["w15", "w15"]}[left]
    found = [*beside, *rows]
    if count % 2:
        found[-1] = f"{found[-1]} odd".strip()
    return found


def _map(shown: MapView, answerable: Answerable, default_metric: str, layers: set[str]) -> MapView:
    if not shown.metric:
        return shown
    metrics = tuple(name for name in shown.metrics if answerable(Question("metric", name)))
    first = shown.metric if answerable(Question("metric", shown.metric)) else (*metrics, default_metric)[0]
    return replace(shown, metric=first, metrics=metrics or (first,),
                   layers=tuple(key for key in shown.layers if key in layers),
                   on=tuple(key for key in shown.on if key in layers),
                   asks={name: ask for name, ask in shown.asks.items() if answerable(ask)})
