"""The command `collect`: the collector as a process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import uvicorn
from starlette.types import ASGIApp

from data import embedded_redis
from data.collect import Collector
from data.collector_line import SOCKET, address_of, secret_of
from data.door import make_door, make_far_door
from data.errors import Unavailable, WrongInput, os_words
from data.pack import load_pack
from data.pulling import Pulling
from data.settings import Settings
from data.statefolder import socket_path

GRACE_S = 1
WATCH_S = 0.2
READERS = 2


def commands(add: Any) -> None:
    """Registers the commands with argparse's subparsers."""
    collect = add.add_parser("collect", help="运行采集器（接收、检查、落盘、入缓存与历史）")
    collect.set_defaults(run=run_collect)


def run_collect(settings: Settings, _args: argparse.Namespace) -> int:
    """Runs the collector until SIGTERM or SIGINT; 1 if a part of it broke."""
    line = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=line)
    if settings.collect_listen:
        secret_of(settings)
    # Arrow would start eight readers, one now and then over hours: a growing count that looks like a leak.
    pa.set_io_thread_count(READERS)
    embedded_redis.ensure(settings)
    collector = Collector(settings, load_pack(settings.place_dir))
    pulling = Pulling(collector, settings)
    try:
        collector.start()
        pulling.start()
        asyncio.run(_serve(collector, settings))
    finally:
        pulling.stop()
        collector.stop()
    return 1 if collector.failed.is_set() else 0


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Nothing: the signals are ours, and a stop that was asked for ends with code 0."""
        yield


async def _serve(collector: Collector, settings: Settings) -> None:
    path = socket_path(settings, SOCKET)
    doors = [(_server(make_door(collector)), _listen(path))]
    if settings.collect_listen:
        doors.append((_server(make_far_door(collector, settings)), _listen_far(settings)))
    servers = [server for server, _ in doors]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, servers)
    watch = asyncio.create_task(_watch(collector, servers))
    try:
        await asyncio.gather(*[server.serve(sockets=[line]) for server, line in doors])
    finally:
        watch.cancel()
        path.unlink(missing_ok=True)


def _server(app: ASGIApp) -> _Server:
    return _Server(uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False,
                                  timeout_graceful_shutdown=GRACE_S, backlog=256))


def _end(servers: Sequence[uvicorn.Server]) -> None:
    for server in servers:
        server.should_exit = True


async def _watch(collector: Collector, servers: Sequence[uvicorn.Server]) -> None:
    while not collector.failed.is_set():
        await asyncio.sleep(WATCH_S)
    _end(servers)


def _listen_far(settings: Settings) -> socket.socket:
    """Raises WrongInput: the address is not one of this machine, or taken."""
    host, port = address_of(settings.collect_listen, "YIPING_COLLECT_LISTEN")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET,
                                    backlog=256)
    except OSError as error:
        raise WrongInput(f"采集器不能在 YIPING_COLLECT_LISTEN 的 {host}:{port} 上监听（{os_words(error)}）；"
                         "请改成本机的地址与空闲的端口") from error


def _listen(path: Path) -> socket.socket:
    """A fresh socket for the owner alone; one that a crash left is removed (the lease says that nobody serves it)."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        listener.close()
        remedy = "请用 --state 指一个路径较短、可写的目录"
        raise Unavailable(f"不能在 {path} 上监听（{os_words(error)}）；{remedy}") from error
    return listener
