"""What the doctor asks of one place: its state folder, its pack, Redis named by settings, running parts, late feeds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime

import orjson
import psutil

from data import statefolder
from data.acknowledged import NAME, read_notes
from data.backup import LAST
from data.clock import Clock
from data.doctor_machine import Finding
from data.errors import Unavailable, YipingError
from data.health import FeedHealth, freshness, seconds
from data.parts import read_status
from data.redis_clients import WORDS, kind_of, obstacle
from data.settings import Settings

_FEW_GB, _BACKUP_DAYS, _OWED_S = 5, 7, 120.0
_WORDS = {"up": "运行", "starting": "正在启动", "waiting": "等待重启", "hung": "没有应答，正在结束",
          "finished": "已完成", "pending": "等待前面的部分", "stopped": "没有运行"}
_FEED_WORDS = {"late": "迟滞", "down": "不可用", "unknown": "未知（从未送达）"}


def state_folder(settings: Settings) -> Iterator[Finding]:
    """Writable, private, with room."""
    try:
        folder = statefolder.prepare(settings)
    except Unavailable as error:
        yield Finding("bad", "状态目录", str(settings.state_dir), str(error))
        return
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < _FEW_GB:
        yield Finding("warn", "状态目录", f"{folder}，剩余 {free_gb:.1f} GB", "三年历史约需 5 GB；请腾出空间")
    else:
        yield Finding("ok", "状态目录", f"{folder}，剩余 {free_gb:.0f} GB")
    if folder.stat().st_mode & 0o077:
        yield Finding("warn", "状态目录权限", "本机其他用户可以读取", f"chmod 700 {folder}")


def pack(settings: Settings) -> Iterator[Finding]:
    """The place pack can be read."""
    from data.pack import load_pack

    try:
        found = load_pack(settings.place_dir)
    except YipingError as error:
        first, _, more = str(error).partition("\n")
        remedy = f"运行 ./yiping check {settings.place} 看全部问题" if more else "改正后重试"
        yield Finding("bad", "地区包", first, remedy)
        return
    yield Finding("ok", "地区包", f"{found.place.name}：{len(found.divisions)} 个区划，{len(found.feeds)} 个数据源，"
                                f"{len(found.metrics)} 个指标")


def history(settings: Settings) -> Iterator[Finding]:
    """The history that settings name can be read; silent before there is any, and where the pack is at fault."""
    from data.history import open_reader
    from data.pack import load_pack

    try:
        place = load_pack(settings.place_dir)
    except YipingError:
        return
    try:
        files = open_reader(settings, place).manifest().files
    except YipingError as error:
        told, _, remedy = str(error).rpartition("；")
        yield Finding("bad", "历史", told, remedy)
        return
    if files:
        store = "在数据库或集群" if settings.history_url else "在状态目录"
        yield Finding("ok", "历史", f"{store}，可以读取，{sum(entry.rows for entry in files)} 行")


def outside_redis(settings: Settings) -> Iterator[Finding]:
    """Redis servers that settings name: does anything answer there?"""
    for name, url in (("YIPING_REDIS_URL", settings.redis_url), ("YIPING_CACHE_URL", settings.cache_url)):
        if url:
            yield _redis_at(name, url)


def _redis_at(name: str, url: str) -> Finding:
    words = WORDS[kind_of(url)]
    try:
        told, _, remedy = obstacle(url).partition("；")
    except Unavailable as error:
        return Finding("bad", name, "地址不对", str(error))
    return Finding("bad", name, f"{words}，{told}", remedy) if told else Finding("ok", name, f"{words}，可以写入")


def running_parts(settings: Settings) -> Iterator[Finding]:
    """The parts as their supervisor sees them."""
    status = read_status(settings.state_dir)
    if not status or all(part.state == "stopped" for part in status.values()):
        yield Finding("ok", "服务", "没有运行（./script/server 启动）")
        return
    for name, part in status.items():
        told = f"{_WORDS.get(part.state, part.state)}，进程 {part.pid}，重启 {part.restarts} 次"
        fine = part.state in ("up", "finished", "pending") or (part.state == "starting" and not part.last_exit)
        remedy = "" if fine else f"看日志 {settings.state_dir / 'log' / (name + '.log')}"
        yield Finding("ok" if fine else "bad", name, told, remedy)


def owed(settings: Settings) -> Iterator[Finding]:
    """What was acknowledged long ago and is not known to be in the history; silent while there is none."""
    path = settings.state_dir / "spool" / NAME
    try:
        notes = read_notes(path)
    except OSError as error:
        yield Finding("warn", "已确认而未入历史", f"{path} 读不出（{error.strerror}）", "请检查它的权限与磁盘")
        return
    age_s = time.time() - min((note.since for note in notes.values()), default=time.time())
    if age_s < _OWED_S:
        return
    feeds = "、".join(sorted({note.feed for note in notes.values()}))
    yield Finding("warn", "已确认而未入历史", f"{len(notes)} 批，最早的在 {age_s / 60:.0f} 分钟前（{feeds}）",
                  "让这个采集器运行到它接收这些数据源，或停下所有采集器，用不带名字的一个启动：它会收回")


def backup(settings: Settings) -> Iterator[Finding]:
    """When the last backup was taken; silent while there is nothing to back up."""
    if not (settings.state_dir / "history").is_dir():
        return
    remedy = "./yiping history backup 另一个磁盘上的新目录"
    try:
        told = orjson.loads((settings.state_dir / LAST).read_bytes())
        age_days = (settings.clock().now() - datetime.fromisoformat(told["made"])).total_seconds() / 86_400
        target = str(told["target"])
    except FileNotFoundError:
        yield Finding("warn", "备份", "从未备份", remedy)
        return
    except (OSError, ValueError, KeyError, TypeError):
        yield Finding("warn", "备份", f"{settings.state_dir / LAST} 读不出，不知道上次备份的时间", remedy)
        return
    found = f"上次在 {age_days:.0f} 天前，{target}"
    yield Finding("warn", "备份", found, remedy) if age_days > _BACKUP_DAYS else Finding("ok", "备份", found)


def feeds(settings: Settings) -> Iterator[Finding]:
    """Feeds that are late or down, as the collector last wrote them; silent while nothing runs."""
    collector = read_status(settings.state_dir).get("collector")
    if collector is None or collector.state != "up":
        return
    from data.pack import load_pack

    try:
        declared = load_pack(settings.place_dir).feeds
        kept = orjson.loads((settings.state_dir / "health.json").read_bytes())["feeds"]
        states = {feed: FeedHealth.of(fields) for feed, fields in kept.items()}
    except (YipingError, OSError, ValueError, KeyError, TypeError):
        yield Finding("warn", "数据源", "状态还读不到", "采集器启动后片刻再试；若一直如此，看采集器的日志")
        return
    now_us = _server_clock(collector.pid).now_us()
    fine = 0
    for key, feed in declared.items():
        state = freshness(seconds(feed.cadence), bool(feed.release), states.get(key), now_us)
        if state in ("live", "scheduled"):
            fine += 1
            continue
        error = states[key].error if key in states else ""
        yield Finding("warn", f"数据源 {key}", f"{feed.name}：{_FEED_WORDS[state]}{f'（{error}）' if error else ''}",
                      f"检查来源系统，或联系{feed.department}")
    yield Finding("ok", "数据源", f"{len(declared)} 个中 {fine} 个正常")


def _server_clock(pid: int) -> Clock:
    """The clock that the running server lives by (`--now`)."""
    try:
        return Clock(float(psutil.Process(pid).environ().get("YIPING_CLOCK_OFFSET_S", "0")))
    except (psutil.Error, ValueError):
        return Clock()
