"""Place packs: everything that makes the software one county's and no other's, read and checked at start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from data.health import seconds
from data.packfiles import PackProblem, read_divisions, read_yaml
from geo.divisions import Divisions


class Strict(BaseModel):
    """Unknown names are refused: a misspelt setting must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Level(Strict):
    """One level of the tree: machine name and the place's word for it."""

    key: str
    word: str


class PlaceInfo(Strict):
    """`place.yaml`."""

    code: str
    name: str
    brand: str = "一屏统览"
    lon: float
    lat: float
    timezone: str
    levels: tuple[Level, ...]
    departments: dict[str, str] = Field(default_factory=dict)
    boundary_note: str = ""
    map_licence_no: str = ""
    default_metric: str
    home: tuple[str, ...] = ("overview",)


class FeedSource(Strict):
    """Where the records come from; `own`: the program itself (events about lost feeds)."""

    kind: Literal["push", "file", "own"]
    path: str = ""
    format: Literal["", "csv", "jsonl", "json", "geojson", "parquet"] = ""
    encoding: str = "auto"
    member: str = ""


class ValueColumn(Strict):
    """A column of a wide table that becomes observations of `metric`: stored value = column × scale + offset."""

    metric: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0


class Mapping(Strict):
    """Columns → canonical fields; empty = the records already come in canonical form.

    `fields`: canonical field → column. `time_columns`: year, month, day, hour columns. `values`: wide table.
    `codes`: canonical field → {as written: canonical}. `missing`: texts that mean no value. `time_unit`: what a bare
    number in a time column counts since 1970; without it one is refused (seconds and milliseconds look alike).
    `not_above`: metric → metric of the same wide row that it cannot exceed; where it does, both are kept and flagged.
    """

    fields: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, Any] = Field(default_factory=dict)
    time_columns: tuple[str, ...] = ()
    timezone: str = ""
    values: dict[str, ValueColumn] = Field(default_factory=dict)
    codes: dict[str, dict[str, str]] = Field(default_factory=dict)
    missing: tuple[str, ...] = ("",)
    time_unit: Literal["", "s", "ms", "us"] = ""
    not_above: dict[str, str] = Field(default_factory=dict)


class Check(Strict):
    """Limits of one metric's values in a feed; outside = quarantine with the reason.

    caps: values that are an instrument's mark, not a reading. max_step: largest change between two readings.
    unit_jump: factors by which a steady level cannot change at once (a change of unit), () = none. frozen: how long a
    station may say the same before its readings are flagged (taken all the same), '' = for ever; `rests`: values at
    which standing still is natural. A metric without a check has these defaults.
    """

    low: float | None = None
    high: float | None = None
    caps: tuple[float, ...] = ()
    max_step: float | None = None
    unit_jump: tuple[float, ...] = (100.0, 1000.0)
    frozen: str = "2d"
    rests: tuple[float, ...] = (0.0,)

    @field_validator("unit_jump")
    @classmethod
    def _larger_than_one(cls, factors: tuple[float, ...]) -> tuple[float, ...]:
        if any(factor <= 1 for factor in factors):
            raise ValueError("应为大于 1 的倍数，如 [10, 100, 1000]")
        return factors

    @field_validator("frozen")
    @classmethod
    def _a_span(cls, text: str) -> str:
        if text:
            seconds(text)
        return text


class Feed(Strict):
    """One block of `feeds.yaml`."""

    name: str
    topic: str
    department: str
    kind: Literal["observation", "event", "indicator", "asset", "warning"]
    source: FeedSource
    cadence: str
    release: str = ""
    late_window: str = "35d"
    future: str = "5min"
    stations: str = ""
    map: Mapping = Field(default_factory=Mapping)
    checks: dict[str, Check] = Field(default_factory=dict)
    # Texts read in the wrong encoding, and registered stations that all moved alike, are refused; false = taken.
    text_check: bool = True
    shift_check: bool = True
    # Records of a feed are lon, lat as they are stored; a system that nobody converts must not be named in vain.
    crs: Literal["EPSG:4490", "EPSG:4326"] = "EPSG:4490"


class Threshold(Strict):
    """`state` holds when the value is `above` / `below` (inclusive) the number."""

    state: Literal["att", "warn", "alarm"]
    above: float | None = None
    below: float | None = None


OverArea = Literal["sum", "count", "distinct", "mean", "ratio", "max", "worst", "last", "formula", "none"]


EVERY = "every"


class Metric(Strict):
    """One block of `metrics.yaml`; `formula` = {kind: a named formula, …its parameters}.

    `target_level`: the one level whose divisions target, limit and thresholds are set for; `every` = each of them; ''
    = an absolute count's hold for the whole place, a rate's, mean's or maximum's for every division.
    """

    name: str
    unit: str = ""
    topic: str
    department: str = ""
    feeds: tuple[str, ...]
    formula: dict[str, Any]
    over_area: OverArea
    over_time: OverArea
    level: str
    cadence: str = ""
    decimals: int = 0
    direction: Literal["", "higher", "lower"] = ""
    target: float | None = None
    target_level: str = ""
    thresholds: tuple[Threshold, ...] = ()
    comparable: bool = True
    limit_text: str = ""
    breaks: tuple[float, ...] = ()
    note: str = ""


class Category(Strict):
    """An event category: `code` is its key, `parent` the category above it."""

    name: str
    parent: str = ""
    department: str = ""
    hours: float | None = None


class Layer(Strict):
    """A layer of the map: assets of a layer, stations with a metric, or events."""

    name: str
    topic: str
    kind: Literal["assets", "events", "lines"]
    source: str
    metric: str = ""
    on: bool = False
    shape: str = "circle"


@dataclass(frozen=True)
class Pack:
    """A place pack, validated."""

    root: Path
    place: PlaceInfo
    divisions: Divisions
    feeds: dict[str, Feed]
    metrics: dict[str, Metric]
    categories: dict[str, Category]
    channels: dict[str, str]
    layers: dict[str, Layer]
    limits: dict[str, Any]
    calendar: dict[str, Any]


def load_pack(root: Path) -> Pack:
    """Reads a pack.

    Raises:
        PackProblem: every problem found, one line each, as `file:line: what is wrong, what is expected`.
    """
    problems: list[str] = []
    place = read_yaml(root, "place.yaml", PlaceInfo, problems)
    feeds = read_yaml(root, "feeds.yaml", dict[str, Feed], problems)
    metrics = read_yaml(root, "metrics.yaml", dict[str, Metric], problems)
    categories = read_yaml(root, "categories.yaml", dict[str, Category], problems, optional=True)
    channels = read_yaml(root, "channels.yaml", dict[str, str], problems, optional=True)
    layers = read_yaml(root, "layers.yaml", dict[str, Layer], problems, optional=True)
    limits = read_yaml(root, "limits.yaml", dict[str, Any], problems, optional=True)
    calendar = read_yaml(root, "calendar.yaml", dict[str, Any], problems, optional=True)
    if problems or place is None:
        raise PackProblem(problems)
    levels = [(level.key, level.word) for level in place.levels]
    divisions = read_divisions(root, levels, problems)
    if problems or divisions is None:
        raise PackProblem(problems)
    pack = Pack(root, place, divisions, feeds or {}, metrics or {}, categories or {}, channels or {}, layers or {},
                limits or {}, calendar or {})
    problems += cross_check(pack)
    if problems:
        raise PackProblem(problems)
    return pack


def cross_check(pack: Pack) -> list[str]:
    """Names that point nowhere: a metric's feed, level or department, a layer's metric, the default metric."""
    level_keys = {level.key for level in pack.place.levels}
    found = []
    for key, metric in pack.metrics.items():
        found += [f"metrics.yaml: {key}: 没有数据源 {feed!r}" for feed in metric.feeds if feed not in pack.feeds]
        if metric.level not in level_keys:
            found.append(f"metrics.yaml: {key}: level {metric.level!r} 不在 {sorted(level_keys)} 之中")
        if metric.target_level not in {"", EVERY, *level_keys}:
            found.append(f"metrics.yaml: {key}: target_level {metric.target_level!r} 应为 {EVERY} 或某一级："
                         f"{'、'.join(sorted(level_keys))}")
    for key, layer in pack.layers.items():
        if layer.metric and layer.metric not in pack.metrics:
            found.append(f"layers.yaml: {key}: 没有指标 {layer.metric!r}")
    if pack.place.default_metric not in pack.metrics:
        found.append(f"place.yaml: default_metric {pack.place.default_metric!r} 不在 metrics.yaml 之中")
    return found
