"""A crowd of viewers as light as can be, so that what is measured is the server: bare HTTP/1.1 on asyncio streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

PATIENCE_S = 30.0


@dataclass
class Line:
    """One kept connection."""

    port: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> Line:
        """Connects to this machine."""
        return cls(port, *await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def ask(self, path: str) -> int:
        """Status of a GET; its body has been read. Raises OSError, EOFError, ValueError."""
        self.send(path)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        await self.reader.readexactly(int(length))
        return int(head.split(" ", 2)[1])

    def send(self, path: str) -> None:
        """The request alone."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept-Encoding: br\r\n\r\n".encode())


@dataclass
class Crowd:
    """Each viewer holds the live stream and asks for another view every so often. Times in ms.

    end: when they stop looking, on the monotonic clock; may be brought forward.
    """

    port: int
    paths: Sequence[str]
    count: int
    took: list[float] = field(default_factory=list)
    errors: int = 0
    messages: int = 0
    end: float = 0.0

    async def run(self, seconds: float, every_s: float) -> None:
        """Watches for some seconds, all connections open before the clock starts."""
        lines = [await Line.open(self.port) for _ in range(self.count)]
        streams = [asyncio.create_task(self._stream(await Line.open(self.port))) for _ in range(self.count)]
        self.end = time.monotonic() + seconds
        await asyncio.gather(*[self._viewer(line, number, every_s) for number, line in enumerate(lines)])
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        for line in lines:
            line.writer.close()

    async def _viewer(self, line: Line, number: int, every_s: float) -> None:
        await asyncio.sleep(every_s * number / self.count)
        turn = number
        while time.monotonic() < self.end:
            began = time.perf_counter()
            try:
                self.errors += await asyncio.wait_for(line.ask(self.paths[turn % len(self.paths)]), PATIENCE_S) != 200
            except (OSError, EOFError, ValueError, TimeoutError):
                self.errors += 1
                return
            spent = time.perf_counter() - began
            self.took.append(1000 * spent)
            turn += 1
            await asyncio.sleep(max(0.0, every_s - spent))

    async def _stream(self, line: Line) -> None:
        line.send("/api/v1/live")
        try:
            while found := await line.reader.read(65536):
                self.messages += found.count(b"data:")
            self.errors += 1
        except OSError:
            self.errors += 1
        finally:
            with suppress(OSError):
                line.writer.close()
