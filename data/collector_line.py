"""Where a web part finds the collector: on the socket of its own state folder, or on another machine by address."""

from __future__ import annotations

import hmac
import re
import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import orjson

from data.errors import NotFound, Unavailable, WrongInput
from data.settings import Settings
from data.statefolder import socket_path

SOCKET = "collector.sock"
SECRET, TOKEN = "x-yiping-secret", "x-yiping-token"
LEAST_SECRET, ASK_S, LOOK_S = 16, 5.0, 0.2
_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})")
_AWAY = "采集器没有应答；请稍后再试，或检查它所在的机器与 YIPING_COLLECT_AT"


@dataclass(frozen=True)
class Line:
    """The way to one collector: a socket file, or host and port with the secret that both sides know.

    others: the rest of a place's collectors, where it has several.
    """

    path: Path
    host: str = ""
    port: int = 0
    secret: str = field(default="", repr=False)
    others: tuple[Line, ...] = ()

    @property
    def far(self) -> bool:
        """True for a collector whose state folder is not ours."""
        return bool(self.host)

    def listens(self) -> bool:
        """Whether a process takes connections there, or at one of the others; one that is busy does."""
        return self._listens() or any(line.listens() for line in self.others)

    def url(self, says: Sequence[str]) -> str:
        """Where to send what is for the holder of a lease that says this (`State.holder`): one of those we know of."""
        return next((line._base() for line in (self, *self.others) if says and says[-1] == line.address), self._base())

    def here(self) -> str:
        """The base address of the collector, of several the first that listens."""
        lines = (self, *self.others) if self.others else ()
        return next((line._base() for line in lines if line._listens()), self._base())

    @property
    def address(self) -> str:
        """Host and port as a setting names them."""
        return self._base().removeprefix("http://")

    def _listens(self) -> bool:
        where: Any = (self.host, self.port) if self.far else str(self.path)
        try:
            with closing(self._socket()) as line:
                line.settimeout(LOOK_S)
                line.connect(where)
        except (TimeoutError, BlockingIOError):
            # Busy, on this machine; of another one no answer is none.
            return not self.far
        except OSError:
            return False
        return True

    def _socket(self) -> socket.socket:
        if not self.far:
            return socket.socket(socket.AF_UNIX)
        return socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)

    def client(self) -> httpx.AsyncClient:
        """For the pushes and wishes of a web part."""
        transport = httpx.AsyncHTTPTransport(uds=None if self.far else str(self.path), retries=1,
                                             limits=httpx.Limits(keepalive_expiry=2.0))
        return httpx.AsyncClient(transport=transport, base_url=self._base(), headers=self._headers(), timeout=30.0)

    def asker(self) -> Callable[..., Any]:
        """Asks `POST /ask` of a far collector: question and its values → the answer. Raises NotFound, Unavailable."""
        def ask(question: str, **values: Any) -> Any:
            wish = orjson.dumps({"question": question, "values": values})
            # Plain HTTP: whoever wants it encrypted puts a tunnel around it, so no certificates are loaded here.
            plain = httpx.HTTPTransport(verify=False, retries=1)
            try:
                with httpx.Client(transport=plain, timeout=ASK_S) as client:
                    reply = client.post(self.here() + "/ask", content=wish, headers=self._headers())
                found = orjson.loads(reply.content)
            except (httpx.HTTPError, orjson.JSONDecodeError) as error:
                raise Unavailable(_AWAY) from error
            if reply.status_code != 200:
                kind = NotFound if reply.status_code == 404 else Unavailable
                raise kind(str(found.get("detail", _AWAY)))
            return found

        return ask

    def _base(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}" if self.far else "http://collector"

    def _headers(self) -> dict[str, str]:
        return {SECRET: self.secret} if self.far else {}


def line_of(settings: Settings) -> Line:
    """The collector of a web part. Raises WrongInput: YIPING_COLLECT_AT, its secret or Redis cannot be used."""
    path = socket_path(settings, SOCKET)
    if not settings.collect_at:
        return Line(path)
    if not settings.redis_url:
        raise WrongInput("设置 YIPING_COLLECT_AT 指向别的机器，还需要用 YIPING_REDIS_URL 指明两边共用的 Redis")
    places = [address_of(text, "YIPING_COLLECT_AT") for text in settings.collect_at.split(",")]
    lines = [Line(path, host, port, secret_of(settings)) for host, port in places]
    return replace(lines[0], others=tuple(lines[1:]))


def address_of(text: str, name: str) -> tuple[str, int]:
    """Host and port of a setting. Raises WrongInput: it is not written as host:port."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or not 0 < int(found[3]) < 65536:
        raise WrongInput(f"设置 {name} 的值 {text!r:.60} 不是地址；应写成主机与端口，如 10.0.0.5:8060")
    return found[1] or found[2], int(found[3])


def secret_of(settings: Settings) -> str:
    """The secret of the door between machines. Raises WrongInput: none, or one that can be guessed."""
    if len(settings.collect_secret) < LEAST_SECRET or not settings.collect_secret.isascii():
        raise WrongInput("跨机器连接采集器需要设置 YIPING_COLLECT_SECRET：两边相同，"
                         f"至少 {LEAST_SECRET} 个英文字母或数字")
    return settings.collect_secret


def same(given: str, secret: str) -> bool:
    """Compares secrets in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
