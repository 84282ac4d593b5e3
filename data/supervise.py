"""`serve`: one running server of one place: checks first, then all parts, their address, and the one-time link."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data import once, parts, statefolder
from data.errors import WrongInput, os_words
from data.place_check import outlines
from data.redis_clients import obstacle
from data.settings import Settings
from data.supervisor import Supervisor

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def commands(add: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `serve`."""
    parser = add.add_parser("serve", help="启动并看护一个地区的全部部分（script/server 调用它）")
    parser.add_argument("--place", type=Path, default=argparse.SUPPRESS, help="地区包目录")
    parser.add_argument("--port", type=int, help="网页端口（默认 8050）")
    parser.add_argument("--host", help="监听地址（默认 127.0.0.1）")
    parser.add_argument("--now", help="演示时钟从这一刻开始，如 2026-11-22T08:00")
    parser.add_argument("--scenario", choices=("quiet", "storm", "feed-down"), help="演示情景")
    parser.add_argument("--history", choices=("full", "small", "none"), help="演示历史的长短")
    parser.add_argument("--state", type=Path, help="状态目录（默认 var/<地区>）")
    parser.set_defaults(run=serve)


def serve(settings: Settings, _args: argparse.Namespace) -> int:
    """Runs until Ctrl-C.

    Raises:
        WrongInput: no such place, port taken, or the place is served already.
        Unavailable: the state folder or Redis cannot be used.
    """
    begun = time.monotonic()
    if not (settings.place_dir / "place.yaml").is_file():
        raise WrongInput(f"{settings.place_dir} 不是地区包（没有 place.yaml）；请用 --place 指向 places/ 下的一个目录")
    problems = outlines(settings.place_dir)
    if problems:
        raise WrongInput(f"{problems[0]}；共 {len(problems)} 处，请运行 ./yiping check {settings.place_dir} 查看并改正")
    folder = statefolder.prepare(settings)
    address = f"http://{parts.reachable_host(settings)}:{settings.port}"
    with alone(folder, address):
        check_port(settings)
        supervisor = Supervisor(parts.table(settings), folder, _say)
        token = once.make(settings)
        _say(f"正在启动 {settings.place_dir.name}，状态目录 {folder}")
        if settings.redis_url and (told := obstacle(settings.redis_url)):
            what, _, remedy = told.partition("；")
            _say(f"YIPING_REDIS_URL 所指的 Redis {what}：记录照收、先落盘，画面用历史数据；{remedy}，之后自动补上")

        def ready() -> None:
            _say(f"已就绪（{time.monotonic() - begun:.1f} 秒）：{address}")
            _say(f"值班写入（一次有效，15 分钟内）：{address}/login?once={token}")
            _say("按 Ctrl-C 停止")

        _listen(supervisor)
        code = supervisor.run(ready)
    _say("已停止")
    return code


def _listen(supervisor: Supervisor) -> None:
    """Stops on Ctrl-C, on SIGTERM, and when the terminal closes (not under nohup, which ignores that)."""
    signal.signal(signal.SIGINT, supervisor.ask_to_stop)
    signal.signal(signal.SIGTERM, supervisor.ask_to_stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, supervisor.ask_to_stop)


@contextmanager
def alone(folder: Path, address: str) -> Iterator[None]:
    """Holds the folder's server lock, so that one place has one server.

    Raises:
        WrongInput: another server holds it; the sentence names its process and address.
    """
    with (folder / "server.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise WrongInput(f"状态目录 {folder} 已有服务在运行（{lock.read().strip()}）；"
                             "请先停止它，或用 --state 与 --port 另起一个") from error
        lock.truncate(0)
        lock.write(f"进程 {os.getpid()}，{address}")
        lock.flush()
        yield


def check_port(settings: Settings) -> None:
    """Tries to bind the web port.

    Raises:
        WrongInput: taken, forbidden, or not an address of this machine.
    """
    try:
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            line.bind((settings.host, settings.port))
    except OSError as error:
        where = f"端口 {settings.host}:{settings.port} "
        if error.errno == errno.EADDRINUSE:
            raise WrongInput(f"{where}已被别的程序占用；请停止那个程序，或用 --port 换一个端口") from error
        raise WrongInput(f"{where}不能使用（{os_words(error)}）；请改正 --host 或换一个 --port") from error


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()
