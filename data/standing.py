"""What stands still behind the pages, in one sentence that they show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data.collector_line import Line
from data.statefolder import shortage

STATE_LOST, HELD, NOTHING = "状态库中断", "画面为最后已知数据", "启动以来没有数据"
COLLECTOR_LOST = "采集中断，新数据暂未进入"
HISTORY_LOST = "历史读不出，画面可能缺少部分数据；请按日志所指从备份恢复"


@dataclass(frozen=True)
class Tail:
    """follows: its tail is being followed; refuses: why the collector cannot write into it, '' while it can."""

    follows: bool
    refuses: str = ""


def sentence(age_us: int | None, redis: Tail, whole: bool, collector: Line, folder: Path) -> str:
    """'' while nothing stands still.

    Args:
        age_us: since when (µs ago) the tables are not complete any more; None = there is nothing in them.
        redis: how it stands.
        whole: history can be read and the tables lack nothing of it.
        collector: the way to it.
        folder: the state folder.
    """
    held = NOTHING if age_us is None else f"{HELD}{ago(age_us)}" if not redis.follows else ""
    found = ["" if redis.follows else STATE_LOST, held]
    said = ["，".join(filter(None, found)), redis.refuses if redis.follows else "",
            "" if collector.listens() else COLLECTOR_LOST, "" if whole else HISTORY_LOST, shortage(folder)]
    return "；".join(filter(None, said))


def ago(micros: int) -> str:
    """How old in words, '' below a minute."""
    minutes = micros // 60_000_000
    if minutes < 1:
        return ""
    if minutes < 120:
        return f"（{minutes} 分钟前）"
    return f"（{minutes // 60} 小时前）" if minutes < 2880 else f"（{minutes // 1440} 天前）"
