"""A database that hangs: whoever waits for it is set free, while one that is only slow is waited for."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

log = logging.getLogger(__name__)
# Whoever has waited so long has the server asked whether it lives, and again each time.
LOOK_S = 3.0
# How libpq asks first of all whether a connection may be encrypted: every server answers one byte.
_KNOCK = bytes.fromhex("0000000804d2162f")


@contextmanager
def limited(line: psycopg.Connection, limit_s: float) -> Iterator[None]:
    """Cuts the line when the limit is over, or the server turns out to hang.

    A stopped server's machine still acknowledges: without this whoever asks, and the pages, would wait for ever.
    """
    turn, done, where = threading.Lock(), threading.Event(), (line.info.hostaddr or line.info.host, line.info.port)
    threading.Thread(target=_watch, args=(line, limit_s, where, turn, done), name="database-watch",
                     daemon=True).start()
    try:
        yield
    finally:
        with turn:
            done.set()


def _watch(line: psycopg.Connection, limit_s: float, where: tuple[str, int], turn: threading.Lock,
           done: threading.Event) -> None:
    until = time.monotonic() + limit_s
    while not done.wait(min(LOOK_S, max(0.0, until - time.monotonic()))):
        if time.monotonic() < until and _lives(where):
            continue
        with turn:
            if not done.is_set():
                _cut(line)
        return


def _lives(where: tuple[str, int]) -> bool:
    """Whether the server still answers who knocks; libpq's own PQping would stop all threads meanwhile."""
    host, port = where
    local = host.startswith("/")
    try:
        with socket.socket(socket.AF_UNIX) if local else socket.create_connection(where, LOOK_S) as way:
            way.settimeout(LOOK_S)
            if local:
                way.connect(f"{host}/.s.PGSQL.{port}")
            way.sendall(_KNOCK)
            return bool(way.recv(1))
    except OSError:
        return False


def _cut(line: psycopg.Connection) -> None:
    try:
        with socket.socket(fileno=os.dup(line.fileno())) as way:
            log.warning("the history's database gives no answer")
            way.shutdown(socket.SHUT_RDWR)
    except (psycopg.Error, OSError) as error:
        log.info("the connection was gone already: %s", error)
