"""A network between browsers and the server that can be cut: connections stand, and nothing goes through any more."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Network:
    """Passes bytes on to a port of this machine; `cut` swallows everything, `mend` drops what was held and goes on."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open = threading.Event()
        self._open.set()
        self._lines: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """From now on nothing goes through."""
        self._open.clear()

    def mend(self) -> None:
        """What stood through the cut is reset; new connections work."""
        self._drop()
        self._open.set()

    def close(self) -> None:
        """Ends it."""
        self._door.close()
        self._drop()

    def _drop(self) -> None:
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._door.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._target))
                self._lines |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                if not self._open.is_set():
                    break
                other.sendall(piece)
            while not self._open.wait(0.1) and one in self._lines:
                pass
        for line in (one, other):
            self._lines.discard(line)
            line.close()
