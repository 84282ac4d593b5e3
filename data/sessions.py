"""Server-side sessions: a random id in the cookie, the principal kept here; what the browser says grants nothing."""

from __future__ import annotations

import secrets
import threading
import time

from access.principal import Principal, demo_principal, duty_principal

IDLE_S = 12 * 3600.0


class Sessions:
    """Sessions of one web process; after a restart the one-time link is asked for again."""

    def __init__(self, root: str, demo: bool) -> None:
        self._root, self._demo = root, demo
        self._known: dict[str, float] = {}
        self._lock = threading.Lock()

    def open_duty(self) -> str:
        """A new session of the duty role; returns its id."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            self._known = {key: seen for key, seen in self._known.items() if seen > time.monotonic() - IDLE_S}
            self._known[session] = time.monotonic()
        return session

    def principal(self, session: str | None) -> Principal | None:
        """Who the cookie's session is; the demo's reader without one; None in production without one."""
        with self._lock:
            seen = self._known.get(session or "")
            if seen is not None and seen > time.monotonic() - IDLE_S:
                self._known[str(session)] = time.monotonic()
                return duty_principal(self._root)
        return demo_principal(self._root) if self._demo else None
