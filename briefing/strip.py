"""A strip of pictures: one page at several instants of an interval on one sheet, with the instants under them."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup

from briefing import png
from briefing.browser import limited, opened
from briefing.capture import GRACE_S, SCRIPT, TIMEOUT_S, Picture, Wish, check_server, counted, ready, save, writable
from briefing.target import Size, origin, page
from data.errors import Unavailable, WrongInput
from data.settings import Settings
from data.timeline import interval

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

LEAST, MOST = 2, 24
COLUMNS, CELL_PX, GAP_PX, HEAD_PX, FOOT_PX, TEXT_PX = 4, 960, 24, 84, 64, 44
_SHEET = Markup("""<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><style>
*{{box-sizing:border-box;margin:0}}
body{{width:{width}px;height:{height}px;padding:0 {gap}px;background:{ground};color:{ink};overflow:hidden;
font:500 20px/1.4 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",sans-serif;
font-variant-numeric:tabular-nums}}
h1{{height:{head}px;line-height:{head}px;font-size:30px;white-space:nowrap;overflow:hidden}}
main{{display:grid;grid-template-columns:repeat({columns},{cell}px);gap:{gap}px}}
figure img{{display:block;width:{cell}px;height:{tall}px;border:1px solid {line}}}
figcaption{{height:{text}px;line-height:{text}px;white-space:nowrap;overflow:hidden}}
figcaption b{{font-size:24px;margin-right:14px}}
footer{{height:{foot}px;line-height:{foot}px;white-space:nowrap;overflow:hidden}}
</style></head><body><h1>{title}</h1><main>{frames}</main><footer>{note}</footer></body></html>""")
_FRAME = Markup('<figure><img src="data:image/png;base64,{}" alt=""><figcaption><b>{}</b>{}</figcaption></figure>')
_DARK, _LIGHT = ("#0B1426", "#E6EDF7", "#34466A"), ("#FFFFFF", "#14213A", "#A9B6C8")


@dataclass(frozen=True)
class Strip:
    """What is wanted: the page's path, the size of a frame, where it goes, the interval FROM~TO, how many frames."""

    path: str
    size: Size
    out: Path
    span: str
    frames: int


@dataclass(frozen=True)
class _Shot:
    at: datetime
    body: bytes
    facts: dict[str, Any]


def instants(span: str, frames: int, settings: Settings) -> list[datetime]:
    """The instants of a strip: both ends of the interval, and between them at equal distances, in whole seconds.

    Raises:
        WrongInput: no interval, or too few or too many frames.
    """
    if not LEAST <= frames <= MOST:
        raise WrongInput(f"--frames {frames} 不合要求；应为 {LEAST} 到 {MOST} 张")
    if "~" not in span:
        raise WrongInput(f"--strip {span!r:.60} 应为 起~止，如 2026-11-20T08:00~2026-11-20T20:00；请改正")
    zone = str(settings.zone())
    found = interval(span, datetime.now(settings.zone()), zone)
    step = (found.end - found.start) / (frames - 1)
    return [(found.start + number * step).replace(microsecond=0) for number in range(frames)]


def address(path: str, at: datetime) -> str:
    """The page's path at an instant, without the player's own words."""
    before, _, query = path.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name not in ("at", "replay", "tool")]
    return f"{before}?{urlencode([*kept, ('at', at.strftime('%Y-%m-%dT%H:%M:%SZ'))])}"


def sheet_size(size: Size, frames: int) -> Size:
    """Pixels of the sheet."""
    columns = columns_of(frames)
    tall = round(CELL_PX * size.height / size.width)
    rows = math.ceil(frames / columns)
    return Size(columns * (CELL_PX + GAP_PX) + GAP_PX,
                HEAD_PX + rows * (tall + TEXT_PX) + (rows - 1) * GAP_PX + FOOT_PX)


def columns_of(frames: int) -> int:
    """How many frames stand side by side."""
    return min(COLUMNS, math.ceil(math.sqrt(frames)))


def take_strip(settings: Settings, wish: Strip, timeout_s: float = TIMEOUT_S) -> Picture:
    """Takes the frames one after the other, in one tab, and lays them on the sheet.

    Raises:
        WrongInput, NotFound: a wish that is not a page of ours, no interval, a sheet that is too large, or a file that
            cannot be written.
        Unavailable: no Chromium, no server, or a page that did not become ready in time.
    """
    from playwright.sync_api import Error

    began, moments = time.monotonic(), instants(wish.span, wish.frames, settings)
    sheet = sheet_size(wish.size, wish.frames)
    if sheet.height > 16_000:
        raise WrongInput(f"长条图会有 {sheet} 像素，太大；请减少 --frames 或用更宽的 --size")
    path, out, base = page(wish.path), writable(wish.out), origin(settings)
    check_server(base)
    with limited(timeout_s * (wish.frames + 1) + GRACE_S) as over:
        try:
            with opened(settings, base) as context:
                shots = _shots(context, base, [(at, address(path, at)) for at in moments], (wish.size, timeout_s))
                title, note = words(path, wish.span, shots, settings.zone())
                body = _laid(context, sheet_html(shots, (title, note), settings.zone(), path), sheet)
        except Error as error:
            ended = f"Chromium 中途退出：{str(error).splitlines()[0]:.100}"
            why = f"{timeout_s * wish.frames:.0f} 秒内没有完成" if over.is_set() else ended
            raise Unavailable(f"截图失败（{why}）；请重试，或用 ./yiping doctor 检查") from error
    said = {"Title": title, "Software": "yiping", "Source": path, "Replay": wish.span}
    said |= {"Comment": "演示数据"} if shots[0].facts["demo"] else {}
    done = Wish(path, sheet, out)
    save(done, png.with_text(body, said))
    return Picture(done, f"{title} · {note}", time.monotonic() - began)


def _shots(context: BrowserContext, base: str, wanted: Sequence[tuple[datetime, str]],
           how: tuple[Size, float]) -> list[_Shot]:
    size, timeout_s = how
    found, tab = [], context.new_page()
    tab.set_viewport_size({"width": size.width, "height": size.height})
    tab.add_init_script(path=SCRIPT)
    for at, path in wanted:
        ready(tab, base + path, path, timeout_s)
        facts = tab.evaluate("yipingPicture.facts()")
        tab.evaluate("text => yipingPicture.write(text)", path)
        found.append(_Shot(at, tab.screenshot(animations="disabled", caret="hide", timeout=timeout_s * 1000), facts))
    tab.close()
    return found


def words(path: str, span: str, shots: Sequence[_Shot], zone: tzinfo) -> tuple[str, str]:
    """(title, line under the sheet): what is shown from when to when; where it is from, and how to see it again.

    Nothing of the moment of taking: the same past gives the same picture.
    """
    first, last = (shot.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for shot in (shots[0], shots[-1]))
    title = f"{shots[0].facts['title']} · 回放 {first} 至 {last} · {len(shots)} 张"
    before, _, query = path.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name not in ("at", "replay", "tool")]
    link = f"{before}?{urlencode([*kept, ('tool', 'replay'), ('replay', span)], safe='~:')}"
    known = "按现有数据" if ("known", "now") in kept else "按当时所知"
    pieces = [*(["演示数据"] if shots[0].facts["demo"] else []), known, "来源与数据时间见各图", link]
    return title, " · ".join(pieces)


def sheet_html(shots: Sequence[_Shot], told: tuple[str, str], zone: tzinfo, path: str) -> str:
    """The sheet as a page that needs nothing from anywhere."""
    ground, ink, line = _LIGHT if ("theme", "light") in parse_qsl(path.partition("?")[2]) else _DARK
    frames = Markup("").join(_FRAME.format(base64.b64encode(shot.body).decode(), _when(shot.at, zone),
                                           _state(shot, zone)) for shot in shots)
    width, height = png.size_of(shots[0].body)
    whole = sheet_size(Size(width, height), len(shots))
    return str(_SHEET.format(
        width=whole.width, height=whole.height, gap=GAP_PX, ground=ground, ink=ink, line=line, head=HEAD_PX,
        foot=FOOT_PX, text=TEXT_PX, columns=columns_of(len(shots)), cell=CELL_PX,
        tall=round(CELL_PX * height / width), title=told[0], note=told[1], frames=frames))


def _when(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%m-%d %H:%M:%S")


def _state(shot: _Shot, zone: tzinfo) -> str:
    latest = shot.facts["latest"]
    newest = datetime.fromtimestamp(latest / 1e6, zone).strftime("数据截至 %m-%d %H:%M") if latest else ""
    return " · ".join(filter(None, (newest, counted(shot.facts) if shot.facts["states"] else "")))


def _laid(context: BrowserContext, html: str, size: Size) -> bytes:
    tab = context.new_page()
    tab.set_viewport_size({"width": size.width, "height": size.height})
    tab.set_content(html, wait_until="load")
    tab.evaluate("Promise.all(Array.from(document.images, (image) => image.decode()).concat(document.fonts.ready))")
    body = tab.screenshot(animations="disabled")
    tab.close()
    return body
