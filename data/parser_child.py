"""The child in which files of strangers are parsed: few rights, little memory, no network; answers in frames.

Run by `data.sandbox`, which alone talks to it: a request is a line of JSON on stdin, the answer frames on stdout. A
frame is one letter, eight bytes of length, and that many bytes: R a chunk of rows (JSON), C the facts of a chunk of
columns (JSON) followed by T its table (Arrow), E a sentence of refusal, M memory ran out, X an unforeseen error, Z the
end; H, once, that the program is ready.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_NEW_NET, _NEW_USER = 0x40000000, 0x10000000
Frame = tuple[bytes, bytes | memoryview]


def without_network() -> bool:
    """Leaves the machine's network for an empty one; False where the system does not allow that."""
    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (_NEW_NET, _NEW_NET | _NEW_USER))


def bounded(memory_bytes: int) -> None:
    """No more than so much address space beyond what the program itself takes now; no core files."""
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + memory_bytes, taken + memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> None:
    """Answers requests until stdin ends; `arguments`: bytes of memory."""
    without_network()
    # What parsers write by mistake must not fall between frames.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import pyarrow as pa

    from data.parsing import answer

    pa.set_cpu_count(1)
    bounded(int(arguments[0]))
    _send(out, b"H", b"")
    for line in sys.stdin.buffer:
        for letter, body in guarded(answer(line)):
            _send(out, letter, body)


def guarded(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The frames of an answer; whatever goes wrong becomes a frame too."""
    from data.errors import WrongInput

    try:
        yield from frames
        yield b"Z", b""
    except WrongInput as error:
        yield b"E", str(error).encode("utf-8", "replace")
    except MemoryError:
        yield b"M", b""
    except Exception as error:  # noqa: BLE001 - the parent says it in a sentence and keeps the file
        yield b"X", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".encode("utf-8", "replace")


def _send(out: BinaryIO, letter: bytes, body: bytes | memoryview) -> None:
    out.write(letter + len(body).to_bytes(8, "big"))
    out.write(body)
    out.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    with suppress(BrokenPipeError, KeyboardInterrupt):
        main(sys.argv[1:])
