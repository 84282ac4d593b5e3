"""The doors through which simulated records enter: the push API, with tokens, and the drop folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import orjson

from data.errors import Unavailable
from data.settings import Settings
from data.tokens import check, make_token

TOKENS = "demo_tokens.json"
MOST_RECORDS = 5_000


def token_of(settings: Settings, feed: str) -> str:
    """The feed's push token: YIPING_TOKEN_<FEED>, else the one kept in demo_tokens.json, else a new one kept there.

    A kept one that is not taken any more is made anew.
    """
    named = os.environ.get(f"YIPING_TOKEN_{feed.upper()}", "")
    if named:
        return named
    path = settings.state_dir / TOKENS
    try:
        kept: dict[str, str] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        kept = {}
    if feed not in kept or not check(settings, feed, kept[feed]):
        kept[feed] = make_token(settings, feed, simulated=True)
        fresh = path.with_suffix(".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(kept))
        fresh.replace(path)
    return kept[feed]


class PushDoor:
    """Sends records and waits for the acknowledgement."""

    def __init__(self, settings: Settings, client: httpx.Client | None = None):
        self.settings = settings
        host = "127.0.0.1" if settings.host in ("", "0.0.0.0") else settings.host  # noqa: S104
        self.client = client or httpx.Client(base_url=f"http://{host}:{settings.port}", trust_env=False,
                                             timeout=httpx.Timeout(30.0, connect=3.0))
        self._tokens: dict[str, str] = {}
        self.accepted = self.duplicate = 0
        self.rejected: dict[str, str] = {}

    def push(self, feed: str, records: list[dict[str, Any]]) -> None:
        """Sends in pieces; returns when all are acknowledged.

        Raises:
            Unavailable: not reachable, busy, or the token is not taken; sending the same again is harmless.
        """
        for start in range(0, len(records), MOST_RECORDS):
            self._send(feed, records[start:start + MOST_RECORDS])

    def _send(self, feed: str, records: list[dict[str, Any]]) -> None:
        if feed not in self._tokens:
            self._tokens[feed] = token_of(self.settings, feed)
        try:
            answer = self._post(feed, orjson.dumps(records))
        except httpx.HTTPError as error:
            raise Unavailable(f"数据源 {feed} 推送不出去（{type(error).__name__}），稍后重试") from error
        if answer.status_code != 200:
            self._tokens.pop(feed, None)
            raise Unavailable(f"数据源 {feed} 的推送被拒（{answer.status_code} {answer.text[:120]}），稍后重试")
        verdict = answer.json()
        self.accepted += verdict["accepted"]
        self.duplicate += verdict["duplicate"]
        for wrong in verdict["rejected"][:1]:
            self.rejected[feed] = wrong["reason"]

    def _post(self, feed: str, body: bytes) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._tokens[feed]}", "content-type": "application/json"}
        address = f"/api/v1/feeds/{feed}/records"
        try:
            return self.client.post(address, content=body, headers=headers)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            # A kept connection that the server closed meanwhile; the same records again are only duplicates.
            return self.client.post(address, content=body, headers=headers)


def drop(folder: Path, feed: str, name: str, content: bytes) -> Path:
    """Puts a whole file into `drop/<feed>/`: written beside it, then renamed. It leaves there once it was read."""
    target = folder / "drop" / feed
    target.mkdir(parents=True, exist_ok=True)
    fresh = target / f"{name}.tmp"
    fresh.write_bytes(content)
    return fresh.replace(target / name)
