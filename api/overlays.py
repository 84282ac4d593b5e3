"""What lies over the map besides its cells and points: one function for each sheet, told to the script of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.tiles import file_of, template
from api.web import Web
from data import area_answers
from data.answers import Answer
from data.errors import WrongInput, YipingError
from data.tile_files import extent
from data.tile_layers import SHIFTED, TIANDITU_HOSTS, TileSource, templates
from geo.measuring import parse
from layouts.maplayers import GRATICULE
from layouts.view import ViewState

Told = dict[str, Any] | list[dict[str, Any]]
Maker = Callable[[Web, ViewState, dict[str, Answer]], Told | None]


def pin(_web: Web, _view: ViewState, answers: dict[str, Answer]) -> dict[str, Any] | None:
    """What was found or pointed at: `lon` and `lat` in degrees (CGCS2000), where the reader may see it."""
    found = answers.get("pin")
    place = (found.parts.get("lon"), found.parts.get("lat")) if found is not None else (None, None)
    return {"lon": place[0], "lat": place[1]} if None not in place else None


def area(web: Web, view: ViewState, _answers: dict[str, Answer]) -> dict[str, Any] | None:
    """What was drawn: its address's text, form, points and reach, outline and bounds; None where it is no area."""
    if not view.area:
        return None
    try:
        found = web.gate.ground.area(view.area)
    except WrongInput:
        # The drawer says in a sentence what is wrong with it.
        return None
    told = area_answers.told(found)
    names = ("text", "form", "points", "reach_m", "center", "outline", "course", "bounds")
    return {**{name: told[name] for name in names}, "editing": view.tool == "area"}


def graticule(_web: Web, view: ViewState, _answers: dict[str, Answer]) -> dict[str, Any] | None:
    """The grid of degrees, where the address asks for it."""
    return {} if GRATICULE in view.map.layers else None


def tiles(web: Web, view: ViewState, _answers: dict[str, Answer]) -> list[dict[str, Any]] | None:
    """Layers of tiles that are on, in the pack's order; one that cannot be had says why in `trouble`."""
    on = [(key, layer.name, layer.tiles) for key, layer in web.pack.tiles.items() if key in view.map.layers]
    return [_tiles(web, key, name, source) for key, name, source in on if source is not None] or None


def _tiles(web: Web, key: str, name: str, source: TileSource) -> dict[str, Any]:
    hosts = TIANDITU_HOSTS if source.form == "tianditu" else source.subdomains
    said: dict[str, Any] = {"key": key, "name": name, "urls": [], "subdomains": list(hosts), "min": source.min_zoom,
                            "max": source.max_zoom, "shifted": source.crs == SHIFTED, "bounds": None, "trouble": ""}
    # The key of 天地图 is bound to the page's domain, which the service reads from the referrer.
    said["referrer"] = "origin" if source.form == "tianditu" else "no-referrer"
    if not source.local:
        urls = templates(source, web.settings.tianditu_key)
        return said | {"urls": urls, "trouble": "" if urls else f"{name}：没有密钥，请设置 YIPING_TIANDITU_KEY 后重启"}
    try:
        held = extent(file_of(web, key))
        return said | {"urls": [template(web, key)], "min": max(source.min_zoom, held.low), "bounds": held.bounds,
                       "max": min(source.max_zoom, held.high)}
    except YipingError as error:
        return said | {"trouble": f"{name}：{error}"}


def measure(_web: Web, view: ViewState, _answers: dict[str, Answer]) -> dict[str, Any] | None:
    """What is measured: `kind` line or area, `points` (lon, lat) in degrees; nothing drawn yet = no points."""
    path = parse(view.measure) if view.tool == "measure" or view.measure else None
    return None if path is None else {"kind": path.kind, "points": [list(point) for point in path.points]}


MAKERS: dict[str, Maker] = {"pin": pin, "area": area, "tiles": tiles, "graticule": graticule, "measure": measure}


def overlays(web: Web, view: ViewState, answers: dict[str, Answer]) -> dict[str, Any]:
    """Sheet → what it shows in this view, without those that show nothing."""
    made = {name: make(web, view, answers) for name, make in MAKERS.items()}
    return {name: told for name, told in made.items() if told is not None}
