"""What a pack declares of its map and its names: layers, and how names are said."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from data.strict import Strict
from data.tile_layers import TileSource


class Layer(Strict):
    """A layer of the map: assets of a layer, stations with a metric, events, or tiles below everything."""

    name: str
    topic: str = ""
    kind: Literal["assets", "events", "lines", "tiles"]
    source: str = ""
    tiles: TileSource | None = None
    metric: str = ""
    on: bool = False
    shape: str = "circle"
    # What it is in an area that somebody draws, and which of its properties are added up there, with their words.
    roles: tuple[Literal["sensitive", "hazard", "resource"], ...] = ()
    sums: dict[str, str] = Field(default_factory=dict)
    # It stands where it is: how far it is matters, not how soon it comes.
    fixed: bool = False

    @model_validator(mode="after")
    def _parts(self) -> Layer:
        if (self.tiles is not None) != (self.kind == "tiles"):
            raise ValueError("kind: tiles 与 tiles: 一块应同时有，见 docs/ground.md")
        if not self.tiles and not (self.topic and self.source):
            raise ValueError("缺少 topic 或 source，应写明专题与来源")
        if self.tiles and self.on:
            raise ValueError("底图缺省不打开，去掉 on；用地址的 layers= 打开")
        return self


class Spelled(Strict):
    """What else a name of `names.yaml` is called, and how it is read (syllables with spaces between); the key is a
    name, a division's code, or a single character whose readings it replaces.
    """

    alias: tuple[str, ...] = ()
    pinyin: tuple[str, ...] = ()
