"""The place's own Redis: started, joined, taken over when its starter is killed, with what was acknowledged kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from data import embedded_redis
from data.settings import Settings

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
STARTER = """
import sys
from pathlib import Path
from data import embedded_redis
from data.settings import Settings
embedded_redis.ensure(Settings(state=Path(sys.argv[1])))
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    yield Settings(state=tmp_path / "state")
    embedded_redis.stop_started()


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2)


def starter(settings: Settings) -> subprocess.Popen[str]:
    """Another command that needs Redis, up."""
    line = [sys.executable, "-c", STARTER, str(settings.state_dir)]
    process = subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def until_answers(sock: Path) -> None:
    deadline = time.monotonic() + 20
    while not embedded_redis.answers(sock):
        assert time.monotonic() < deadline, f"{sock} does not answer"
        time.sleep(0.02)


def test_the_two_keep_their_promises(settings: Settings) -> None:
    urls = embedded_redis.ensure(settings)
    with client(urls.state) as state, client(urls.cache) as cache:
        for name, ours in (("appendonly", ("yes", "no")), ("maxmemory-policy", ("noeviction", "allkeys-lru")),
                           ("save", ("", "")), ("port", ("0", "0"))):
            assert (state.config_get(name)[name], cache.config_get(name)[name]) == ours
    assert embedded_redis.socket_of(settings, "state").stat().st_mode & 0o077 == 0


def test_a_second_command_takes_over_when_the_first_is_killed(settings: Settings) -> None:
    first = starter(settings)
    try:
        urls = embedded_redis.ensure(settings)
        with client(urls.state) as state:
            state.set("kept", "1")
            before = state.info("server")["process_id"]
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    sock = embedded_redis.socket_of(settings, "state")
    deadline = time.monotonic() + 20
    while True:
        until_answers(sock)
        try:
            with client(urls.state) as state:
                after, kept = state.info("server")["process_id"], state.get("kept")
        except redis.ConnectionError:
            after, kept = before, None
        if after != before:
            break
        assert time.monotonic() < deadline
    assert kept == b"1"


def test_nothing_is_left_when_the_last_command_ends(settings: Settings) -> None:
    only = starter(settings)
    only.communicate("")
    assert only.returncode == 0
    for role in ("state", "cache"):
        assert not embedded_redis.answers(embedded_redis.socket_of(settings, role))


def test_a_server_that_cannot_start_says_its_last_words(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = embedded_redis.configuration
    monkeypatch.setattr(embedded_redis, "configuration", lambda *given: real(*given) + "no-such-setting 1\n")
    with pytest.raises(embedded_redis.Unavailable, match=r"Redis（state）没有启动：.+；日志 .*redis.log"):
        embedded_redis.ensure(settings)
