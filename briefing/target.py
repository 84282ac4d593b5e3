"""What may be captured: a path of our own pages, on our own server, in a sensible size. Never a URL."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from data.errors import NotFound, WrongInput
from data.parts import reachable_host
from data.settings import Settings
from layouts.screens import SCREENS

LEAST_PX, MOST_PX, MOST_PIXELS = 240, 16384, 64_000_000
_PATH = re.compile(r"/[A-Za-z0-9_/-]*")
_SIZE = re.compile(r"(\d{1,5})[x×X](\d{1,5})")


@dataclass(frozen=True)
class Size:
    """Pixels of a picture."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def size(text: str) -> Size:
    """A size as written on the command line.

    Raises:
        WrongInput: not WIDTHxHEIGHT, or out of bounds.
    """
    match = _SIZE.fullmatch(text)
    found = Size(int(match[1]), int(match[2])) if match else Size(0, 0)
    if not match or not all(LEAST_PX <= side <= MOST_PX for side in (found.width, found.height)):
        raise WrongInput(f"尺寸 {text!r:.20} 不合要求；应写成 宽x高，如 3840x2160，每边 {LEAST_PX} 到 {MOST_PX} 像素")
    if found.width * found.height > MOST_PIXELS:
        raise WrongInput(f"尺寸 {found} 太大；最多 {MOST_PIXELS // 1_000_000} 百万像素，请改小一些")
    return found


def page(text: str) -> str:
    """The address of one of our pages, written anew from its parts.

    Raises:
        WrongInput: not a plain path (a URL, `//host`, `..`, `%2f`, a backslash …).
        NotFound: a path, but of no page.
    """
    path, _, query = text.partition("?")
    if not _PATH.fullmatch(path) or "//" in path or not text.isprintable() or "#" in text or "\\" in text:
        raise WrongInput(f"{text!r:.60} 不是本站页面的路径；只接受如 / 或 /economy?window=7d 这样的路径，不接受网址")
    known = [screen.path for screen in SCREENS]
    if (path.rstrip("/") or "/") not in known:
        raise NotFound(f"没有页面 {path:.60}；可用的页面有 {'、'.join(known)}")
    asked = urlencode(parse_qsl(query, keep_blank_values=True))
    return (path.rstrip("/") or "/") + (f"?{asked}" if asked else "")


def origin(settings: Settings) -> str:
    """Where our own server answers on this machine, like http://127.0.0.1:8050.

    Raises:
        WrongInput: YIPING_HOST is not an address of this machine.
    """
    host = reachable_host(settings)
    try:
        with socket.socket() as line:
            line.bind((host, 0))
    except OSError as error:
        raise WrongInput(f"YIPING_HOST={host} 不是本机地址；截图只访问本机的服务，请改用 127.0.0.1") from error
    return f"http://{host}:{settings.port}"
