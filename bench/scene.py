"""What every measure gets: the place, the reference page, Chromium, and how thorough to be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from playwright.sync_api import Playwright

from bench.place import Place, free_port, until
from data.settings import ROOT


@dataclass(frozen=True)
class Scene:
    """`play` is None for measures without a browser; `reference` is an address, "" without it."""

    place: Place
    play: Playwright | None
    reference: str
    quick: bool

    def rounds(self, thorough: int, quick: int) -> int:
        """How often to repeat."""
        return quick if self.quick else thorough


@contextmanager
def reference_server() -> Iterator[str]:
    """The reference page as a process of its own; its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.reference.app", str(port)], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: httpx.get(url, trust_env=False).status_code == 200, 60, "对照页没有应答")
        yield url
    finally:
        process.terminate()
        process.wait(10)
