"""The catalogue of what the map can show, made from the declarations alone: metrics, layers and ground of the pack."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from data import rowsets
from data.answers import Answer, Question, Scope
from data.clock import to_us
from data.errors import Unavailable
from data.ground_files import MAX_BYTES
from data.metrics import Evaluator
from data.pack import Metric, Pack
from data.pack_layers import Layer

GROUND, GRATICULE = "rivers", "graticule"
Judged = Callable[[tuple[str, ...], Metric | None], Answer]
FeedsOf = Callable[[Question], tuple[str, ...]]


def rows_question(layer: Layer, limit: int = 1) -> Question:
    """What is asked for the records behind a point layer; one row is enough where only its total counts."""
    source = "events" if layer.kind == "events" else f"assets:{layer.source}"
    return Question("rows", source, limit=limit, order="open")


def entries(evaluator: Evaluator, scope: Scope, end_us: int, judged: Judged, feeds_of: FeedsOf) -> rowsets.Rows:
    """One row for whatever can be switched on: id, kind (metric, assets, events, lines, ground, tiles), name, topic …

    count: records in the division, None where they are not counted (metrics); unlocated: those without coordinates.
    levels: the levels at which a metric is published, the coarsest first; classes: how its values can be classed.
    """
    pack = evaluator.pack
    rows = [_metric_row(pack, key, metric, judged(feeds_of(Question("metric", key)), metric))
            for key, metric in pack.metrics.items()]
    rows += [_layer_row(evaluator, (key, layer), (scope, end_us), judged, feeds_of)
             for key, layer in pack.layers.items()]
    ground = pack.root / f"{GROUND}.geojson"
    if ground.exists():
        rows.append({**_row(GROUND, "ground", "河流", ""), **_line_facts(ground)})
    rows += [{**_row(key, "tiles", pack.tiles[key].name, ""), "freshness": "scheduled", "source": source.credit}
             for key, source in pack.tile_sources().items()]
    rows.append({**_row(GRATICULE, "tiles", "经纬网", ""), "freshness": "scheduled"})
    return tuple(rows), len(rows)


def _row(key: str, kind: str, name: str, topic: str) -> dict[str, Any]:
    return {"id": key, "kind": kind, "name": name, "topic": topic, "unit": "", "source": "", "freshness": "unknown",
            "scheduled": False, "cadence_s": 0.0, "time_us": 0, "contact_us": 0, "count": None, "unlocated": 0,
            "levels": [], "classes": [], "feeds": [], "metric": ""}


def _aged(found: Answer) -> dict[str, Any]:
    at = to_us(found.time) + found.stepped_us if found.time else 0
    return {"source": found.source, "freshness": found.freshness, "scheduled": found.scheduled,
            "cadence_s": found.cadence_s, "time_us": at, "contact_us": found.contact_us or at}


def _metric_row(pack: Pack, key: str, metric: Metric, found: Answer) -> dict[str, Any]:
    names = pack.divisions.level_names
    return {**_row(key, "metric", metric.name, metric.topic), **_aged(found), "unit": metric.unit,
            "levels": list(names[:names.index(metric.level) + 1]), "classes": ways(metric),
            "feeds": list(metric.feeds)}


def ways(metric: Metric) -> list[str]:
    """Ways of putting its values into classes that a metric has; none where their colors are official ones."""
    if metric.formula.get("kind") == "warnings":
        return []
    return ["natural", "quantile", *(["thresholds"] if metric.thresholds or metric.breaks else [])]


def _layer_row(evaluator: Evaluator, declared: tuple[str, Layer], within: tuple[Scope, int], judged: Judged,
               feeds_of: FeedsOf) -> dict[str, Any]:
    key, layer = declared
    row = {**_row(key, layer.kind, layer.name, layer.topic), "metric": layer.metric}
    if layer.kind == "lines":
        return {**row, **_line_facts(line_file(evaluator.pack, layer))}
    question, (scope, end_us) = rows_question(layer), within
    found = (rowsets.events(evaluator, question, scope, (end_us, end_us)) if layer.kind == "events"
             else rowsets.assets(evaluator, question, scope))
    feeds = feeds_of(Question("metric", layer.metric)) if layer.metric else register_feeds(evaluator, layer, feeds_of)
    metric = evaluator.pack.metrics.get(layer.metric)
    return {**row, **_aged(judged(feeds, metric)), "count": found[1], "unlocated": found[2], "feeds": list(feeds)}


def _line_facts(file: Path) -> dict[str, Any]:
    try:
        return {"freshness": "scheduled", "source": line_source(file), "count": len(line_features(file))}
    except Unavailable:
        # Said in its own row; whatever else there is can still be shown.
        return {"freshness": "down"}


def register_feeds(evaluator: Evaluator, layer: Layer, feeds_of: FeedsOf) -> tuple[str, ...]:
    """The feeds that told of what is in a layer; all that may, where there is nothing yet."""
    told = {row["feed"] for row in evaluator.tables.assets.layer(layer.source)} if layer.kind == "assets" else set()
    may = feeds_of(rows_question(layer))
    return tuple(feed for feed in may if feed in told) or may


def line_file(pack: Pack, layer: Layer) -> Path:
    """The file of a layer of lines: `assets/<source>.geojson` of the pack."""
    return pack.root / "assets" / f"{layer.source}.geojson"


def line_version(file: Path) -> str:
    """Version of a file of lines; `0` where there is none."""
    return f"{file.stat().st_mtime_ns:x}" if file.exists() else "0"


def line_features(file: Path) -> list[dict[str, Any]]:
    """Features of a file of lines, read once for each version of it.

    Raises:
        Unavailable: the file cannot be read.
    """
    try:
        told = file.stat()
        if told.st_size > MAX_BYTES:
            raise Unavailable(f"图层文件 {file.name} 超过 {MAX_BYTES // 1_000_000} MB；请先简化")
        return _features(file, told.st_mtime_ns)
    except (OSError, ValueError) as error:
        raise Unavailable(f"图层文件 {file.name} 读不出；用 ./yiping check 查看地方包") from error


def line_source(file: Path) -> str:
    """Where the lines come from, as the file's features say; '' where they do not."""
    told = {str((feature.get("properties") or {}).get("source") or "") for feature in line_features(file)}
    return "、".join(sorted(told - {""}))


@lru_cache(maxsize=32)
def _features(file: Path, _version: int) -> list[dict[str, Any]]:
    found = orjson.loads(file.read_bytes())
    return [feature for feature in found.get("features", []) if isinstance(feature, dict)]
