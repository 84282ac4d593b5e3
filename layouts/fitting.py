"""Screens cut to what a place pack declares: a county without river gauges has no panel that waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from data.answers import Question
from layouts.screen import MapView, Screen

Answerable = Callable[[Question], bool]


def fitted(screens: Iterable[Screen], answerable: Answerable, default_metric: str, layers: Iterable[str]) -> tuple[
        Screen, ...]:
    """The screens with the figures, panels and map metrics that can be answered; one left with no panel is dropped.

    A panel stays when all of its questions are answerable. The first screen always stays.
    """
    known, found = set(layers), []
    for number, screen in enumerate(screens):
        panels = tuple(panel for panel in screen.panels if all(answerable(ask) for ask in panel.asks.values()))
        if not panels and number:
            continue
        found.append(replace(
            screen, panels=panels, map=_map(screen.map, answerable, default_metric, known),
            figures=tuple(f for f in screen.figures if answerable(Question("metric", f.metric))),
            lead_asks={name: ask for name, ask in screen.lead_asks.items() if answerable(ask)}))
    return tuple(found)


def _map(shown: MapView, answerable: Answerable, default_metric: str, layers: set[str]) -> MapView:
    if not shown.metric:
        return shown
    metrics = tuple(name for name in shown.metrics if answerable(Question("metric", name)))
    first = shown.metric if answerable(Question("metric", shown.metric)) else (*metrics, default_metric)[0]
    return replace(shown, metric=first, metrics=metrics or (first,),
                   layers=tuple(key for key in shown.layers if key in layers),
                   on=tuple(key for key in shown.on if key in layers),
                   asks={name: ask for name, ask in shown.asks.items() if answerable(ask)})
