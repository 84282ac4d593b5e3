"""What the doctor asks of the machine: Python, libraries, Redis, Chromium, fonts, memory settings, the port."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from data import embedded_redis, supervise
from data.errors import Unavailable, WrongInput
from data.parts import read_status
from data.settings import ROOT, Settings

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Finding:
    """One line of the table: ok; warn (works, but less or not safely); bad (does not work). `remedy` unless ok."""

    mark: Literal["ok", "warn", "bad"]
    what: str
    found: str
    remedy: str = ""


def python(_settings: Settings) -> Iterator[Finding]:
    """The interpreter (an older one than 3.11 does not get here: script/bootstrap refuses it)."""
    yield Finding("ok", "Python", f"{sys.version.split()[0]}（{sys.executable}）")


def packages(_settings: Settings, lock: Path = ROOT / "requirements.txt") -> Iterator[Finding]:
    """Installed libraries against the lock."""
    locked = locked_versions(lock.read_text(encoding="utf-8"))
    wrong = []
    for name, wanted in locked.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "没有安装"
        if found != wanted:
            wrong.append(f"{name} {found}（应为 {wanted}）")
    if not wrong:
        yield Finding("ok", "Python 库", f"{len(locked)} 个，与锁定版本一致")
        return
    shown = "、".join(wrong[:5]) + (f" 等 {len(wrong)} 个" if len(wrong) > 5 else "")
    yield Finding("bad", "Python 库", shown, "运行 rm -f .venv/.locked && ./script/server，会按锁定版本重装")


def locked_versions(text: str) -> dict[str, str]:
    """Package → version of a lock; lines for other Pythons or systems (a marker that does not hold) are left out."""
    try:
        from packaging.markers import Marker
    except ModuleNotFoundError:
        # It is itself one of the locked libraries and will be named as missing.
        return {name: wanted for name, wanted in re.findall(r"^([\w.-]+)==([^\s;\\]+)\s*\\$", text, re.MULTILINE)}
    found = {}
    for name, wanted, marker in re.findall(r"^([\w.\[\]-]+)==([^\s;\\]+)(?:\s*;\s*([^\\\n]+))?", text, re.MULTILINE):
        if not marker or Marker(marker.strip()).evaluate():
            found[name.split("[")[0]] = wanted
    return found


def redis_server(settings: Settings) -> Iterator[Finding]:
    """The program behind the embedded Redis."""
    if settings.redis_url and settings.cache_url:
        return
    remedy = "apt-get install -y redis-server 装较新的版本，或用 YIPING_REDIS_URL、YIPING_CACHE_URL 指定外部 Redis"
    try:
        server = embedded_redis.find_server()
    except Unavailable as error:
        yield Finding("bad", "redis-server", "没有", str(error))
        return
    told = ".".join(map(str, server.version))
    if not server.safe:
        floor = ".".join(map(str, embedded_redis.FLOOR))
        mark: Literal["warn", "bad"] = "bad" if settings.mode == "production" else "warn"
        told = f"{told}（{server.path}），低于安全下限 {floor}；试用可以，生产模式拒绝"
        yield Finding(mark, "redis-server", told, remedy)
    elif not server.patched:
        told = f"{told}（{server.path}），上游没有为它确认 2026 年的安全修补"
        yield Finding("warn", "redis-server", told, f"核对发行版的安全公告，或{remedy}")
    else:
        yield Finding("ok", "redis-server", f"{told}（{server.path}）")


def chromium(settings: Settings) -> Iterator[Finding]:
    """The browser that takes pictures."""
    names = (settings.chromium,) if settings.chromium else _BROWSERS
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        yield Finding("warn", "Chromium", "没有：不能截图，浏览器测试会跳过",
                      "apt-get install -y chromium，或用 YIPING_CHROMIUM 指明路径")
        return
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    match = re.search(r"[\d.]{3,}", told.stdout)
    yield Finding("ok", "Chromium", f"{match[0] if match else '版本不明'}（{path}）")


def chinese_font(_settings: Settings) -> Iterator[Finding]:
    """A font for the Chinese text of pictures."""
    lister, families = shutil.which("fc-list"), []
    if lister is not None:
        told = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, check=False,  # noqa: S603
                              timeout=30)
        families = sorted(filter(None, told.stdout.splitlines()))
    if families:
        yield Finding("ok", "中文字体", families[0].split(",")[0])
    else:
        yield Finding("warn", "中文字体", "没有：截图里的汉字会是方框", "apt-get install -y fontconfig fonts-noto-cjk")


def memory(_settings: Settings) -> Iterator[Finding]:
    """The kernel's setting that lets Redis rewrite its file when memory is short."""
    path = Path("/proc/sys/vm/overcommit_memory")
    if path.is_file() and path.read_text().strip() == "0":
        yield Finding("warn", "内存设置", "vm.overcommit_memory=0：内存紧张时 Redis 可能不能整理文件",
                      "生产环境运行 sysctl -w vm.overcommit_memory=1")


def port(settings: Settings) -> Iterator[Finding]:
    """The web port: free, or held by our own running web part."""
    where = f"{settings.host}:{settings.port}"
    try:
        supervise.check_port(settings)
    except WrongInput as error:
        web = read_status(settings.state_dir).get("web")
        if web is not None and web.state == "up":
            yield Finding("ok", "端口", f"{where} 由本服务使用（进程 {web.pid}）")
        else:
            yield Finding("bad", "端口", f"{where} 不能使用", str(error))
    else:
        yield Finding("ok", "端口", f"{where} 空闲")
