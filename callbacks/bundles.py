"""Scripts and styles compressed once and kept: Dash's bundles are 2 MB raw, under 0.5 MB as brotli."""

from __future__ import annotations

import gzip
import re
import threading
from dataclasses import dataclass

import brotli
from flask import Flask, Response, request

PREFIXES = ("/_dash-component-suites/", "/assets/")
_PACKABLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
_FOREVER = "public, max-age=31536000, immutable"
_SOURCE = re.compile(r'(?:src|href)="(/(?:_dash-component-suites|assets)/[^"]+)"')
_QUICK, _THOROUGH, _SMALL = 5, 9, 600


@dataclass(frozen=True)
class Packed:
    """A file's forms. `stamp` is the query it was asked with (the file's version)."""

    stamp: str
    mimetype: str
    raw: bytes
    br: bytes
    gz: bytes

    def answer(self, accepted: str) -> Response:
        """The smallest form the browser takes, never to be asked for again."""
        forms = ((self.br, "br"), (self.gz, "gzip"))
        body, encoding = next(((body, name) for body, name in forms if name in accepted), (self.raw, ""))
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(body, mimetype=self.mimetype, headers=headers)


def pack(stamp: str, mimetype: str, raw: bytes, quality: int) -> Packed:
    """Compress one file both ways."""
    return Packed(stamp, mimetype, raw, brotli.compress(raw, quality=quality), gzip.compress(raw, quality, mtime=0))


class Bundles:
    """Keeps one packed form for each versioned path, so it is bounded by the number of files."""

    def __init__(self, server: Flask) -> None:
        self._kept: dict[str, Packed] = {}
        self._server = server
        server.before_request(self._from_memory)
        server.after_request(self._compressed)

    def warm(self) -> int:
        """Ask once for the page and every file it names, so that no viewer meets a cold start; number of files kept."""
        client = self._server.test_client()
        page = client.get("/").get_data(as_text=True)
        for path in ("/_dash-layout", "/_dash-dependencies", *dict.fromkeys(_SOURCE.findall(page))):
            client.get(path.replace("&amp;", "&"), headers={"Accept-Encoding": "br"}).close()
        threading.Thread(target=self._squeeze, name="bundles", daemon=True).start()
        return len(self._kept)

    def _squeeze(self) -> None:
        """Replace the quick forms by thorough ones, beside the service."""
        for path, packed in list(self._kept.items()):
            self._kept[path] = pack(packed.stamp, packed.mimetype, packed.raw, _THOROUGH)

    def _from_memory(self) -> Response | None:
        packed = self._kept.get(request.path) if request.method == "GET" else None
        if packed is None or packed.stamp != request.query_string.decode("latin-1"):
            return None
        return packed.answer(request.headers.get("Accept-Encoding", ""))

    def _compressed(self, response: Response) -> Response:
        if not self._packable(response):
            return response
        response.direct_passthrough = False
        raw, stamp = response.get_data(), request.query_string.decode("latin-1")
        if not request.path.startswith(PREFIXES):
            return _page_form(response, raw, request.headers.get("Accept-Encoding", ""))
        if not _versioned(request.path, stamp):
            return response
        response.close()
        packed = pack(stamp, response.mimetype or "text/plain", raw, _QUICK)
        self._kept[request.path] = packed
        return packed.answer(request.headers.get("Accept-Encoding", ""))

    @staticmethod
    def _packable(response: Response) -> bool:
        return (response.status_code == 200 and request.method == "GET" and "Content-Encoding" not in response.headers
                and (response.mimetype or "").startswith(_PACKABLE) and (response.content_length or _SMALL) >= _SMALL)


def _versioned(path: str, query: str) -> bool:
    """True when the address names the file's version: Dash's fingerprint, or an asset's time stamp."""
    return bool(re.search(r"\.v[\w]+m\d+\.", path)) or (path.startswith("/assets/") and query.startswith("m="))


def _page_form(response: Response, raw: bytes, accepted: str) -> Response:
    if "br" in accepted:
        response.set_data(brotli.compress(raw, quality=4))
        response.headers["Content-Encoding"] = "br"
        response.headers["Vary"] = "Accept-Encoding"
    return response
