"""The model under everything a pack declares, and words that have a form."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict

from data.health import seconds


class Strict(BaseModel):
    """Unknown names are refused: a misspelt setting must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _feed_name(given: str) -> str:
    """A feed's name is also a folder, a key and part of an address."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,47}", given):
        raise ValueError(f"数据源名 {given!r:.50} 应以字母开头，只用字母、数字、_ 与 -，不超过 48 个")
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
Span = Annotated[str, AfterValidator(_span)]
Zone = Annotated[str, AfterValidator(_zone)]
