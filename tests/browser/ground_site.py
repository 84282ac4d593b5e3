"""For tests of the map's ground: pages that note what is written on them, and a server of tiles that hangs at will."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from driving import settled
from stub import County

from api import overlays
from tests.fixtures.tile_archives import png

PICTURE = png(30, 160, 60)
WORDS = Path(__file__).with_name("words_drawn.js").read_text(encoding="utf-8")


def opened(pages, url, size=(1366, 768)):
    """A page that notes every name it draws."""
    page = pages.open(size=size)
    page.add_init_script(WORDS)
    go(page, url)
    return page


def go(page, url):
    """The page at another address, drawn."""
    page.goto(url)
    settled(page)


class GroundCounty(County):
    """The stub's county with what lies over and under its map, as the program tells of it.

    `tiles`: layers of tiles by what the map is told of them; `pictures`: origins that the page may load them from.
    """

    def __init__(self, hostile: str = "") -> None:
        super().__init__(hostile)
        self.tiles: list[dict] = []
        self.pictures: tuple[str, ...] = ()

    def map(self, shown, answers) -> dict:
        told = {"measure": overlays.measure(None, shown, {}), "graticule": overlays.graticule(None, shown, {}),
                "tiles": [tiles for tiles in self.tiles if tiles["key"] in shown.map.layers] or None}
        found = {name: one for name, one in told.items() if one is not None}
        return super().map(shown, answers) | {"overlays": found}


class Tiles:
    """`mood`: ok, slow, hang or no. `asked`: paths in their order."""

    def __init__(self) -> None:
        self.mood, self.asked, self.over = "ok", [], threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def told(self, key: str, name: str, path: str = "/{z}/{x}/{y}.png", **more: object) -> dict:
        """A layer as the map is told of it."""
        return {"key": key, "name": name, "urls": [self.origin + path], "subdomains": [], "min": 1, "max": 18,
                "shifted": False, "bounds": None, "trouble": "", "referrer": "no-referrer"} | more

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                if site.mood == "slow":
                    site.over.wait(1.5)
                if site.mood == "hang":
                    site.over.wait(60)
                    return
                body = PICTURE if site.mood in ("ok", "slow") else b"no"
                self.send_response(200 if site.mood in ("ok", "slow") else 500)
                self.send_header("Content-Type", "image/png" if site.mood in ("ok", "slow") else "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: the test's own output stays clean."""

        return Handler


@contextmanager
def tile_site() -> Iterator[Tiles]:
    """Runs the server while a test looks."""
    site = Tiles()
    threading.Thread(target=site.server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        site.over.set()
        site.server.shutdown()
        site.server.server_close()
