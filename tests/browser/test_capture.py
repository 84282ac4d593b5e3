"""`capture` with the real Chromium: the picture and its words, what it may reach, and that it always ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest
from served import ROOT, free_port

from briefing import png
from briefing.browser import limited, opened
from briefing.capture import Wish, exporter, take
from briefing.target import Size
from data.errors import Unavailable
from data.settings import Settings

pytestmark = pytest.mark.browser


def yiping(port: int, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {"YIPING_PORT": str(port), "YIPING_CAPTURE_NO_SANDBOX": "1", "PYTHONUTF8": "1",
            "TMPDIR": tempfile.gettempdir()} | environment
    plain = {name: value for name, value in os.environ.items() if not name.startswith("YIPING_")}
    return subprocess.run([sys.executable, str(ROOT / "app.py"), *arguments], env=plain | told, capture_output=True,
                          text=True, timeout=180)


def browsers(folder: Path) -> list[psutil.Process]:
    """Every process of captures whose files lie below a folder."""
    mark = f"{folder}/yiping-capture-"
    return [process for process in psutil.process_iter(["cmdline"])
            if any(mark in piece for piece in process.info["cmdline"] or [])]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's browsers keep their files, so that they can be told from others'."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def apart(work):
    """Runs in a thread of its own: two Playwrights do not share one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(180)


class Quiet(BaseHTTPRequestHandler):
    """Answers everything with one page and counts; a server that is healthy and never ready."""

    body = b"<!DOCTYPE html><html data-ready='false'><title>x</title><body>x</body></html>"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def canary():
    """Another server of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    server.asked = []
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_screen_becomes_a_picture_that_says_its_time(county, own, tmp_path: Path):
    out = tmp_path / "new" / "f.png"
    done = yiping(county.port, "capture", "/events?window=7d", "--size", "1920x1080", "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert "数据截至 2026-11-20" in done.stdout
    picture = out.read_bytes()
    assert png.size_of(picture) == (1920, 1080)
    said = png.text_of(picture)
    assert said["Source"] == "/events?window=7d"
    assert said["Comment"] == "演示数据"
    assert "实时" in said["State"]
    assert said["Author"] == exporter()
    assert f"{said['State']} · " in done.stdout
    assert f"导出 {exporter()}" in done.stdout
    assert said["Title"].startswith("城市事件·")
    assert said["Data Time"].startswith("2026-11-20T")
    assert said["Data Time"].endswith("+0800")
    assert len(picture) > 100_000
    assert browsers(own) == []


def test_wrong_input_and_a_missing_server_are_one_line_each(tmp_path: Path):
    out = str(tmp_path / "f.png")
    port = free_port()
    for code, words, arguments, more in (
            (2, "不是本站页面的路径", ["//evil.example", "--out", out], {}),
            (2, "宽x高", ["/", "--size", "big", "--out", out], {}),
            (2, "没有页面 /nowhere", ["/nowhere", "--out", out], {}),
            (1, f"127.0.0.1:{port} 没有服务在运行；请先在另一个终端运行 ./script/server", ["/", "--out", out], {})):
        done = yiping(port, "capture", *arguments, **more)
        assert (done.returncode, done.stdout) == (code, "")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_chromium_is_one_line(county, tmp_path: Path):
    done = yiping(county.port, "capture", "/", "--out", str(tmp_path / "f.png"), YIPING_CHROMIUM="/nowhere/chromium")
    assert done.returncode == 1
    assert "apt-get install -y chromium" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_page_that_never_becomes_ready_is_said_and_nothing_is_left(canary, own, tmp_path: Path):
    settings = Settings(port=canary.server_port, capture_no_sandbox=True)
    with pytest.raises(Unavailable, match="没有画完：页面框架没有装好"):
        apart(lambda: list(take(settings, [Wish("/", Size(800, 600), tmp_path / "f.png")], timeout_s=3.0)))
    assert "/" in canary.asked
    assert not (tmp_path / "f.png").exists()
    assert browsers(own) == []


def test_nothing_but_our_own_server_can_be_reached(county, canary):
    other = f"http://127.0.0.1:{canary.server_port}"

    def refused(context, address: str) -> bool:
        from playwright.sync_api import Error

        page = context.new_page()
        try:
            page.goto(address, timeout=10000)
        except Error:
            return True
        finally:
            page.close()
        return False

    def work() -> list[bool]:
        with limited(120), opened(Settings(port=county.port, capture_no_sandbox=True), county.url) as context:
            assert not refused(context, f"{county.url}/healthz")
            by_route = [refused(context, address) for address in (
                other, f"{county.url}@{other[7:]}/", "http://localhost:1/", "file:///etc/passwd", "https://example.com/")]
            context.unroute_all()                                   # the walls of the browser itself, without the route
            return [*by_route, refused(context, other), refused(context, other.replace("127.0.0.1", "localhost"))]

    assert apart(work) == [True] * 7
    assert canary.asked == []


def test_the_sandbox_is_on_and_root_is_given_up(county):
    def work() -> tuple[set[str], str]:
        with limited(120), opened(Settings(port=county.port), county.url) as context:
            context.new_page().goto(f"{county.url}/healthz")
            family = set(psutil.Process().children(recursive=True))
            found = [process for process in browsers(Path(tempfile.gettempdir())) if process in family]
            return {process.username() for process in found}, " ".join(found[0].info["cmdline"])

    try:
        users, line = apart(work)
    except Unavailable as error:
        if "沙箱" not in str(error):
            raise
        pytest.skip("this machine's kernel allows no sandbox")
    assert "--no-sandbox" not in line
    assert users
    assert "root" not in users


def test_a_browser_that_hangs_is_ended_in_time(county, own):
    def work() -> bool:
        from playwright.sync_api import Error

        with limited(6.0) as over, opened(Settings(port=county.port, capture_no_sandbox=True), county.url) as context:
            page = context.new_page()
            for process in browsers(own):
                process.suspend()
            with pytest.raises(Error):
                page.goto(county.url, timeout=60000)
        return over.is_set()

    assert apart(work)
    assert browsers(own) == []
