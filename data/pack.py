"""Place packs: everything that makes the software one county's and no other's, read and checked at start."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from data.feed_mapping import Mapping, TableForm
from data.health import seconds
from data.pack_layers import Layer, Spelled
from data.packfiles import PackProblem, located, read_divisions, read_yaml
from data.pull_rules import HttpPull, MqttPull, SqlPull
from data.strict import FeedName, LayerName, Span, Strict, Zone
from data.tile_layers import TileSource
from data.travel import Travel
from geo.crs import UnknownCrs, crs_name
from geo.divisions import Divisions

PULLED = ("http", "sql", "mqtt")
FOREVER, LEAST_KEEP_S = "forever", 31 * 86_400


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
    timezone: Zone
    levels: tuple[Level, ...]
    departments: dict[str, str] = Field(default_factory=dict)
    boundary_note: str = ""
    map_licence_no: str = ""
    default_metric: str
    home: tuple[str, ...] = ("overview",)


class FeedSource(Strict):
    """Where the records come from; a pulled kind has a block of its own name. `every`: time between two pulls.

    `own`: the program itself (events about lost feeds).
    """

    kind: Literal["push", "file", "http", "sql", "mqtt", "own"]
    every: Span = ""
    http: HttpPull | None = None
    sql: SqlPull | None = None
    mqtt: MqttPull | None = None
    path: str = ""
    format: Literal["", "csv", "jsonl", "json", "geojson", "parquet", "excel", "gpkg", "cap"] = ""
    encoding: str = "auto"
    member: str = ""
    table: TableForm = Field(default_factory=TableForm)

    @model_validator(mode="after")
    def _block(self) -> FeedSource:
        for name in PULLED:
            if (getattr(self, name) is not None) != (self.kind == name):
                wanted = f"kind: {name} 需要 {name}: 一块" if self.kind == name else f"{name}: 一块只用于 kind: {name}"
                raise ValueError(f"{wanted}，见 docs/feeds.md")
        return self

    @property
    def form(self) -> TableForm:
        """How what comes lies in a file, an answer or a message: `rows` of a pulled kind is its `records`."""
        rows = self.http.rows if self.http else self.mqtt.rows or "@" if self.mqtt else ""
        return self.table.model_copy(update={"records": rows}) if rows else self.table


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
    frozen: Span = "2d"
    rests: tuple[float, ...] = (0.0,)

    @field_validator("unit_jump")
    @classmethod
    def _larger_than_one(cls, factors: tuple[float, ...]) -> tuple[float, ...]:
        if any(factor <= 1 for factor in factors):
            raise ValueError("应为大于 1 的倍数，如 [10, 100, 1000]")
        return factors


class Feed(Strict):
    """One block of `feeds.yaml`."""

    name: str
    topic: str
    department: str
    kind: Literal["observation", "event", "indicator", "asset", "warning"]
    source: FeedSource
    cadence: Span
    release: str = ""
    late_window: Span = "35d"
    future: Span = "5min"
    stations: str = ""
    map: Mapping = Field(default_factory=Mapping)
    checks: dict[str, Check] = Field(default_factory=dict)
    # Texts read in the wrong encoding, and registered stations that all moved alike, are refused; false = taken.
    text_check: bool = True
    shift_check: bool = True
    # How long the history is kept, by whole months: forever, or a span such as 90d, 3y; '' = forever.
    keep: str = ""
    # The system of the coordinates as they come; acceptance converts them to the place's.
    crs: str = "EPSG:4490"

    @field_validator("crs")
    @classmethod
    def _known(cls, given: str) -> str:
        try:
            return crs_name(given)
        except UnknownCrs as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _kept(self) -> Feed:
        if self.keep in ("", FOREVER):
            return self
        if self.kind not in ("observation", "event"):
            raise ValueError(f"keep: {self.kind} 的历史一直保留，不写 keep（或写 {FOREVER}）")
        if seconds(self.keep) < LEAST_KEEP_S:
            raise ValueError(f"keep: {self.keep} 太短，至少 31d；一直保留写 {FOREVER}")
        return self


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
    = an absolute count's hold for the whole place, a rate's, mean's or maximum's for every division. `enough_pct`: a
    figure of fewer of its registered stations than this is marked as standing for too few.
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
    enough_pct: float = 80
    note: str = ""


def told_by(metric: Metric, feeds: abc.Mapping[str, Feed]) -> tuple[str, ...]:
    """The feeds whose records a metric counts, and which so move it: its own and, where one of these tells of events,
    that of the program's own events.
    """
    events = any(feeds[feed].kind == "event" for feed in metric.feeds if feed in feeds)
    own = [key for key, feed in feeds.items() if feed.source.kind == "own"] if events else []
    return tuple(dict.fromkeys([*metric.feeds, *own]))


class Category(Strict):
    """An event category: `code` is its key, `parent` the category above it."""

    name: str
    parent: str = ""
    department: str = ""
    hours: float | None = None


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
    travel: Travel = field(default_factory=Travel)
    names: dict[str, Spelled] = field(default_factory=dict)
    tiles: dict[str, Layer] = field(default_factory=dict)

    def tile_sources(self) -> dict[str, TileSource]:
        """Layer → what its tiles are."""
        return {key: layer.tiles for key, layer in self.tiles.items() if layer.tiles is not None}


def load_pack(root: Path) -> Pack:
    """Reads a pack.

    Raises:
        PackProblem: every problem found, one line each, as `file:line: what is wrong, what is expected`.
    """
    problems: list[str] = []
    place = read_yaml(root, "place.yaml", PlaceInfo, problems)
    feeds = read_yaml(root, "feeds.yaml", dict[FeedName, Feed], problems)
    metrics = read_yaml(root, "metrics.yaml", dict[str, Metric], problems)
    categories = read_yaml(root, "categories.yaml", dict[str, Category], problems, optional=True)
    channels = read_yaml(root, "channels.yaml", dict[str, str], problems, optional=True)
    layers = read_yaml(root, "layers.yaml", dict[LayerName, Layer], problems, optional=True) or {}
    limits = read_yaml(root, "limits.yaml", dict[str, Any], problems, optional=True)
    calendar = read_yaml(root, "calendar.yaml", dict[str, Any], problems, optional=True)
    travel = read_yaml(root, "travel.yaml", Travel, problems, optional=True)
    if problems or place is None:
        raise PackProblem(problems)
    names = read_yaml(root, "names.yaml", dict[str, Spelled], problems, optional=True)
    levels = [(level.key, level.word) for level in place.levels]
    divisions = read_divisions(root, levels, problems)
    if problems or divisions is None:
        raise PackProblem(problems)
    tiles = {key: layers.pop(key) for key, layer in list(layers.items()) if layer.kind == "tiles"}
    pack = Pack(root, place, divisions, feeds or {}, metrics or {}, categories or {}, channels or {}, layers,
                limits or {}, calendar or {}, travel or Travel(), names or {}, tiles)
    problems += cross_check(pack)
    if problems:
        raise PackProblem(problems)
    return pack


def cross_check(pack: Pack) -> list[str]:
    """Names that point nowhere: a metric's feed, level or department, a layer's metric, the default metric."""
    keys = {level.key for level in pack.place.levels}
    wrong: list[tuple[str, tuple[str | int, ...], str]] = []
    for key, metric in pack.metrics.items():
        wrong += [("metrics", (key, "feeds", at), f"没有数据源 {feed!r}") for at, feed in enumerate(metric.feeds)
                  if feed not in pack.feeds]
        if metric.level not in keys:
            wrong.append(("metrics", (key, "level"), f"level {metric.level!r} 不在 {sorted(keys)} 之中"))
        if metric.target_level not in {"", EVERY, *keys}:
            wrong.append(("metrics", (key, "target_level"),
                          f"target_level {metric.target_level!r} 应为 {EVERY} 或某一级：{'、'.join(sorted(keys))}"))
    wrong += [("layers", (key, "metric"), f"没有指标 {layer.metric!r}") for key, layer in pack.layers.items()
              if layer.metric and layer.metric not in pack.metrics]
    wrong += [("layers", (key, "source"), f"没有文件 assets/{layer.source}.geojson")
              for key, layer in pack.layers.items()
              if layer.kind == "lines" and not (pack.root / "assets" / f"{layer.source}.geojson").is_file()]
    if pack.place.default_metric not in pack.metrics:
        wrong.append(("place", ("default_metric",), f"{pack.place.default_metric!r} 不在 metrics.yaml 之中"))
    return [f"{located(pack.root, f'{name}.yaml', *at)}: {at[0]}: {words}" for name, at, words in wrong]
