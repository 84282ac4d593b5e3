"""The program's own scripts and styles, each kind as one file: one request instead of thirty before the page stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response
from markupsafe import Markup

ASSETS = Path(__file__).resolve().parents[1] / "assets"
BOOT = "boot.js"
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
_LEAFLET = "/dash_leaflet/"
# Dash's own table is nowhere used. Its core components, and the polyfill they lean on (150 ms of a start), are for the
# dialog with the large chart, which fetches them when it first opens.
_DIALOG = ("/deps/polyfill@", "/dash/dcc/")
_NEEDLESS = ("/dash_table/", *_DIALOG)


def boot_script() -> str:
    """The one inline script: loads the others after the first frame (assets/boot.js)."""
    return (ASSETS / BOOT).read_text(encoding="utf-8")


class OwnFiles:
    """`/assets/all.css` and `/assets/all.js`, addressed by what is in them. Raises OSError at start."""

    def __init__(self, server: Flask) -> None:
        self.css = _serve(server, "css", "text/css", ())
        self.js = _serve(server, "js", "application/javascript", (BOOT,))

    def links(self, scripts: str) -> Markup:
        """The style sheet, and every script fetched early but not run.

        Args:
            scripts: Dash's own script elements.
        """
        ahead = Markup('<link rel="preload" as="script" href="{}">')
        fetched = [ahead.format(path) for path in self._paths(scripts)]
        return Markup("").join([Markup('<link rel="stylesheet" href="{}">').format(self.css), *fetched])

    def later(self, scripts: str) -> Markup:
        """Every script in its order, of a type that browsers leave alone: assets/boot.js runs them."""
        inert = Markup('<script type="text/{}" src="{}"></script>')
        wanted = [inert.format("wanted", path) for path in _SCRIPT.findall(scripts)
                  if any(name in path for name in _DIALOG)]
        return Markup("").join([*wanted, *(inert.format("later", path) for path in self._paths(scripts))])

    def _paths(self, scripts: str) -> list[str]:
        """Ours follow Leaflet, on whose classes they build; what no page needs is left out."""
        paths = [path for path in _SCRIPT.findall(scripts) if not any(name in path for name in _NEEDLESS)]
        after = next((number for number, path in enumerate(paths, 1) if _LEAFLET in path), len(paths))
        return [*paths[:after], self.js, *paths[after:]]


def _serve(server: Flask, kind: str, mimetype: str, without: Sequence[str]) -> str:
    files = [file for file in sorted(ASSETS.glob(f"*.{kind}")) if file.name not in without]
    body = "\n".join(f"/* {file.name} */\n{file.read_text(encoding='utf-8')}" for file in files)

    def answer() -> Response:
        return Response(body, mimetype=mimetype)

    server.add_url_rule(f"/assets/all.{kind}", f"all_{kind}", answer)
    return f"/assets/all.{kind}?m={sha256(body.encode()).hexdigest()[:16]}"
