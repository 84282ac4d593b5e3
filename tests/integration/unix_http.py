"""Plain HTTP over a unix socket, closed after every request."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Any

import orjson


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("collector", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(path: Path, target: str, body: Any = None, timeout: float = 10.0,
        kind: str = "application/json") -> tuple[int, Any]:
    """Status and JSON of an answer; POST when there is a body (bytes as they are, else JSON).

    Raises OSError or http.client.HTTPException when nobody answers.
    """
    connection = _Connection(path, timeout)
    try:
        if body is None:
            connection.request("GET", target)
        else:
            raw = body if isinstance(body, bytes) else orjson.dumps(body)
            connection.request("POST", target, raw, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())
    except orjson.JSONDecodeError as error:
        raise http.client.HTTPException("cut off") from error
    finally:
        connection.close()
