"""State folders of earlier programs open, those of later ones are refused; the frozen one gives its written figures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson
import pytest
from collecting import opening, push, reading
from own_redis import TINY_PACK

from app import main
from data.errors import Unavailable
from data.health import FeedHealth
from data.history import HistoryReader, Span
from data.quarantine_view import Chosen, QuarantineView
from data.settings import load_settings
from data.state_layout import LAYOUT, STEPS, layout_of
from data.statefolder import prepare

pytestmark = [pytest.mark.integration, pytest.mark.slow]
FROZEN = Path(__file__).parents[1] / "fixtures" / "state-0.2"
START = 1_795_132_800_000_000
EVER = Span(0, 2**62)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("YIPING_")]:
        monkeypatch.delenv(name)
    shutil.copytree(FROZEN, tmp_path / "s")
    return load_settings(place=TINY_PACK, state=tmp_path / "s", redis_url=f"unix://{tmp_path}/no-redis.sock")


def figures(folder):
    """The figures of the frozen folder: current rows, what g0 said first, open events, refusals, numbers."""
    reader = HistoryReader(folder / "history")
    refused = QuarantineView(folder / "quarantine").rows(Chosen((), "gauges"), 9)
    events = reader.event_facts(EVER).to_pylist()
    first = [row for row in reader.rows("observation", EVER).to_pylist()
             if (row["station"], row["time"]) == ("g0", START)]
    return {"observation": reader.rows("observation", EVER).num_rows, "first": [row["value"] for row in first],
            "versions": sum(entry.rows for entry in reader.manifest().of("observation")),
            "sum": round(sum(reader.rows("observation", EVER)["value"].to_pylist()), 2),
            "event": len(events), "open": sum(row["stage"] != "closed" for row in events),
            "asset": len(reader.current("asset")), "gdp": reader.current("indicator")[0]["value"],
            "refused": [(row["feed"], row["times"]) for row in refused],
            "checkpoint": reader.manifest().checkpoint}


WRITTEN = {"observation": 240, "first": [0.0], "versions": 242, "sum": 430.8, "event": 10, "open": 5, "asset": 4,
           "gdp": 12.5, "refused": [("gauges", 1)], "checkpoint": 292}


def test_the_frozen_state_opens_and_gives_its_figures(settings):
    assert sum(path.stat().st_size for path in FROZEN.rglob("*") if path.is_file()) < 300_000
    with opening(settings) as make:
        collector = make()
        assert figures(collector.folder) == WRITTEN
        assert collector.book.states()["gauges"].accepted in (0, 242), "since midnight of its day"
        assert len(collector._registry) == 4
        again = {"station": "g1", "metric": "level", "time": START, "value": 1.0, "demo": True}
        assert push(collector, "gauges", again)["duplicate"] == 1
        assert push(collector, "gauges", reading(7.0))["accepted"] == 1
    assert orjson.loads((settings.state_dir / "state.json").read_bytes())["layout"] == LAYOUT


def test_quarantine_lines_of_the_first_program_are_taken_over_once(settings):
    folder = settings.state_dir / "quarantine"
    (settings.state_dir / "state.json").unlink()
    (folder / "quarantine.sqlite").unlink()
    lines = [{"feed": "gauges", "reason": "level 的值 999 高于上限 100", "received": START + n, "raw": f'{{"n":{n}}}'}
             for n in range(3)]
    text = b"".join(orjson.dumps(line) + b"\n" for line in lines) + b'{"torn'
    (folder / "2026-11-20.jsonl").write_bytes(text)
    assert layout_of(settings.state_dir) == 1
    for _ in range(2):
        with opening(settings) as make:
            make()
        rows = QuarantineView(folder).rows(Chosen((), "gauges"), 9)
        assert sorted((row["raw"], row["times"], row["state"]) for row in rows) == [
            (f'{{"n":{n}}}', 1, "waiting") for n in range(3)]
    assert [path.name for path in folder.glob("*.jsonl*")] == ["2026-11-20.jsonl.taken"]
    assert (folder / "2026-11-20.jsonl.taken").read_bytes() == text
    assert layout_of(settings.state_dir) == 2


def test_each_layout_has_its_named_step():
    assert sorted(STEPS) == list(range(2, LAYOUT + 1))
    page = (FROZEN.parents[2] / "docs" / "keeping.md").read_text(encoding="utf-8")
    for layout in range(1, LAYOUT + 1):
        assert f"\n| {layout} | 0." in page


def test_a_newer_layout_is_refused_in_one_sentence_and_left_alone(settings, capsys, monkeypatch):
    path = settings.state_dir / "state.json"
    path.write_bytes(orjson.dumps({"layout": LAYOUT + 1, "program": "9.9"}))
    monkeypatch.setenv("YIPING_STATE", str(settings.state_dir))
    monkeypatch.setenv("YIPING_REDIS_URL", settings.redis_url)
    with pytest.raises(Unavailable, match="较新的程序"):
        prepare(settings)
    for command in (["collect"], ["history", "retain"]):
        assert main(["--place", str(TINY_PACK), *command]) == 1
        err = capsys.readouterr().err
        assert len(err.strip().splitlines()) == 1
        assert "由较新的程序写成" in err
        assert "备份恢复" in err
    assert figures(settings.state_dir) == WRITTEN


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"layout": "2"}', b'{"layout": null}'])
def test_a_damaged_note_is_refused(settings, text):
    (settings.state_dir / "state.json").write_bytes(text)
    with pytest.raises(Unavailable, match=r"state\.json 读不出"):
        prepare(settings)


def test_a_new_folder_is_of_the_present_layout(tmp_path):
    assert layout_of(tmp_path) == LAYOUT


def test_fields_of_a_newer_program_do_not_stop_this_one(settings):
    path = settings.state_dir / "health.json"
    told = orjson.loads(path.read_bytes())
    for state in told["feeds"].values():
        state["new_in_9_9"] = {"a": 1}
    path.write_bytes(orjson.dumps(told))
    with opening(settings) as make:
        assert make().book.states()["gauges"].last_time == START + 59 * 300_000_000
    assert FeedHealth.of({"feed": "x", "accepted": 3, "odd": 1}) == FeedHealth("x", accepted=3)
