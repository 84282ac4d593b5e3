"""What may be captured, and what a picture says of itself. No browser, no sockets but a bind."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from datetime import timedelta, timezone
from pathlib import Path

import psutil
import pytest

from briefing import browser, png
from briefing.browser import find, limited
from briefing.capture import Wish, exporter, save, told, words, writable
from briefing.capture_commands import SIZES, commands
from briefing.target import Size, origin, page, size
from data.errors import NotFound, Unavailable, WrongInput
from data.settings import Settings

ZONE = timezone(timedelta(hours=8))
FACTS = {"now": 1795140027e6, "latest": 1795140000e6, "title": "总览·于都县", "demo": True,
         "states": {"late": 1, "live": 12}}


def picture(width: int = 3, height: int = 2) -> bytes:
    """A valid small PNG."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x10" * 3 * width) * height)
    return png.SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("text", [
    "http://127.0.0.1:8050/", "//evil.example/", "/\\evil.example", "\\\\evil", "file:///etc/passwd", "/..%2f..%2fetc",
    "/%2e%2e/", "/../etc", "/economy/../../etc", "javascript:alert(1)", "economy", "", "/economy#x", "/economy?a=1\n",
    "/economy?a=\\\\evil", "/ economy", "/economy//", "/@evil", "/economy;x", "/经济", "?division=1", " /",
    "data:text/html,x", "/economy?x=1#//evil", "/assets/view.js",
])
def test_only_a_path_of_our_own_is_taken(text):
    with pytest.raises((WrongInput, NotFound)) as error:
        page(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["/nowhere", "/healthz", "/api/v1/view", "/_dash-layout", "/login"])
def test_a_path_of_no_page_is_not_found(text):
    with pytest.raises(NotFound, match="没有页面"):
        page(text)


@pytest.mark.parametrize(("text", "address"), [
    ("/", "/"), ("/economy", "/economy"), ("/economy/", "/economy"), ("/events?window=7d", "/events?window=7d"),
    ("/?division=360731104000&f.category=a+b", "/?division=360731104000&f.category=a+b"),
    ("/?x=//evil", "/?x=%2F%2Fevil"), ("/?x=%2f%2fevil", "/?x=%2F%2Fevil"), ("/?f.a=甲", "/?f.a=%E7%94%B2"),
])
def test_an_address_is_written_anew(text, address):
    assert page(text) == address


@pytest.mark.parametrize("text", ["", "3840", "3840*2160", "10x10", "99999x99999", "16384x16384", "-1x500", "1e3x500",
                                  "3840x2160x1"])
def test_a_size_that_makes_no_sense_is_refused(text):
    with pytest.raises(WrongInput):
        size(text)


def test_sizes():
    assert size("3840x2160") == size("3840×2160") == Size(3840, 2160)
    assert [str(one) for one in SIZES] == ["1366x768", "1920x1080", "3840x2160", "7680x2160", "390x844"]


def test_only_this_machine_is_asked():
    assert origin(Settings(port=8123)) == "http://127.0.0.1:8123"
    assert origin(Settings(host="0.0.0.0", port=8123)) == "http://127.0.0.1:8123"
    with pytest.raises(WrongInput, match="不是本机地址"):
        origin(Settings(host="192.0.2.7"))


def test_words_travel_in_the_file():
    said = {"Title": "总览·于都县", "Software": "yiping", "Source": "/?a=1"}
    made = png.with_text(picture(), said)
    assert png.text_of(made) == said
    assert png.size_of(made) == (3, 2)
    assert made.endswith(picture()[33:])
    for junk in (b"", b"GIF89a", picture()[:10], b"<html>" * 10):
        with pytest.raises(ValueError, match="PNG"):
            png.size_of(junk)


def test_the_line_says_the_time_of_the_data_not_of_the_picture():
    assert told(FACTS, "/", ZONE) == (
        "数据截至 2026-11-20 10:00:00 · 演示数据 · 实时 12、迟滞 1 · 总览·于都县 · 画面 2026-11-20 10:00:27 · "
        f"导出 {exporter()} · /")
    nothing = FACTS | {"latest": 0, "demo": False, "states": {}}
    assert told(nothing, "/topics", ZONE) == f"画面 2026-11-20 10:00:27 · 总览·于都县 · 导出 {exporter()} · /topics"
    assert words(FACTS, "/", ZONE) == {
        "Title": "总览·于都县", "Software": "yiping", "Source": "/", "Comment": "演示数据",
        "Author": exporter(), "State": "实时 12、迟滞 1",
        "Creation Time": "2026-11-20T10:00:27+0800", "Data Time": "2026-11-20T10:00:00+0800"}
    assert "Comment" not in words(FACTS | {"demo": False}, "/", ZONE)


def test_a_picture_of_another_size_is_not_kept(tmp_path: Path):
    with pytest.raises(Unavailable, match="不是 4x2"):
        save(Wish("/", Size(4, 2), tmp_path / "a.png"), picture())
    assert list(tmp_path.iterdir()) == []
    save(Wish("/", Size(3, 2), tmp_path / "a.png"), picture())
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_where_a_picture_may_go(tmp_path: Path):
    assert writable(tmp_path / "new" / "a.png").parent.is_dir()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "a.jpg", tmp_path / "file" / "a.png", tmp_path / "a"):
        with pytest.raises(WrongInput):
            writable(out)


def test_a_missing_chromium_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Unavailable, match=r"YIPING_CHROMIUM=/nowhere.*apt-get install"):
        find(Settings(chromium="/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match=r"没有找到 Chromium.*apt-get install -y chromium"):
        find(Settings())


def test_root_gives_its_rights_up_or_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    assert (find(Settings()).sandbox, find(Settings()).user) == (True, None)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    assert find(Settings()).user.pw_name == "nobody"
    assert find(Settings(capture_no_sandbox=True)).sandbox is False
    monkeypatch.setattr(browser.shutil, "which", lambda name: "" if name == "setpriv" else f"/usr/bin/{name}")
    with pytest.raises(Unavailable, match="YIPING_CAPTURE_NO_SANDBOX=1"):
        find(Settings())


def test_what_was_started_ends_with_the_time():
    sleeper = "import time; time.sleep(60)"
    program = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleeper!r}]); {sleeper}"
    spared = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with limited(0.3) as over:
            started = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
            assert started.wait(20) == -9
            assert over.is_set()
        assert spared.poll() is None
        assert [child.pid for child in psutil.Process().children(recursive=True)
                if child.status() != psutil.STATUS_ZOMBIE] == [spared.pid]
    finally:
        spared.kill()
        spared.wait()


def test_the_commands_are_there():
    import argparse

    parser = argparse.ArgumentParser()
    commands(parser.add_subparsers(dest="command"))
    asked = parser.parse_args(["capture", "/economy?window=7d", "--size", "3840x2160", "--out", "f.png"])
    assert (asked.path, asked.size, str(asked.out), asked.timeout) == ("/economy?window=7d", "3840x2160", "f.png", 60.0)
    assert parser.parse_args(["pictures"]).out.parts[-2:] == ("docs", "pictures")
