"""The model under everything a pack declares, and words that have a form."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict

from data.health import seconds

# Words of the address that are no layer of a pack: nothing on, and the grid of degrees.
GROUND_WORDS = ("none", "graticule")


class Strict(BaseModel):
    """Unknown names are refused: a misspelt setting must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _feed_name(given: str) -> str:
    """A feed's name is also a folder, a key and part of an address."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,47}", given):
        raise ValueError(f"数据源名 {given!r:.50} 应以字母开头，只用字母、数字、_ 与 -，不超过 48 个")
    return given


def _layer_name(given: str) -> str:
    """A layer's name stands in addresses, between commas."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", given) or given in GROUND_WORDS:
        raise ValueError(f"图层名 {given!r:.50} 应以字母开头，只用字母、数字、_ 与 -，不用 {'、'.join(GROUND_WORDS)}")
    return given


def _span(given: str) -> str:
    if given:
        seconds(given)
    return given


def _zone(given: str) -> str:
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"没有时区 {given!r:.40}；应为 IANA 名称，如 Asia/Shanghai") from None
    return given


FeedName = Annotated[str, AfterValidator(_feed_name)]
LayerName = Annotated[str, AfterValidator(_layer_name)]
Span = Annotated[str, AfterValidator(_span)]
Zone = Annotated[str, AfterValidator(_zone)]
