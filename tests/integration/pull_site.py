"""A feed of one test, and an HTTP server whose answers the test writes."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from own_redis import TINY_PACK
from pydantic import TypeAdapter

from data.clock import Clock
from data.egress import Egress
from data.pack import Feed, load_pack
from data.sandbox import Parser
from data.source import Cursor, Portion, Site, Source

Answer = Callable[[BaseHTTPRequestHandler], None]
HEAD = "{name: 读数, topic: M1, department: test, kind: observation, cadence: 5min, stations: gauge}"


def feed_of(source: str, mapping: str = "{}", **more: Any) -> Feed:
    """A feed of observations with a source (and a mapping) written as in feeds.yaml."""
    said = yaml.safe_load(HEAD) | {"source": yaml.safe_load(source), "map": yaml.safe_load(mapping)} | more
    return TypeAdapter(Feed).validate_python(said)


def site_of(folder: Path, feed: Feed, *allowed: str, trial: bool = False, root: Path = TINY_PACK) -> Site:
    """A site in a folder whose allow-list holds some host:port."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "pull.allow"
    listed.write_text("\n".join(allowed) + "\n", encoding="utf-8")
    listed.chmod(0o600)
    pack = load_pack(TINY_PACK)
    if root != TINY_PACK:
        object.__setattr__(pack, "root", root)
    return Site("gauges", feed, pack, folder, Clock(), Egress(listed), Parser(), trial)


def round_of(source: Source, cursor: Cursor | None = None) -> tuple[list[dict[str, Any]], Cursor | None, list[Portion]]:
    """Rows, the last cursor and the portions of one round."""
    portions = list(source.portions(cursor))
    cursors = [portion.cursor for portion in portions if portion.cursor is not None]
    return [row for portion in portions for row in portion.rows], cursors[-1] if cursors else None, portions


class Server:
    """Answers by path; `asked` holds path and headers of every request."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                outer.answers[self.path.partition("?")[0]](self)

            def log_message(self, *_: Any) -> None:
                return

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                return

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port

    def start(self) -> None:
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()


def say(body: bytes, status: int = 200, **headers: str) -> Answer:
    """A plain answer; header names with _ for -."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"content_type": "application/json", **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


@contextmanager
def serving(tls: tuple[Path, Path] | None = None) -> Iterator[Server]:
    """A server on a free port of 127.0.0.1, with a certificate if given."""
    server = Server()
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for a host name, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True)
    return cert, key
