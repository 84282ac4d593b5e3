"""One bounded GET: a pinned address, no redirects, a limit on time and on bytes, unpacked under watch."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path

import httpx

from data.egress import Egress
from data.errors import WrongInput, os_words
from data.source_faults import Away

MOST_RATIO = 100
SMALL = 1_000_000
SAID_CHARS = 2_000
_SAID = {401: "没有通过身份验证；请核对令牌", 403: "拒绝访问；请核对令牌的权限", 404: "没有这个地址；请核对网址",
         429: "嫌请求太多；已放慢", 503: "暂停服务"}


@dataclass(frozen=True)
class Wish:
    """What is asked for: the address, its headers, the limits, the certificate authority's file (None = the usual)."""

    url: str
    headers: dict[str, str]
    timeout_s: float
    most_bytes: int
    ca: Path | None = None


@dataclass(frozen=True)
class Answer:
    """What came: status 200 with the unpacked body, or 304 without one."""

    status: int
    headers: httpx.Headers
    body: bytes


def fetch(wish: Wish, egress: Egress) -> Answer:
    """Asks once.

    Raises:
        NotAllowed: the address is not in the allow-list, or never connected to.
        Away: no answer in time, a refusal, a redirect, too many bytes; says for how long to wait where it was told.
        WrongInput: the certificate authority's file cannot be read.
    """
    return asyncio.run(_bounded(wish, egress))


async def _bounded(wish: Wish, egress: Egress) -> Answer:
    url = httpx.URL(wish.url)
    try:
        # One limit over everything: a server that sends a byte a second never meets a limit of single reads.
        async with asyncio.timeout(wish.timeout_s):
            port = url.port or (443 if url.scheme == "https" else 80)
            address = await asyncio.to_thread(egress.address, url.host, port)
            return await _ask(wish, url, address)
    except TimeoutError as error:
        raise Away(f"{url.host} 在 {wish.timeout_s:g} 秒内没有送完应答；请检查来源与网络") from error
    except httpx.TimeoutException as error:
        raise Away(f"{url.host} 没有及时应答；请检查来源与网络") from error
    except httpx.TransportError as error:
        raise Away(f"{url.host} 连不上（{_why(error)}）；请检查来源与网络") from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise WrongInput(f"网址 {wish.url!r:.80} 不能用（{error!s:.60}）；请改正 feeds.yaml") from error


async def _ask(wish: Wish, url: httpx.URL, address: str) -> Answer:
    context: ssl.SSLContext | bool = trust(wish.ca) if url.scheme == "https" else False
    host = url.netloc.decode()
    headers = {"User-Agent": "yiping", "Accept-Encoding": "gzip", **wish.headers, "Host": host}
    async with httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False,
                                 timeout=wish.timeout_s) as client:
        request = client.build_request("GET", url.copy_with(host=address), headers=headers,
                                       extensions={"sni_hostname": url.host})
        answer = await client.send(request, stream=True)
        try:
            return await _read(wish, url, answer)
        finally:
            await answer.aclose()


async def _read(wish: Wish, url: httpx.URL, answer: httpx.Response) -> Answer:
    status = answer.status_code
    if status == 304:
        return Answer(304, answer.headers, b"")
    if answer.is_redirect or 300 <= status < 400:
        where = answer.headers.get("location", "")
        raise Away(f"{url.host} 要转到 {where!r:.80}，为安全不跟随；请把 feeds.yaml 的网址改成最终地址")
    body = await _unpacked(wish, url, answer)
    if status != 200:
        said = body[:SAID_CHARS].decode("utf-8", "replace")
        words = _SAID.get(status, "出错" if status >= 500 else "不接受这个请求；请核对网址与参数")
        raise Away(f"{url.host} 回答 {status}：{words}", _wait(answer.headers.get("retry-after", "")), said)
    return Answer(status, answer.headers, body)


async def _unpacked(wish: Wish, url: httpx.URL, answer: httpx.Response) -> bytes:
    packing = answer.headers.get("content-encoding", "identity").lower()
    if packing not in ("identity", "gzip", "x-gzip", ""):
        raise Away(f"{url.host} 用 {packing:.20} 压缩了应答，只认 gzip；请让来源改用 gzip 或不压缩")
    unpack = zlib.decompressobj(47) if "gzip" in packing else None
    parts, size, came = [], 0, 0
    async for raw in answer.aiter_raw(65_536):
        came += len(raw)
        rest = raw
        while rest:
            part, rest = (rest, b"") if unpack is None else _some(unpack, rest, url)
            parts.append(part)
            size += len(part)
            if size > wish.most_bytes:
                raise Away(f"{url.host} 的应答超过 {wish.most_bytes / 1e6:g} MB；请分页，或调大 max_mb", 0.0,
                           _head(parts))
            if size > SMALL and size > MOST_RATIO * came:
                raise Away(f"{url.host} 的应答压缩比超过 {MOST_RATIO}，疑似压缩炸弹；请向来源单位核实", 0.0,
                           _head(parts))
    if unpack is not None and came and not unpack.eof:
        raise Away(f"{url.host} 的应答没有送完（压缩数据断了）；请检查来源与网络")
    return b"".join(parts)


def _head(parts: list[bytes]) -> str:
    """How an answer that is not taken begins."""
    return parts[0][:SAID_CHARS].decode("utf-8", "replace")


def _some(unpack: zlib._Decompress, packed: bytes, url: httpx.URL) -> tuple[bytes, bytes]:
    try:
        part = unpack.decompress(packed, SMALL)
    except zlib.error as error:
        raise Away(f"{url.host} 的应答压缩数据已损坏；请检查来源") from error
    return part, unpack.unconsumed_tail


@lru_cache(maxsize=32)
def trust(ca: Path | None) -> ssl.SSLContext:
    """The usual authorities, or those of one file. Raises WrongInput."""
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        why = os_words(error) if isinstance(error, FileNotFoundError) else "不是 PEM 证书"
        raise WrongInput(f"证书文件 {ca} 读不了（{why}）；请核对 feeds.yaml 的 ca") from error


def _wait(told: str) -> float:
    """Seconds of a Retry-After: a number or a date; 0 without one."""
    if told.strip().isdigit():
        return float(min(int(told.strip()[:9]), 86_400))
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _why(error: httpx.TransportError) -> str:
    """The reason in Chinese; that of a certificate is told apart from a broken line."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"证书不可信：{cause.verify_message:.80}"
        if isinstance(cause, ssl.SSLError):
            return "TLS 握手失败"
        if isinstance(cause, OSError) and cause.errno:
            return os_words(cause)
        cause = cause.__cause__ or cause.__context__
    return "对方中途断开" if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError)) else "网络不通"
