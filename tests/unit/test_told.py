"""Instants as the API tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from api.told import local


@pytest.mark.parametrize(("instant", "told"), [
    (datetime(2026, 11, 22, tzinfo=UTC), "2026-11-22T08:00:00+08:00"),
    # Shanghai kept its own sun's time, 8 h 5 min 43 s before Greenwich: RFC 3339 has no seconds in an offset.
    (datetime(1900, 9, 23, 16, tzinfo=UTC), "1900-09-23T16:00:00+00:00")])
def test_an_instant_has_an_offset_that_rfc_3339_knows(instant: datetime, told: str) -> None:
    assert local(instant, ZoneInfo("Asia/Shanghai")) == told
