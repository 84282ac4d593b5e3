"""What a measure gives, what is wanted of it, and whether it is reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Series:
    """Raw samples of one measure. `facts`: conditions worth keeping beside them."""

    key: str
    unit: str
    values: list[float]
    note: str = ""
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """`stat` of the series `key` against `aim`; past `limit` (None = aim) it is a failure, between them a miss."""

    key: str
    what: str
    stat: str
    aim: float
    limit: float | None = None
    least: bool = False


def p95(values: Iterable[float]) -> float:
    """The value that 95 % do not exceed (nearest rank); the worst one below 20 samples."""
    ordered = sorted(values)
    return ordered[max(0, -(-95 * len(ordered) // 100) - 1)]


def p99(values: Iterable[float]) -> float:
    """The value that 99 % do not exceed (nearest rank); the worst one below 100 samples."""
    ordered = sorted(values)
    return ordered[max(0, -(-99 * len(ordered) // 100) - 1)]


STATS = {"p50": median, "p95": p95, "p99": p99, "worst": max, "least": min, "sum": sum}

TARGETS = (
    Target("cold_s", "首屏（全新浏览器）", "p50", 1.5, 1.7),
    Target("cold_s", "首屏，十次中最差", "worst", 2.2),
    Target("cold_ratio", "首屏 ÷ 普通 Dash", "p50", 0.6),
    Target("first_paint_s", "框架与数字第一次画出", "p50", 0.3),
    Target("warm_s", "再次打开", "p50", 0.8),
    Target("click_figures_ms", "点击 → 数字", "p95", 100),
    Target("click_all_ms", "点击 → 全部重画", "p50", 150, 200),
    Target("click_all_ms", "点击 → 全部重画", "p95", 220, 300),
    Target("click_ratio", "全部重画 ÷ 普通 Dash", "p50", 0.5),
    Target("bytes_cold_kb", "首次载入", "p50", 1200),
    Target("bytes_warm_kb", "再次载入", "p50", 80),
    Target("bytes_change_kb", "一次变化", "p50", 10),
    Target("bytes_idle_kb", "大屏闲置一分钟", "p50", 5),
    Target("heap_mb", "载入后 JS 堆", "p50", 40),
    Target("heap_growth_pct", "连续变化后的堆增长", "p50", 2),
    Target("pan_fps", "拖动地图", "p50", 55, least=True),
    Target("pan_frame_ms", "拖动时的帧", "p95", 25),
    Target("grid_paint_ms", "点击网格 → 全县网格画出", "p95", 400),
    Target("marks_task_ms", "五千点中加一点：最长任务", "worst", 100),
    Target("city_act_ms", "十八县：放大、平移、缩小", "p95", 800),
    Target("pixel_ms", "记录推送 → 屏上数字", "p50", 200, 1000),
    Target("pixel_ms", "记录推送 → 屏上数字", "p95", 400, 1000),
    Target("ingest_per_s", "接收（落盘后应答）", "p50", 20000, least=True),
    Target("visible_ms", "应答 → gate.read 可见（每秒 2,000 条）", "p99", 500),
    Target("viewers_ratio", "200 个观看者 ÷ 单独一个", "p50", 1.25),
    Target("viewers_cpu_cores", "200 个观看者：处理器", "p50", 1.0),
    Target("viewers_rss_mb", "200 个观看者：内存", "p50", 600),
    Target("viewers_errors", "200 个观看者：错误", "sum", 0),
    Target("computed_per_question", "每数据版本每问题的计算次数", "worst", 1),
    Target("analyst_ms", "分析查询（热）", "p95", 300),
    Target("picture_4k_s", "4K 图片", "p50", 5),
    Target("start_s", "第二次启动 → 首屏", "p50", 10),
)


@dataclass(frozen=True)
class Judged:
    """A target with what was measured; value None = not measured."""

    target: Target
    value: float | None
    n: int
    unit: str

    @property
    def verdict(self) -> str:
        """达到, 未达 (between target and limit), 超限 (past the limit) or 未测."""
        if self.value is None:
            return "未测"
        sign = -1 if self.target.least else 1
        limit = self.target.aim if self.target.limit is None else self.target.limit
        if sign * self.value <= sign * self.target.aim:
            return "达到"
        return "未达" if sign * self.value <= sign * limit else "超限"


def judge(series: Iterable[Series]) -> list[Judged]:
    """Every target against the series of a run."""
    held = {one.key: one for one in series if one.values}
    found = []
    for target in TARGETS:
        one = held.get(target.key)
        value = STATS[target.stat](one.values) if one else None
        found.append(Judged(target, value, len(one.values) if one else 0, one.unit if one else ""))
    return found
