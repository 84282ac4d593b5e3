"""Answers hold at their edges: replayed instants, nothing delivered, other divisions' warnings, absurd dates."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from test_engine import NOW, ROOT, TOWN_A, TOWN_B, H, ask, evaluator, event, metric
from test_figures_read_right import warning

from access.principal import demo_principal
from api import layers
from api.web import Packed
from data import rowsets
from data.answers import Question, Scope
from data.batches import Batch
from data.clock import Clock, to_us
from data.errors import WrongInput
from data.gate import Gate
from data.health import FeedHealth
from data.history import HistoryReader, HistoryWriter
from data.live import Live
from data.pack import Pack, load_pack
from data.packfiles import PackProblem
from data.state import State
from data.windows import window_of

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"


def told(pack: Pack, folder: Path, batch: Batch, now: int) -> Gate:
    """A gate over a history of one batch, its feed heard of just now."""
    writer = HistoryWriter(folder / "h")
    writer.append(batch)
    writer.commit()
    reader = HistoryReader(folder / "h")
    gate = Gate(pack, Live(pack, State(f"unix://{folder}/none.sock", "t:"), reader, Clock(), folder), reader)
    gate.live.health[batch.feed] = FeedHealth(batch.feed, now, now, now)
    return gate


@pytest.mark.parametrize("query", [{"from": "0001-01-01"}, {"at": "0001-01-02", "window": "30d"},
                                   {"to": "9999-12-31T23:59:59-08:00"}, {"at": "0001-01-01"}])
def test_a_date_of_another_age_is_refused_in_one_sentence(query: dict[str, str]) -> None:
    with pytest.raises(WrongInput, match="年份"):
        window_of(query, datetime.now(UTC), "Asia/Shanghai")


def test_warnings_of_another_division_are_not_counted_in_this_one() -> None:
    ev, memory = evaluator({"w": metric({"kind": "warnings"}, "max")})
    memory.warnings.add([warning("a", "red", TOWN_A), warning("b", "blue", ROOT)])
    assert rowsets.warnings(ev, Scope(TOWN_B), to_us(NOW), 0)[1] == 1
    assert rowsets.warnings(ev, Scope(TOWN_A), to_us(NOW), 0)[1] == 2


def test_a_warning_in_force_for_longer_than_a_month_is_still_listed() -> None:
    ev, memory = evaluator({"w": metric({"kind": "warnings"}, "max")})
    memory.warnings.add([{**warning("a", "red", ROOT), "sent": to_us(NOW - 45 * 24 * H)}])
    rows, active = rowsets.warnings(ev, Scope(ROOT), to_us(NOW), 0)
    assert ([row["id"] for row in rows], active) == (["a"], 1)


@pytest.mark.parametrize(("delivered", "value"), [(False, None), (True, 0.0)])
def test_a_figure_per_head_of_what_never_came_is_unknown(delivered: bool, value: float | None) -> None:
    ev, memory = evaluator({
        "open": metric({"kind": "event_stock", "where": "open"}, "count"),
        "people": metric({"kind": "indicator", "id": "population"}, "sum"),
        "per": metric({"kind": "per", "part": "open", "whole": "people", "scale": 10_000}, "ratio")})
    memory.indicators.add([{"indicator": "population", "basis": "annual", "division": ROOT, "period": "2025",
                            "value": 100.0, "yoy": None, "received": 1}])
    memory.delivered = lambda _feeds: delivered
    assert ask(ev, "per").value == value


def test_before_anything_was_told_a_replayed_count_is_unknown_and_has_no_later_time(tmp_path: Path) -> None:
    pack, now = load_pack(TINY), Clock().now_us()
    row = event("e", "received", datetime.fromtimestamp(now / 1e6 - 60, UTC), datetime.fromtimestamp(now / 1e6, UTC))
    row |= {"seq": 1, "feed": "cases", "code": "990101001000", "demo": False}
    gate = told(pack, tmp_path, Batch(1, 1, "cases", "event", now, [row]), now)
    found = {}
    for at in ("2026-01-01", datetime.fromtimestamp(now / 1e6 + 1, UTC).isoformat()):
        span = window_of({"at": at}, datetime.fromtimestamp(now / 1e6 + 5, UTC), "Asia/Shanghai")
        answer = gate.read(demo_principal(pack.place.code), Question("metric", "open_cases"), Scope(pack.place.code),
                           span)
        found[answer.value] = (answer.time is None, answer.freshness == "unknown")
    assert found == {None: (True, True), 1.0: (False, False)}


def test_a_box_that_is_none_is_refused_and_not_ignored() -> None:
    assert layers._bbox("115,25,116,26.5") == (115, 25, 116, 26.5)
    assert layers._bbox("") == ()
    for wrong in ("abc", "1,2,3", "1,2,3,4,5", "1,2,3,x"):
        with pytest.raises(WrongInput, match="bbox"):
            layers._bbox(wrong)


def test_a_replayed_figure_is_judged_at_its_own_instant(tmp_path: Path) -> None:
    pack, now = load_pack(TINY), Clock().now_us()
    then = now - 2 * 86_400_000_000
    row = {"seq": 1, "prev": 0, "received": then, "feed": "gauges", "code": "990101001000", "demo": False,
           "station": "g1", "metric": "level", "time": then - 50 * 60_000_000, "value": 1.0, "quality": None}
    gate = told(pack, tmp_path, Batch(1, 1, "gauges", "observation", then, [row]), now)
    at = (datetime.fromtimestamp(then / 1e6, UTC)).isoformat()
    span = window_of({"at": at}, datetime.now(UTC), "Asia/Shanghai")
    found = gate.read(demo_principal(pack.place.code), Question("metric", "level"), Scope(pack.place.code), span)
    assert found.value == 1.0
    assert (found.freshness, found.contact_us) == ("late", 0)


def test_new_borders_are_not_answered_from_what_was_kept_of_the_old_ones() -> None:
    kept: list[tuple[Any, ...]] = []

    def get_or_make(parts: tuple[Any, ...], _make: Any) -> Packed:
        kept.append(parts)
        return Packed(b"{}")

    for version in ("old", "new"):
        web = SimpleNamespace(principal=lambda _request: None, geometry_version=version, ground={"neighbours": version},
                              shelf=SimpleNamespace(get_or_make=get_or_make))
        app = SimpleNamespace(state=SimpleNamespace(web=web))
        for name in ("divisions-township", "neighbours"):
            layers.layer(Request({"type": "http", "app": app, "headers": [], "query_string": b"v=1",
                                  "path_params": {"layer": name}}))
    assert len(set(kept)) == 4


def test_a_coordinate_system_that_nobody_converts_is_refused_and_not_ignored(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "pack")
    file = tmp_path / "pack" / "feeds.yaml"
    file.write_text(file.read_text("utf-8").replace("cases:\n", "cases:\n  crs: GCJ-99\n"), "utf-8")
    with pytest.raises(PackProblem, match=r"feeds\.yaml:\d+: cases/crs: 不认识坐标系 'GCJ-99'"):
        load_pack(tmp_path / "pack")
