"""Ctrl-C at any moment, as the terminal sends it to the whole group: nothing is left, and the next start is free."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from own_redis import ROOT, TINY_PACK, wait_for

from data import embedded_redis
from data.parts import read_status

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


class Started:
    """`serve` in a group of its own with a state folder of its own."""

    def __init__(self, folder: Path, place: Path, **told: str) -> None:
        self.folder, self.port, self.said = folder / "state", free_port(), folder / "said.txt"
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # Tests run in a shell's background inherit a deaf ear, and so would the server.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("YIPING_")}
        plain |= {"YIPING_STATE": str(self.folder), "YIPING_PORT": str(self.port), "YIPING_PLACE": str(place)}
        with self.said.open("ab") as sink:
            self.process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "serve"], env=plain | told,
                                            stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, start_new_session=True)

    def ctrl_c(self) -> int:
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(40)

    def state(self, part: str) -> str:
        found = read_status(self.folder).get(part)
        return found.state if found else ""

    def importing(self) -> bool:
        """The older history is on its way: some is in, not all."""
        try:
            told = json.loads((self.folder / "history_progress.json").read_bytes())
        except (OSError, ValueError):
            return False
        return 0 < told["done"] < told["total"]

    def left(self) -> list[str]:
        """Processes that belong to this state folder."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = str(self.folder) in " ".join([*process.cmdline(), process.environ().get("YIPING_STATE", "")])
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline())[-120:])
            except psutil.Error:
                continue
        return found


def nothing_is_left(started: Started) -> None:
    wait_for(lambda: not started.left(), 10)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", started.port))
    assert {status.state for status in read_status(started.folder).values()} <= {"stopped", "finished"}


MOMENTS: dict[str, Callable[[Started], object]] = {
    "python loads": lambda started: started.left(),
    "the state folder is made": lambda started: started.folder.exists(),
    "redis starts": lambda started: started.state("redis-state") == "starting",
    "the collector starts": lambda started: started.state("collector") == "starting",
    "the web starts": lambda started: started.state("web") == "starting",
}


@pytest.mark.skipif(not embedded_redis.find_server().safe, reason="production mode needs a newer redis-server")
def test_pressed_while_it_starts(tmp_path: Path) -> None:
    for words, come in MOMENTS.items():
        started = Started(tmp_path, TINY_PACK, YIPING_MODE="production")
        wait_for(lambda come=come, started=started: come(started), 60)
        code = started.ctrl_c()
        # Before Python itself stands, its code is its own.
        assert code in (0, 130) or words == "python loads", (words, code)
        nothing_is_left(started)
    assert "程序内部错误" not in started.said.read_text("utf-8")
    again = Started(tmp_path, TINY_PACK, YIPING_MODE="production")
    wait_for(lambda: "已就绪" in again.said.read_text("utf-8"), 90)
    assert again.ctrl_c() == 0
    nothing_is_left(again)


def test_pressed_while_history_is_imported_and_the_next_start_goes_on_with_it(tmp_path: Path) -> None:
    place = ROOT / "places" / "yudu"
    started = Started(tmp_path, place, YIPING_HISTORY="small")
    wait_for(started.importing, 240)
    began = time.monotonic()
    assert started.ctrl_c() == 0
    assert time.monotonic() - began < 20
    nothing_is_left(started)
    done = json.loads((started.folder / "history_progress.json").read_bytes())["done"]
    again = Started(tmp_path, place, YIPING_HISTORY="small")
    wait_for(lambda: again.said.read_text("utf-8").count("已就绪") == 2, 90)
    wait_for(lambda: json.loads((again.folder / "history_progress.json").read_bytes())["done"] > done, 240)
    assert again.ctrl_c() == 0
    nothing_is_left(again)


def test_pressed_twice_is_only_faster(tmp_path: Path) -> None:
    started = Started(tmp_path, TINY_PACK, YIPING_MODE="demo", YIPING_HISTORY="none")
    wait_for(lambda: started.state("collector") == "up", 90)
    os.killpg(started.process.pid, signal.SIGINT)
    assert started.ctrl_c() == 0
    nothing_is_left(started)
