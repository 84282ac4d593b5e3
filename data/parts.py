"""The parts of a running server: what each is, how it is started, when it is ready, and the status file for all."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import orjson
import psutil

from data import embedded_redis, pulse, statefolder
from data.settings import ROOT, Settings

STATUS_FILE = "parts.json"
_CHILD = str(Path(__file__).with_name("child.py"))


@dataclass(frozen=True)
class Part:
    """One process. Parts of a later `stage` start when all of the earlier ones are up and stop before them.

    `ready`: asked while it starts; without it a part counts as up after a second of life. `may_finish`: ending with
    code 0 is its own business and no fault. `spare`: the command of a process that loads and waits (data.spare).
    `ask`: whether it still answers (data.pulse); without it only its death is noticed.
    """

    name: str
    command: tuple[str, ...]
    stage: int
    ready: Callable[[], bool] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    spare: tuple[str, ...] = ()
    may_finish: bool = False
    ask: Callable[[float], bool] | None = None


@dataclass(frozen=True)
class PartStatus:
    """What `/readyz` shows of a part. `since`: µs UTC of the present state.

    state: pending | starting | up | hung (being ended) | waiting (to be restarted) | finished | stopped;
    `last_exit`: negative = signal; `reason`: why it was last restarted.
    """

    pid: int
    since: int
    restarts: int
    state: str
    last_exit: int | None = None
    reason: str = ""


def bound(command: list[str]) -> tuple[str, ...]:
    """The command, killed by the kernel when this process dies."""
    return (sys.executable, "-I", _CHILD, str(os.getpid()), str(int(signal.SIGKILL)), "-", *command)


def program(command: str, *options: str) -> tuple[str, ...]:
    """`./yiping COMMAND` as a bound process; its log may hold tracebacks."""
    return bound([sys.executable, str(ROOT / "app.py"), "--debug", *options, command])


def table(settings: Settings) -> list[Part]:
    """The parts of a server: embedded Redis where none is named, collector, web, and in demo mode the simulator."""
    roles: list[embedded_redis.Role] = []
    if not settings.redis_url:
        roles.append("state")
    if not settings.cache_url:
        roles.append("cache")
    parts = [_redis(settings, role) for role in roles]
    told = environment(settings)
    collector = statefolder.socket_path(settings, "collector.sock")
    parts.append(Part("collector", program("collect"), 1, lambda: _connects(socket.AF_UNIX, str(collector)), told,
                      program("collect", "--standby"), ask=pulse.http_answers(pulse.unix(collector), "/health")))
    address = (reachable_host(settings), settings.port)
    # The web reads history while the collector reads its identities; each does without the other meanwhile.
    parts.append(Part("web", program("web"), 1, lambda: _connects(socket.AF_INET, address), told,
                      program("web", "--standby"), ask=pulse.http_answers(pulse.inet(*address), "/healthz")))
    if settings.mode == "demo":
        parts.append(Part("simulator", program("simulate"), 2, environment=told, may_finish=True,
                          ask=pulse.beats(pulse.beat_file(settings.state_dir, "simulator"))))
    return parts


def _redis(settings: Settings, role: embedded_redis.Role) -> Part:
    sock = embedded_redis.socket_of(settings, role)
    return Part(f"redis-{role}", tuple(embedded_redis.command(settings, role)), 0,
                lambda: embedded_redis.answers(sock), ask=pulse.redis_answers(sock))


def environment(settings: Settings) -> dict[str, str]:
    """What every part is told; names that the command line set rule over `.env` and the caller's environment."""
    return {
        "YIPING_PLACE": str(settings.place_dir), "YIPING_STATE": str(settings.state_dir),
        "YIPING_REDIS_URL": embedded_redis.url(settings, "state"),
        "YIPING_CACHE_URL": embedded_redis.url(settings, "cache"),
        "YIPING_CLOCK_OFFSET_S": repr(settings.clock().offset_s), "YIPING_PORT": str(settings.port),
        "YIPING_HOST": settings.host, "YIPING_SCENARIO": settings.scenario, "YIPING_HISTORY": settings.history,
        "PYTHONUNBUFFERED": "1",
        # Threads that each read a little history would otherwise leave hundreds of MB in arenas of their own.
        "MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "1048576", "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


def reachable_host(settings: Settings) -> str:
    """The host name under which this machine itself reaches the web part."""
    return "127.0.0.1" if settings.host in ("0.0.0.0", "") else settings.host  # noqa: S104


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    try:
        with socket.socket(family) as line:
            line.settimeout(0.2)
            line.connect(address)
            return True
    except OSError:
        return False


def write_status(folder: Path, status: Mapping[str, PartStatus]) -> None:
    """Replaces the status file at once; raises OSError (disk full)."""
    fresh = folder / f"{STATUS_FILE}.new"
    fresh.write_bytes(orjson.dumps({name: asdict(part) for name, part in status.items()}))
    fresh.replace(folder / STATUS_FILE)


def read_status(folder: Path) -> dict[str, PartStatus]:
    """The parts as the supervisor last wrote them; a process that is gone is `stopped`. Empty without a supervisor."""
    try:
        kept = orjson.loads((folder / STATUS_FILE).read_bytes())
        found = {name: PartStatus(**part) for name, part in kept.items()}
    except (OSError, orjson.JSONDecodeError, TypeError):
        return {}
    running = ("up", "starting", "hung")
    return {name: part if part.state not in running or _lives(part.pid) else replace(part, state="stopped")
            for name, part in found.items()}


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
