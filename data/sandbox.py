"""Files of strangers are parsed in a child with little memory, a deadline and no network: harm stays in it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from data.clock import Clock
from data.errors import Unavailable, WrongInput
from data.formats.archive import packed_bytes
from data.formats.parts import refuse
from data.pack import Feed
from data.parsing import Form, Request
from data.sources.files import Chunk, ColumnChunk

MEMORY_BYTES = 1_000_000_000
SECONDS = 60.0
SECONDS_A_MB = 1.0
START_S = 60.0
IDLE_S = 60.0
_PIPE_BYTES = 1 << 20
_KEPT = ("PATH", "TMPDIR", "LANG", "LC_ALL", "TZ")
_ROOM = Path(__file__).parent


class Parser:
    """Reads files in a child that is started when needed and used again while it behaves; one file at a time.

    Args:
        memory_bytes: address space that a file may take.
        seconds: how long the child may let us wait for one file, plus SECONDS_A_MB per MB of it.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES, seconds: float = SECONDS) -> None:
        self._memory, self._seconds = memory_bytes, seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._turn, self._used = threading.Lock(), 0.0

    def rows(self, path: Path, feed: Feed, clock: Clock) -> Iterator[Chunk]:
        """`data.sources.files.read_file` in the child.

        Raises:
            WrongInput: the file cannot be understood, or the child died or took too long over it.
            Unavailable: the child cannot be started.
        """
        yield from self._chunks(path, feed, clock, "rows")

    def raw(self, path: Path, feed: Feed, clock: Clock) -> Iterator[Chunk]:
        """`data.sources.files.read_raw` in the child.

        Raises:
            WrongInput, Unavailable: as `rows`.
        """
        yield from self._chunks(path, feed, clock, "raw")

    def _chunks(self, path: Path, feed: Feed, clock: Clock, form: Form) -> Iterator[Chunk]:
        for letter, body in self._frames(path, feed, clock, form):
            if letter == b"R":
                told = orjson.loads(body)
                yield Chunk(**{**told, "rejected": _pairs(told["rejected"])})

    def columns(self, path: Path, feed: Feed, clock: Clock) -> Iterator[ColumnChunk]:
        """`data.bulk_files.chunks` in the child.

        Raises:
            WrongInput, Unavailable: as `rows`.
        """
        told: dict[str, Any] = {}
        for letter, body in self._frames(path, feed, clock, "columns"):
            if letter == b"C":
                told = orjson.loads(body)
            elif letter == b"T":
                table = pa.ipc.open_stream(pa.py_buffer(body)).read_all()
                yield ColumnChunk(table, **{**told, "rejected": _pairs(told["rejected"])})

    def rest(self) -> None:
        """Ends a child that has had nothing to read for a while: it would only take memory."""
        if self._child is not None and time.monotonic() - self._used > IDLE_S and self._turn.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._turn.release()

    def close(self) -> None:
        """Ends the child, whatever it does."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def _frames(self, path: Path, feed: Feed, clock: Clock, form: Form) -> Iterator[tuple[bytes, bytearray]]:
        request = Request(str(path.resolve()), feed.model_dump_json(), form, clock.offset_s)
        allowed = self._seconds + SECONDS_A_MB * _size(path, feed) / 1e6
        with self._turn:
            pipe = self._ask(request.line())
            pipe.left, done = allowed, False
            try:
                while not done:
                    letter, body = pipe.frame(self._memory)
                    done = letter in b"ZEMX"
                    _complain(path.name, letter, body, self._memory)
                    yield letter, body
            except TimeoutError:
                raise refuse(path.name, f"{allowed:.0f} 秒没有读完", "请拆成较小的文件，或向来源单位核实") from None
            except EOFError:
                raise refuse(path.name, f"读它的进程中途退出（{self._how_it_ended()}）",
                             "文件可能损坏或有害，请向来源单位核实") from None
            finally:
                self._used = time.monotonic()
                if not done:
                    self.close()

    def _ask(self, line: bytes) -> _Pipe:
        """Hands the request to the child, to a new one if the old one has gone meanwhile."""
        for _ in range(2):
            child = self._child if self._child is not None and self._child.poll() is None else self._start()
            stdin, stdout = child.stdin, child.stdout
            try:
                if stdin is not None and stdout is not None:
                    stdin.write(line)
                    stdin.flush()
                    return _Pipe(stdout.fileno())
            except BrokenPipeError:
                self.close()
        raise Unavailable("读文件的进程启动后又退出；请看采集器的日志，文件留在原处")

    def _start(self) -> subprocess.Popen[bytes]:
        self.close()
        command = [sys.executable, "-I", str(_ROOM / "parser_child.py"), str(self._memory)]
        bound = [sys.executable, "-I", str(_ROOM / "child.py"), str(os.getpid()), str(int(signal.SIGKILL)), "-"]
        # One memory pool that grows as it is used: the others reserve address space, which is limited here.
        own = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1",
               "OPENBLAS_NUM_THREADS": "1"}
        self._child = subprocess.Popen(  # noqa: S603
            [*bound, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ} | own)
        if self._child.stdout is not None:
            with suppress(OSError):
                fcntl.fcntl(self._child.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            try:
                _Pipe(self._child.stdout.fileno(), START_S).frame()
            except (TimeoutError, EOFError):
                self.close()
                raise Unavailable("读文件的进程启动不了；请运行 ./yiping doctor，文件留在原处") from None
        return self._child

    def _how_it_ended(self) -> str:
        try:
            code = self._child.wait(1.0) if self._child is not None else 0
        except subprocess.TimeoutExpired:
            return "答复不成样子"
        return f"信号 {-code}" if code < 0 else f"退出码 {code}"


class _Pipe:
    """Frames out of a pipe; `left`: seconds that may still be waited."""

    def __init__(self, handle: int, left: float = SECONDS) -> None:
        self._handle, self.left = handle, left

    def frame(self, most: int = 0) -> tuple[bytes, bytearray]:
        """The next frame, of at most `most` bytes.

        Raises:
            TimeoutError: the time to wait is used up.
            EOFError: the pipe has ended, or what comes is no frame.
        """
        head = self._take(9)
        size = int.from_bytes(head[1:], "big")
        if size > most:
            raise EOFError
        return bytes(head[:1]), self._take(size)

    def _take(self, size: int) -> bytearray:
        taken, filled = bytearray(size), 0
        while filled < size:
            began = time.monotonic()
            ready = select.select([self._handle], [], [], max(0.0, self.left))[0]
            self.left -= time.monotonic() - began
            if not ready:
                raise TimeoutError
            came = os.readv(self._handle, [memoryview(taken)[filled:]])
            if not came:
                raise EOFError
            filled += came
        return taken


def _pairs(rejected: list[list[str]]) -> list[tuple[str, str]]:
    return [(raw, reason) for raw, reason in rejected]


def _size(path: Path, feed: Feed) -> int:
    try:
        return packed_bytes(path, feed.source.member) or path.stat().st_size
    except (OSError, ValueError):
        return 0


def _complain(name: str, letter: bytes, body: bytearray, memory: int) -> None:
    """Raises what the child has to say against the file."""
    if letter == b"E":
        raise WrongInput(body.decode())
    if letter == b"M":
        raise refuse(name, f"读它要用的内存超过 {memory // 1_000_000} MB", "请拆成较小的文件再导入")
    if letter == b"X":
        raise refuse(name, f"无法解析（{body.decode()[:120]}）", "请核对文件；确是正常文件时请把它交给维护人员")
