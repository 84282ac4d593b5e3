"""A web process without Redis and a readable history: the page shows what was last known, or that it is none."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from served import ROOT, Served, until

pytestmark = pytest.mark.browser
NETWORK = ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "net::ERR", "Failed to load resource"]
NOTICE = "() => document.querySelector('#notice').textContent"
FIGURES = "() => [...document.querySelectorAll('#r-figures .fig')].map((one) => one.innerText)"


@contextmanager
def alone(served: Served) -> Iterator[None]:
    """Only the web process, on the state folder, without any Redis."""
    nowhere = f"unix://{served.folder}/nowhere.sock"
    told = served.environment | {"YIPING_REDIS_URL": nowhere, "YIPING_CACHE_URL": nowhere}
    with (served.folder / "alone.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "web"], env=told, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is None and served.get("/readyz"), 60, "a web process")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Served]:
    """The demo county, stopped in order, and then its history damaged."""
    served = Served(tmp_path / "s")
    try:
        served.start()
    finally:
        served.stop()
    (served.folder / "history" / "manifest.json").write_bytes(b"{")
    served.http = httpx.Client(base_url=served.url, trust_env=False, timeout=10.0)
    yield served
    served.http.close()


def test_the_page_shows_what_was_last_known_and_its_age_or_that_there_is_nothing(left, pages):
    pages.allow = NETWORK
    with alone(left):
        page = pages.open(left.url, size=(1920, 1080))
        page.wait_for_function(f"() => ({NOTICE})().includes('画面为最后已知数据')", timeout=15000)
        assert page.evaluate(NOTICE).startswith("状态库中断，画面为最后已知数据")
        assert "历史读不出" in page.evaluate(NOTICE)
        figures = page.evaluate(FIGURES)
        assert len(figures) == 6
        assert any("件" in text and any(sign.isdigit() for sign in text) for text in figures)
        answer = left.get("/api/v1/metrics/open_events")
        assert (answer["served_from"], answer["value"] > 0) == ("disk", True)
        page.close()
    log = (left.folder / "alone.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    shutil.rmtree(left.folder / "known")
    with alone(left):
        page = pages.open(left.url, size=(1920, 1080))
        page.wait_for_function(f"() => ({NOTICE})().startsWith('状态库中断，启动以来没有数据')", timeout=15000)
        assert left.get("/api/v1/metrics/open_events")["value"] is None
        assert not left.get("/readyz")["ready"]
        assert all("件" not in text or "—" in text for text in page.evaluate(FIGURES)), page.evaluate(FIGURES)
