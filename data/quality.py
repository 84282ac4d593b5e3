"""Checks of a record against its feed's limits, the place and what came before; bad ones get a reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import numpy as np

from data.clock import from_us
from data.garbled import garbled
from data.health import seconds
from data.pack import Check, Feed, Pack
from data.records import FIELDS, Row
from data.registry import Registry, Station
from data.times import MICRO
from data.tracks import Tracks
from geo.shift import FEWEST, common_shift

OLDEST_US = round(datetime(1990, 1, 1, tzinfo=UTC).timestamp() * MICRO)
NEWEST_US = round(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * MICRO)
# Instants of a record that cannot lie in the future (a deadline, an expiry or a plan may).
PAST = {"observation": ("time",), "event": ("stage_time", "time"), "indicator": ("released",), "asset": (),
        "warning": ("sent",)}
Reading = tuple[int, float]
MOST_METRICS = 1_000


class Checks:
    """The checks of one feed; keeps the last readings of its stations, nothing else.

    `reason` is pure but for that memory: equal input in equal order gives equal answers.
    """

    def __init__(self, name: str, feed: Feed, pack: Pack, registry: Registry) -> None:
        self._name, self._feed, self._divisions, self._registry = name, feed, pack.divisions, registry
        self._stations = registry.stations(feed.stations)
        self.closed = closed_words(feed, pack)
        self._times = PAST[feed.kind]
        instants = [spec.name for spec in FIELDS[feed.kind] if spec.type == "time"]
        self._plans = tuple(name for name in instants if name not in self._times)
        self._future_us = round(seconds(feed.future) * MICRO)
        self._late_us = round(seconds(feed.late_window) * MICRO)
        self._gap_us = round(3 * seconds(feed.cadence) * MICRO)
        self._tracks: dict[str, Tracks] = {}
        self._texts = tuple(spec.name for spec in FIELDS[feed.kind] if spec.type == "text" and not spec.one_of)
        self._good: dict[tuple[str, str], Reading] = {}
        self._seen: dict[tuple[str, str], Reading] = {}

    def reason(self, row: Row, code: str, now_us: int) -> str:
        """Why the record cannot be taken, '' if it can. `code`: division of its own coordinates, '' if outside."""
        found = self.alone(row, code, now_us)
        if found or self._feed.kind != "observation":
            return found
        return self.step(row) or self.lately(row["metric"]).judge(row)

    def alone(self, row: Row, code: str, now_us: int) -> str:
        """As `reason`, but for what only earlier readings of the station tell."""
        for name in self._times:
            if row[name] is not None and (found := self._time(name, row[name], now_us)):
                return found
        for name in self._plans:
            if row[name] is not None and not OLDEST_US <= row[name] < NEWEST_US:
                return f"{name} 不在 1990 至 2200 年之间；请检查时间的单位（应为 RFC 3339 文字或微秒）"
        if self._feed.kind == "observation":
            return self._observation(row)
        return self._garbled(row) or self._other(row, code)

    def _other(self, row: Row, code: str) -> str:
        kind = self._feed.kind
        if kind == "indicator":
            return self._division(row["division"]) or self._value(row["indicator"], row["value"])
        if kind == "warning":
            return _misshapen(row) or self._warned(row["divisions"])
        return self._word(row) or _misshapen(row) or self._place(row, code)

    def _word(self, row: Row) -> str:
        """What is wrong with a word of which the place declares a list, '' if nothing."""
        for name, (word, file, known) in self.closed.items():
            if row[name] not in known:
                return f"不认识的{word} {row[name]!r:.40}（{name}）；请改用 {file} 里的代码，或在那里声明它"
        return ""

    def late(self, row: Row, now_us: int) -> bool:
        """True when the record is older than the feed's late_window: taken, but counted."""
        return bool(self._times) and row[self._times[0]] is not None and now_us - row[self._times[0]] > self._late_us

    def _time(self, name: str, micros: int, now_us: int) -> str:
        if micros < OLDEST_US:
            return f"{name} 早于 1990 年；请检查时间的单位（应为 RFC 3339 文字或微秒）"
        if micros > now_us + self._future_us:
            return f"{name} 晚于现在超过 {self._feed.future}；请检查来源的时钟、时区或时间单位（{_show(micros)}）"
        return ""

    def _observation(self, row: Row) -> str:
        station = row["station"]
        if self._feed.stations:
            if station not in self._stations:
                return f"不认识的站点 {station:.40}；请先送来图层 {self._feed.stations} 中的该站点"
        elif not station.isascii() and (found := self._garbled(row)):
            return found
        check = self._feed.checks.get(row["metric"])
        return "" if check is None else _limits(row["metric"], row["value"], check)

    def lately(self, metric: str) -> Tracks:
        """What the stations have been saying of a metric."""
        found = self._tracks.get(metric)
        if found is None:
            if len(self._tracks) >= MOST_METRICS:
                self._tracks.clear()
            found = self._tracks[metric] = Tracks(self._feed.checks.get(metric) or Check())
        return found

    def _garbled(self, row: Row) -> str:
        if not self._feed.text_check:
            return ""
        for name in self._texts:
            text = row[name]
            if text is not None and not text.isascii() and (found := garbled(text)):
                return f"{name} {found}"
        return ""

    def _registered(self, row: Row) -> Station | None:
        """Where an asset stood: by its own feed, else by another that told of the same layer (a feed that moved)."""
        own = self._registry.own(self._name, row["id"])
        return own or self._registry.stations(row["layer"]).get(row["id"])

    def shifted(self, rows: Sequence[Row]) -> dict[str, str]:
        """Asset id → reason, for those of a batch that all moved alike against where they are registered."""
        if not self._feed.shift_check:
            return {}
        known = {row["id"]: found for row in rows if row["lon"] is not None and row["lat"] is not None
                 and (found := self._registered(row)) is not None and found.lon is not None}
        told = {row["id"]: (row["lon"], row["lat"]) for row in rows if row["id"] in known}
        if len(told) < FEWEST:
            return {}
        stood = np.array([(known[name].lon, known[name].lat) for name in told], float).T
        shift = common_shift((stood[0], stood[1]), tuple(np.array(list(told.values()), float).T))
        if shift is None:
            return {}
        system = {"GCJ-02": "（GCJ-02）", "BD-09": "（BD-09）"}.get(shift.system, "")
        reason = (f"疑似火星坐标{system}：{len(told)} 个已登记的点一起偏了约 {shift.metres:.0f} 米；"
                  "请把来源的坐标转为 CGCS2000 再送")
        return dict.fromkeys(told, reason)

    def _value(self, name: str, value: float | None) -> str:
        check = self._feed.checks.get(name)
        return "" if check is None or value is None else _limits(name, value, check)

    def step(self, row: Row) -> str:
        """Why a reading cannot follow the station's last one, '' if it can."""
        check = self._feed.checks.get(row["metric"])
        if check is None or check.max_step is None:
            return ""
        key, now = (row["station"], row["metric"]), (row["time"], row["value"])
        good, seen = self._good.get(key), self._seen.get(key)
        if seen is None or now[0] >= seen[0]:
            self._seen[key] = now
        if good is None or not 0 < now[0] - good[0] <= self._gap_us:
            if good is None or now[0] > good[0]:
                self._good[key] = now
            return ""
        # A second reading that agrees with a refused one confirms the new level: the step was real.
        if min(abs(now[1] - good[1]), abs(now[1] - seen[1]) if seen else 1e308) > check.max_step:
            change = f"{key[1]} 较上一读数变化 {abs(now[1] - good[1]):g}，超过每次 {check.max_step:g}"
            return f"{change}；请核对站点 {key[0]:.40}"
        self._good[key] = now
        return ""

    def _division(self, code: str) -> str:
        return "" if code in self._divisions else f"不认识的区划代码 {code:.20}；请用本地区划的 12 或 15 位代码"

    def _warned(self, codes: object) -> str:
        if codes is None:
            return ""
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            return "divisions 应为区划代码的列表"
        unknown = [code for code in codes if code not in self._divisions]
        return self._division(unknown[0]) if unknown else ""

    def _place(self, row: Row, code: str) -> str:
        lon, lat = row["lon"], row["lat"]
        if self._feed.kind == "event" and row["division"] is not None and (bad := self._division(row["division"])):
            return bad
        if lon is None or lat is None or code:
            return ""
        if self._feed.kind == "asset" and not self._registry.codes([lat], [lon])[0]:
            # A station or a river of the neighbours may stand outside; one with swapped coordinates does not.
            return ""
        return outside(lon, lat, self._registry)


def closed_words(feed: Feed, pack: Pack) -> dict[str, tuple[str, str, Collection[str]]]:
    """Field → (what it is, file, words) of the lists that a place declares whole; a file that it lacks leaves a field
    open, as metrics, departments and kinds always are. The program's own events speak words of its own.
    """
    if feed.kind != "event" or feed.source.kind == "own":
        return {}
    lists: dict[str, tuple[str, str, Collection[str]]] = {
        "category": ("事件类别", "categories.yaml", pack.categories),
        "channel": ("事件渠道", "channels.yaml", pack.channels)}
    return {name: found for name, found in lists.items() if found[2]}


def _misshapen(row: Row) -> str:
    """What is wrong with the form of a JSON field, '' if nothing: all readers rely on objects and on lists of ids."""
    for name in ("properties", "geometry", "polygon"):
        if row.get(name) is not None and not isinstance(row[name], dict):
            return f"{name} 应为 JSON 对象，得到 {type(row[name]).__name__}"
    told = row.get("references")
    if told is None or (isinstance(told, list) and all(isinstance(one, str) for one in told)):
        return ""
    return "references 应为预警编号的列表"


def outside(lon: float, lat: float, registry: Registry) -> str:
    """The sentence for a place outside the county; names coordinates that fit when swapped, and never swaps them."""
    if registry.codes([lat], [lon])[0]:
        return f"经纬度疑似写反（{lon:g}, {lat:g}）：对调后在辖区内；请改正来源后重送"
    if lon == 0 and lat == 0:
        return "坐标为（0, 0），是没有定位的记录；请改送 division"
    return f"位置（{lon:g}, {lat:g}）在辖区之外；请核对坐标与坐标系，或改送 division"


def _limits(name: str, value: float, check: Check) -> str:
    if value in check.caps:
        return f"{name} 的值 {value:g} 是仪器的封顶或缺测记号，不是读数"
    if check.low is not None and value < check.low:
        return f"{name} 的值 {value:g} 低于下限 {check.low:g}"
    if check.high is not None and value > check.high:
        return f"{name} 的值 {value:g} 高于上限 {check.high:g}"
    return ""


def _show(micros: int) -> str:
    try:
        return from_us(micros).strftime("%Y-%m-%d %H:%MZ")
    except (OverflowError, ValueError, OSError):
        return "年份超出范围"
