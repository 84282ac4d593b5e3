"""Scripts and styles compressed once and kept: Dash's bundles are 2 MB raw, under 0.5 MB as brotli."""

from __future__ import annotations

import gzip
import re
import threading
from dataclasses import dataclass
from hashlib import sha256

import brotli
from flask import Flask, Response, request

SUITES = "/_dash-component-suites/"
PREFIXES = (SUITES, "/assets/")
LATER = (f"{SUITES}plotly/package_data/plotly.min.js", f"{SUITES}dash/dcc/async-graph.js")
_PACKABLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
_FOREVER, _ASK = "public, max-age=31536000, immutable", "no-cache"
_SOURCE = re.compile(r'(?:src|href)="(/(?:_dash-component-suites|assets)/[^"]+)"')
_QUICK, _THOROUGH, _SMALL = 5, 9, 600


@dataclass(frozen=True)
class Packed:
    """A file's forms. `stamp` is the query it was asked with (the file's version); `tag` where nothing names that."""

    stamp: str
    mimetype: str
    raw: bytes
    br: bytes
    gz: bytes
    tag: str = ""

    def answer(self, accepted: str, known: str = "") -> Response:
        """The smallest form the browser takes, or nothing where it has it: `known` is the tag it holds."""
        if self.tag and self.tag == known:
            return Response(status=304, headers={"ETag": self.tag, "Cache-Control": _ASK})
        forms = ((self.br, "br"), (self.gz, "gzip"))
        body, encoding = next(((body, name) for body, name in forms if name in accepted), (self.raw, ""))
        headers = {"Cache-Control": _ASK if self.tag else _FOREVER, "Vary": "Accept-Encoding"}
        if self.tag:
            headers["ETag"] = self.tag
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(body, mimetype=self.mimetype, headers=headers)


def pack(stamp: str, mimetype: str, raw: bytes, quality: int, tag: str = "") -> Packed:
    """Compress one file both ways."""
    forms = brotli.compress(raw, quality=quality), gzip.compress(raw, quality, mtime=0)
    return Packed(stamp, mimetype, raw, *forms, tag)


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
        """Replace the quick forms by thorough ones, and pack the dialog's large chart library, beside the service."""
        client = self._server.test_client()
        for path in LATER:
            client.get(path, headers={"Accept-Encoding": "br"}).close()
        for path, packed in list(self._kept.items()):
            self._kept[path] = pack(packed.stamp, packed.mimetype, packed.raw, _THOROUGH, packed.tag)

    def _from_memory(self) -> Response | None:
        packed = self._kept.get(request.path) if request.method == "GET" else None
        if packed is None or packed.stamp != request.query_string.decode("latin-1"):
            return None
        return packed.answer(*_asked())

    def _compressed(self, response: Response) -> Response:
        if not self._packable(response):
            return response
        response.direct_passthrough = False
        raw, stamp = response.get_data(), request.query_string.decode("latin-1")
        if not request.path.startswith(PREFIXES):
            return _page_form(response, raw, request.headers.get("Accept-Encoding", ""))
        named = _versioned(request.path, stamp)
        if not named and not (request.path.startswith(SUITES) and not stamp):
            return response
        response.close()
        tag = "" if named else f'"{sha256(raw).hexdigest()[:16]}"'
        packed = pack(stamp, response.mimetype or "text/plain", raw, _QUICK, tag)
        self._kept[request.path] = packed
        return packed.answer(*_asked())

    @staticmethod
    def _packable(response: Response) -> bool:
        return (response.status_code == 200 and request.method == "GET" and "Content-Encoding" not in response.headers
                and (response.mimetype or "").startswith(_PACKABLE) and (response.content_length or _SMALL) >= _SMALL)


def _asked() -> tuple[str, str]:
    """Encodings the browser takes, and the tag of the form it holds."""
    return request.headers.get("Accept-Encoding", ""), request.headers.get("If-None-Match", "")


def _versioned(path: str, query: str) -> bool:
    """True when the address names the file's version: Dash's fingerprint, or an asset's time stamp."""
    return bool(re.search(r"\.v[\w]+m\d+\.", path)) or (path.startswith("/assets/") and query.startswith("m="))


def _page_form(response: Response, raw: bytes, accepted: str) -> Response:
    if "br" in accepted:
        response.set_data(brotli.compress(raw, quality=4))
        response.headers["Content-Encoding"] = "br"
        response.headers["Vary"] = "Accept-Encoding"
    return response
