"""A screen as a picture: waits until the page says it has drawn; writes the data's time on it and into the file."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from briefing import png
from briefing.browser import limited, opened
from briefing.target import Size, origin, page
from data.answers import FRESHNESS_WORDS
from data.clock import MICRO
from data.errors import Unavailable, WrongInput, os_words
from data.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

TIMEOUT_S, GRACE_S, HEALTH_S = 60.0, 15.0, 5.0
READY = 'html[data-ready="true"]'
STILL = "() => !window.yiping || !yiping.tiles || yiping.tiles.still()"
SCRIPT = Path(__file__).with_name("picture.js")
_MISSING = {"frame": "页面框架没有装好", "figures": "页面数据没有读到", "map": "地图没有画完"}


@dataclass(frozen=True)
class Wish:
    """One picture: a path of our own pages, its size, where it goes."""

    path: str
    size: Size
    out: Path


@dataclass(frozen=True)
class Picture:
    """A picture that was taken; `line` is what stands under it, `seconds` how long the page took."""

    wish: Wish
    line: str
    seconds: float


def take(settings: Settings, wishes: Iterable[Wish], timeout_s: float = TIMEOUT_S) -> Iterator[Picture]:
    """Takes the pictures one after the other with one browser; each has its own fresh page.

    Raises:
        WrongInput, NotFound: a wish that is not a page of ours, or a file that cannot be written.
        Unavailable: no Chromium, no server, or a page that did not become ready in time.
    """
    from playwright.sync_api import Error

    wanted = [Wish(page(wish.path), wish.size, writable(wish.out)) for wish in wishes]
    base = origin(settings)
    check_server(base)
    with limited(timeout_s * len(wanted) + GRACE_S) as over:
        try:
            with opened(settings, base) as context:
                for wish in wanted:
                    yield _one(context, base, wish, timeout_s, settings.zone())
        except Error as error:
            ended = f"Chromium 中途退出：{str(error).splitlines()[0]:.100}"
            why = f"{timeout_s:.0f} 秒内没有完成" if over.is_set() else ended
            raise Unavailable(f"截图失败（{why}）；请重试，或用 ./yiping doctor 检查") from error


def writable(out: Path) -> Path:
    """The file's path, its folder made.

    Raises:
        WrongInput: not a .png, or a folder that cannot be written.
    """
    if out.suffix.lower() != ".png":
        raise WrongInput(f"--out {out} 应以 .png 结尾")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongInput(f"不能建立目录 {out.parent}（{os_words(error)}）；请换一个 --out") from error
    if out.is_dir() or not os.access(out.parent, os.W_OK):
        raise WrongInput(f"不能写入 {out}；请换一个 --out")
    return out


def check_server(base: str) -> None:
    """Asks whether our server is there.

    Raises:
        Unavailable: nobody answers, or somebody else does.
    """
    remedy = "请先在另一个终端运行 ./script/server（端口不同时加 --port）"
    try:
        answer = httpx.get(f"{base}/healthz", timeout=HEALTH_S, trust_env=False)
    except httpx.HTTPError as error:
        raise Unavailable(f"{base} 没有服务在运行；{remedy}") from error
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(f"{base}/healthz 答 {answer.status_code}，不是一屏统览的服务；{remedy}")


def _one(context: BrowserContext, base: str, wish: Wish, timeout_s: float, zone: tzinfo) -> Picture:
    began = time.monotonic()
    tab = context.new_page()
    try:
        tab.set_viewport_size({"width": wish.size.width, "height": wish.size.height})
        tab.add_init_script(path=SCRIPT)
        ready(tab, base + wish.path, wish.path, timeout_s)
        facts = tab.evaluate("yipingPicture.facts()")
        line = told(facts, wish.path, zone)
        tab.evaluate("text => yipingPicture.write(text)", line)
        shot = tab.screenshot(animations="disabled", caret="hide", timeout=timeout_s * 1000)
    finally:
        tab.close()
    save(wish, png.with_text(shot, words(facts, wish.path, zone)))
    return Picture(wish, line, time.monotonic() - began)


def ready(tab: Page, url: str, path: str, timeout_s: float) -> None:
    """Opens a page and waits until it has drawn its figures, charts and map, tiles included as far as they come.

    Raises:
        Unavailable: it did not in time; says what it waited for.
    """
    from playwright.sync_api import TimeoutError as Late

    until = time.monotonic() + timeout_s
    try:
        answer = tab.goto(url, wait_until="domcontentloaded", timeout=timeout_s * 1000)
    except Late as error:
        raise Unavailable(f"页面 {path} 在 {timeout_s:.0f} 秒内没有回答；请看 ./yiping doctor") from error
    if answer is None or not answer.ok:
        said = answer.status if answer else "无回答"
        raise Unavailable(f"页面 {path} 没有给出画面（{said}）；请在浏览器中打开看原因")
    try:
        tab.wait_for_selector(READY, state="attached", timeout=max(1.0, (until - time.monotonic()) * 1000))
        tab.wait_for_function(STILL, timeout=max(1.0, (until - time.monotonic()) * 1000))
    except Late as error:
        what = _MISSING[tab.evaluate("yipingPicture.missing()")]
        raise Unavailable(f"页面 {path} 在 {timeout_s:.0f} 秒内没有画完：{what}；请稍后重试或加大 --timeout") from error


def told(facts: dict[str, Any], path: str, zone: tzinfo) -> str:
    """The line under a picture: the data's time and state, the page, its own time, who took it, the address."""
    taken = _local(facts["now"], zone)
    pieces = [f"数据截至 {_local(facts['latest'], zone)}" if facts["latest"] else f"画面 {taken}"]
    pieces += ["演示数据"] if facts["demo"] else []
    pieces += [counted(facts)] if facts["states"] else []
    pieces += [str(facts["title"])] + ([f"画面 {taken}"] if facts["latest"] else [])
    pieces += [f"导出 {exporter()}"]
    return " · ".join([*pieces, path])


def words(facts: dict[str, Any], path: str, zone: tzinfo) -> dict[str, str]:
    """What the file itself says of the picture."""
    said = {"Title": str(facts["title"]), "Software": "yiping", "Source": path, "Author": exporter(),
            "Creation Time": _local(facts["now"], zone, "%Y-%m-%dT%H:%M:%S%z")}
    if facts["latest"]:
        said["Data Time"] = _local(facts["latest"], zone, "%Y-%m-%dT%H:%M:%S%z")
    said |= {"State": counted(facts)} if facts["states"] else {}
    return said | ({"Comment": "演示数据"} if facts["demo"] else {})


def counted(facts: dict[str, Any]) -> str:
    """How many figures of the picture are live, late …, the many first."""
    counted = sorted(facts["states"].items(), key=lambda item: -item[1])
    return "、".join(f"{FRESHNESS_WORDS[name]} {number}" for name, number in counted)


def exporter() -> str:
    """Who takes the picture: the account on this machine."""
    try:
        return getpass.getuser()
    except OSError:
        return f"uid {os.getuid()}"


def _local(us: float, zone: tzinfo, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(us / MICRO, zone).strftime(form)


def save(wish: Wish, picture: bytes) -> None:
    """Replaces the file at once.

    Raises:
        Unavailable: the picture has another size than asked, or the disk is full.
    """
    if png.size_of(picture) != (wish.size.width, wish.size.height):
        raise Unavailable(f"Chromium 给出的图片不是 {wish.size}；请改用较小的 --size")
    fresh = wish.out.with_name(f".{wish.out.name}.new")
    try:
        fresh.write_bytes(picture)
        fresh.replace(wish.out)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise Unavailable(f"不能写入 {wish.out}（{os_words(error)}）；请腾出空间或换一个 --out") from error
