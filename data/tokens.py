"""Push tokens of feeds: only their hashes are kept, and they are compared in constant time."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

import orjson

from data.durable import replace_file
from data.errors import Unavailable
from data.settings import Settings

FILE = "tokens.json"


def make_token(settings: Settings, feed: str, simulated: bool = False) -> str:
    """A new token of a feed; an earlier one ends. Shown once: only its SHA-256 is stored, in a file of mode 0600.

    simulated: for the demo county's own sender; it stands beside the source's token and counts in demo mode only.

    Raises:
        Unavailable: the state folder cannot be written.
    """
    token = secrets.token_urlsafe(32)
    path = settings.state_dir / FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(lock, "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            replace_file(path, orjson.dumps(_read(path) | {_name(feed, simulated): _digest(token)}))
    except OSError as error:
        raise Unavailable(f"令牌写不进 {path}（{error.strerror}）；请检查权限与磁盘空间") from error
    return token


def _name(feed: str, simulated: bool) -> str:
    # No feed's name can look like this.
    return f"{feed}~demo" if simulated else feed


def _read(path: Path) -> dict[str, str]:
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Unavailable(f"{path} 已损坏（{error!s:.60}）；请删除它，再用 feed token 重新发放令牌") from error
    return {str(feed): str(digest) for feed, digest in found.items()}


def check(settings: Settings, feed: str, token: str) -> bool:
    """True for the feed's token: a stored one, or the one in the environment variable YIPING_TOKEN_<FEED>.

    Raises:
        Unavailable: the file of hashes is damaged or cannot be read.
    """
    given = _digest(token)
    named = os.environ.get("YIPING_TOKEN_" + re.sub(r"[^A-Z0-9]", "_", feed.upper()), "")
    try:
        stored = _read(settings.state_dir / FILE)
    except OSError as error:
        raise Unavailable(f"令牌文件读不了（{error.strerror}）；请检查 {settings.state_dir} 的权限") from error
    fits_named = hmac.compare_digest(_digest(named), given) and named != ""
    fits = [hmac.compare_digest(stored.get(_name(feed, simulated), ""), given)
            for simulated in (False, True) if not simulated or settings.mode == "demo"]
    return any(fits) or fits_named


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
