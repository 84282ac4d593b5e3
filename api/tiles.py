"""`/tiles`: pictures out of the pack's local tile archives; nothing is fetched from elsewhere."""

from __future__ import annotations

import base64
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from api.questions import path
from api.web import PREFIX, Packed, Web, answer, query_of, web_of
from data.errors import NotFound, YipingError
from data.tile_files import archive, tile, version_of

# What stands where an archive has no tile: nothing, as a picture of one clear dot.
CLEAR = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQMAAAAl21bKAAAAA1BMVEUAAACnej3aAAAAAXRSTlMAQObYZgAAAApJRE"
    "FUeJxjYAAAAAIAAUivpHEAAAAASUVORK5CYII=")


def file_of(web: Web, name: str) -> Path:
    """The archive of a layer.

    Raises:
        NotFound: no local layer of that name, or its file is not there. WrongInput: the file lies outside the pack.
    """
    found = web.pack.tile_sources().get(name)
    if found is None or not found.local:
        raise NotFound(f"没有本地底图 {name!r:.40}；底图见 layers.yaml")
    return archive(web.pack.root, found.file)


def template(web: Web, name: str) -> str:
    """The address of the layer's tiles, with the file's version, so that browsers keep them. Raises as `file_of`."""
    return f"{PREFIX}/tiles/{name}/{{z}}/{{x}}/{{y}}?v={version_of(file_of(web, name))}"


def stamp(web: Web, layers: str) -> tuple[str, ...]:
    """What the answers of a view with these layers (as in its address) depend on: versions of the local archives."""
    return tuple(_version(web, key) for key in dict.fromkeys(layers.split(",")) if key in web.pack.tiles)


def _version(web: Web, key: str) -> str:
    try:
        return version_of(file_of(web, key))
    except YipingError:
        return "gone"


def one(request: Request) -> Response:
    """A tile as it lies in the archive; one that the archive lacks is a clear picture."""
    web = web_of(request)
    web.principal(request)
    z, x, y = (_number(path(request, name)) for name in ("z", "x", "y"))
    file = file_of(web, path(request, "tiles"))
    body, media = tile(file, z, x, y) or (CLEAR, "image/png")
    return answer(request, Packed(body, media), query_of(request).get("v") == version_of(file))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise NotFound(f"没有 {text!r:.20} 这块瓦片；地址应为 /tiles/图层/级/列/行")
    return int(text)
