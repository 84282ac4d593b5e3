"""What the README tells a newcomer to type is there: commands, pictures, pages, and the station it pushes for."""

from __future__ import annotations

import json
import re
from pathlib import Path

from app import ROOMS
from data.pack import load_pack
from demo.sites import LAYERS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_and_pictures_are_there() -> None:
    named = [path for path in re.findall(r"\]\(([^)#]+)\)", README) if not path.startswith("http")]
    assert len(named) >= 8
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_commands_are_commands() -> None:
    commands = {name for names in ROOMS.values() for name in names}
    said = set(re.findall(r"\./yiping ([a-z]+)", README))
    assert said
    assert said <= commands
    scripts = set(re.findall(r"\./(script/[a-z]+)", README))
    assert {"script/server", "script/test", "script/bench"} <= scripts
    assert [path for path in scripts if not (ROOT / path).exists()] == []


def test_the_record_it_pushes_would_be_taken() -> None:
    feed = re.search(r"/api/v1/feeds/(\w+)/records", README)
    record = re.search(r"-d '\[(\{.*?\})\]'", README)
    assert feed
    assert record
    declared, sent = load_pack(ROOT / "places" / "yudu").feeds[feed[1]], json.loads(record[1])
    how_many, prefix, _, _ = LAYERS[declared.stations]
    assert sent["station"] in {f"{prefix}{number + 1:02d}" for number in range(how_many)}
    assert sent["metric"] in declared.checks
