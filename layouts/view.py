"""ViewState: one value that says everything a surface shows; the address bar is its text form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

SURFACES = ("wall", "desk", "phone")
WINDOWS = ("24h", "7d", "30d", "today", "week", "month", "ytd")


@dataclass(frozen=True)
class MapState:
    """What the map is coloured by and shows; `classes`: how its values are put into classes.

    `close`: "1" when the map is so near that a level of very many cells can be drawn. `drawn`: not in the address; the
    level drawn in place of one that has too many.
    """

    metric: str = ""
    layers: tuple[str, ...] = ()
    level: str = ""
    bbox: str = ""
    classes: str = ""
    close: str = ""
    drawn: str = ""


@dataclass(frozen=True)
class ViewState:
    """A view. `window` is a relative word; `start`/`end` (as in the address) rule over it when given.

    `tool`: the map tool whose drawer is open. `pin`: what was found, `asset:FEED:ID`, `event:FEED:ID` or `LON,LAT`.
    `area`: what was drawn. `compare`: with what the map is compared, `split` how, `cut` where the slider stands in %.
    `replay`: the interval FROM~TO in which `at` is played. `measure`: what is measured, `line:` or `area:` and
    LON,LAT;LON,LAT….
    """

    screen: str = "overview"
    division: str = ""
    window: str = "24h"
    start: str = ""
    end: str = ""
    at: str = ""
    known: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    map: MapState = MapState()
    area: str = ""
    compare: str = ""
    split: str = ""
    cut: str = ""
    pin: str = ""
    replay: str = ""
    tool: str = ""
    measure: str = ""
    surface: str = "desk"
    theme: str = ""


_PLAIN = {"division": "division", "window": "window", "from": "start", "to": "end", "at": "at", "known": "known",
          "area": "area", "compare": "compare", "split": "split", "cut": "cut", "pin": "pin",
          "replay": "replay", "tool": "tool", "measure": "measure", "surface": "surface", "theme": "theme"}


def from_query(screen: str, query: Mapping[str, str], window: str = "24h") -> ViewState:
    """The view of a screen's address; unknown names and out-of-list words are ignored, never an error page.

    `window` is the screen's own default.
    """
    plain = {field: query[name] for name, field in _PLAIN.items() if query.get(name)}
    if plain.get("window") not in WINDOWS:
        plain.pop("window", None)
    if plain.get("surface") not in SURFACES:
        plain.pop("surface", None)
    plain.setdefault("window", window)
    filters = tuple(sorted((key[2:], value) for key, value in query.items() if key.startswith("f.") and value))
    layers = tuple(filter(None, query.get("layers", "").split(",")))
    map_words = (query.get(name, "") for name in ("level", "bbox", "classes", "close"))
    shown = MapState(query.get("metric", ""), layers, *map_words)
    return ViewState(screen=screen, filters=filters, map=shown, **plain)


def to_query(view: ViewState, window: str = "24h") -> str:
    """The address's query of a view, without what is default; `window` is the screen's own default."""
    default = ViewState(window=window)
    pairs = [(name, getattr(view, field)) for name, field in _PLAIN.items()
             if getattr(view, field) != getattr(default, field)]
    pairs += [(f"f.{key}", value) for key, value in view.filters]
    pairs += [(name, value) for name, value in (("metric", view.map.metric), ("layers", ",".join(view.map.layers)),
                                                ("level", view.map.level), ("bbox", view.map.bbox),
                                                ("classes", view.map.classes), ("close", view.map.close)) if value]
    return urlencode(pairs)


def drill(view: ViewState, division: str) -> ViewState:
    """The same view of another division."""
    return replace(view, division=division, map=replace(view.map, bbox=""))
