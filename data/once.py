"""The one-time link: a token that the server prints and that opens the duty role once, within 15 minutes."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time

from data.settings import Settings

LIFE_S = 900.0
_FILE = "once.json"


def make(settings: Settings) -> str:
    """A fresh token; only its hash is kept (0600), and an earlier one ends."""
    token = secrets.token_urlsafe(24)
    path = settings.state_dir / _FILE
    fresh = path.with_suffix(f".{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"hash": _digest(token), "until": time.time() + LIFE_S}, file)
    fresh.replace(path)
    return token


def consume(settings: Settings, token: str) -> bool:
    """True once for the right token in its time; of two that come together only one wins."""
    path = settings.state_dir / _FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not hmac.compare_digest(kept["hash"], _digest(token)) or time.time() > kept["until"]:
        return False
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
