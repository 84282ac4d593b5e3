"""Handing staged files to the collector: over its socket if one runs, else as the collector of this state folder."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from data.collect import Collector
from data.errors import NotFound, Unavailable, WrongInput, YipingError
from data.pack import Pack
from data.settings import Settings
from data.statefolder import socket_path

SOCKET = "collector.sock"
START_S = 20.0
SETTLE_S = 15.0
_ERRORS: dict[int, type[YipingError]] = {400: WrongInput, 404: NotFound}


class Publish(Protocol):
    """Publishes staged files of a feed; returns (accepted, duplicate)."""

    def __call__(self, kind: str, feed: str, paths: Sequence[Path], /) -> tuple[int, int]:
        """Waits until the rows are in the history."""
        ...


@contextmanager
def collector_of(settings: Settings, pack: Pack) -> Iterator[httpx.Client | Collector]:
    """The place's collector for as long as it is needed: a line to the one that runs, else one of our own.

    Raises:
        Unavailable: another process holds the state folder and does not answer.
    """
    path = socket_path(settings, SOCKET)
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, timeout=10.0, base_url="http://collector") as client:
        own = _find(path, settings, pack)
        if own is None:
            yield client
            return
        try:
            own.start()
            yield own
        finally:
            own.stop()


@contextmanager
def bulk_door(settings: Settings, pack: Pack) -> Iterator[Publish]:
    """The way into the history of a place, for as long as it is needed. Raises as `collector_of`."""
    with collector_of(settings, pack) as found:
        if isinstance(found, Collector):
            yield found.bulk
            return
        _settle(found)
        yield lambda kind, feed, paths: _post(found, kind, feed, paths)


def _find(path: Path, settings: Settings, pack: Pack) -> Collector | None:
    """None when a collector listens; else a collector of our own. One that is just starting is waited for."""
    deadline = time.monotonic() + START_S
    while not _listens(path):
        try:
            return Collector(settings, pack)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)
    return None


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _settle(client: httpx.Client) -> None:
    """Waits until the rows accepted so far are in the history, so that stations sent a moment ago are known."""
    deadline = time.monotonic() + SETTLE_S
    last = _health(client)["last_seq"]
    while _health(client)["checkpoint"] < last and time.monotonic() < deadline:
        time.sleep(0.2)


def _health(client: httpx.Client) -> dict[str, Any]:
    try:
        found: dict[str, Any] = client.get("/health").raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise _lost(error) from error
    return found


def _post(client: httpx.Client, kind: str, feed: str, paths: Sequence[Path]) -> tuple[int, int]:
    found = told(client, "/bulk", {"kind": kind, "feed": feed, "paths": [str(path) for path in paths]})
    return int(found["accepted"]), int(found["duplicate"])


def told(client: httpx.Client, path: str, wish: dict[str, Any]) -> dict[str, Any]:
    """The running collector's answer to a wish, however long it takes. Raises what it refused with."""
    try:
        answer = client.post(path, json=wish, timeout=httpx.Timeout(10.0, read=None))
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise _lost(error) from error
    if answer.status_code != 200:
        raise _ERRORS.get(answer.status_code, Unavailable)(str(found.get("detail", answer.status_code)))
    return found


def _lost(error: Exception) -> Unavailable:
    return Unavailable(f"采集器没有答复（{type(error).__name__}）；请等它恢复后再运行一次本命令，已导入的不会重复")
