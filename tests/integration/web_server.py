"""The web application served by uvicorn in a thread, for tests that speak real HTTP to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from own_redis import wait_for

from api.web_app import application
from app import dash_app
from data.settings import Settings


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[httpx.Client, Any]]:
    """A client of the running server, and the application itself."""
    app = application(settings, dash_app)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client:
            yield client, app
    finally:
        server.should_exit = True
        thread.join(10)
