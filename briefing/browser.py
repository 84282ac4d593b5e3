"""A Chromium that can reach nothing but our own server, in its sandbox, ended with everything it started."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from data.errors import Unavailable
from data.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Playwright, Route

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_USER = "nobody"
_QUIET = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--no-first-run", "--no-default-browser-check", "--disable-extensions",
          "--force-webrtc-ip-handling-policy=disable_non_proxied_udp")
_REFUSED = ("Chromium 的沙箱在 root 下不能启动，也没有 setpriv 与用户 nobody 可换；请用普通用户运行，"
            "或确认只截本站页面后设置 YIPING_CAPTURE_NO_SANDBOX=1")


@dataclass(frozen=True)
class Chromium:
    """How to start it: the program, and whether it sandboxes itself; `user` takes the place of root."""

    program: str
    sandbox: bool
    user: pwd.struct_passwd | None = None


def find(settings: Settings) -> Chromium:
    """The system's Chromium as this user may start it.

    Raises:
        Unavailable: none there, or no way to start its sandbox.
    """
    wanted = (settings.chromium,) if settings.chromium else NAMES
    program = next((path for path in map(shutil.which, wanted) if path), None)
    if program is None:
        named = f"YIPING_CHROMIUM={settings.chromium} 不是可执行的程序" if settings.chromium else "没有找到 Chromium"
        raise Unavailable(f"{named}；请运行 sudo apt-get install -y chromium fonts-noto-cjk")
    if settings.capture_no_sandbox:
        return Chromium(program, False)
    if os.geteuid() != 0:
        return Chromium(program, True)
    try:
        user = pwd.getpwnam(_USER)
    except KeyError as error:
        raise Unavailable(_REFUSED) from error
    if not shutil.which("setpriv"):
        raise Unavailable(_REFUSED)
    return Chromium(program, True, user)


@contextmanager
def opened(settings: Settings, origin: str) -> Iterator[BrowserContext]:
    """A fresh browser with one profile of its own, gone at the end; nothing but `origin` can be reached from it.

    Raises:
        Unavailable: Chromium is missing or does not start.
    """
    from playwright.sync_api import Error, sync_playwright

    chromium = find(settings)
    with tempfile.TemporaryDirectory(prefix="yiping-capture-", ignore_cleanup_errors=True) as folder, \
            sync_playwright() as play:
        try:
            context = _launch(play, chromium, Path(folder), origin)
        except Error as error:
            raise Unavailable(f"Chromium 没有启动（{_reason(str(error))}）；请运行 ./yiping doctor") from error
        try:
            context.route("**/*", lambda route: _allow(route, origin))
            context.route_web_socket("**/*", lambda line: line.close())
            yield context
        finally:
            with suppress(Error):
                context.close()
            end_named(folder)


def _launch(play: Playwright, chromium: Chromium, folder: Path, origin: str) -> BrowserContext:
    profile = folder / "profile"
    profile.mkdir(mode=0o700)
    program = chromium.program
    if chromium.user is not None:
        folder.chmod(0o711)
        os.chown(profile, chromium.user.pw_uid, chromium.user.pw_gid)
        program = str(_as_user(folder, chromium, chromium.user))
    host = origin.removeprefix("http://")
    walls = [f"--proxy-bypass-list=<-loopback>;{host}", "--proxy-server=http://127.0.0.1:9",
             f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {host.rpartition(':')[0]}"]
    told: dict[str, Any] = {"locale": "zh-CN", "reduced_motion": "reduce", "service_workers": "block",
                            "accept_downloads": False}
    environment: dict[str, str | float | bool] = {"PATH": os.environ.get("PATH", ""), "HOME": str(profile),
                                                  "LANG": "C.UTF-8"}
    return play.chromium.launch_persistent_context(
        str(profile), executable_path=program, chromium_sandbox=chromium.sandbox, args=[*_QUIET, *walls],
        env=environment, timeout=30_000, **told)


def _as_user(folder: Path, chromium: Chromium, user: pwd.struct_passwd) -> Path:
    """A starter that gives up root before Chromium runs, because Chromium's sandbox refuses root."""
    starter = folder / "start"
    given = f"--reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups --no-new-privs"
    starter.write_text(f'#!/bin/sh\nexec setpriv {given} {shlex.quote(chromium.program)} "$@"\n', encoding="utf-8")
    starter.chmod(0o700)
    return starter


def _allow(route: Route, origin: str) -> None:
    """Lets our own server through and ends everything else."""
    if route.request.url == origin or route.request.url.startswith(f"{origin}/"):
        route.continue_()
    else:
        route.abort("blockedbyclient")


def _reason(text: str) -> str:
    if "No usable sandbox" in text or "sandbox" in text.lower():
        return "内核不许它建沙箱；确认只截本站页面后可设置 YIPING_CAPTURE_NO_SANDBOX=1"
    return " ".join(text.split())[:120]


@contextmanager
def limited(seconds: float) -> Iterator[threading.Event]:
    """Ends every process started inside when the time is over (the event is then set), and what is left at the end."""
    before, over = set(psutil.Process().children(recursive=True)), threading.Event()

    def end() -> None:
        over.set()
        end_but(before)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()
        end_but(before)


def end_named(folder: str) -> None:
    """Kills whatever was started with the browser's own folder and left its family (the crash handler does)."""
    for process in psutil.process_iter(["cmdline"]):
        if any(folder in piece for piece in process.info["cmdline"] or []):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()


def end_but(spared: set[psutil.Process]) -> None:
    """Kills this process's descendants with their groups, but for those that were there before."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if child in spared:
                continue
            if os.getpgid(child.pid) == child.pid:
                os.killpg(child.pid, signal.SIGKILL)
            child.kill()
