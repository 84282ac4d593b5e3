"""R12: hundreds of spoilt packs and settings; each is refused with file and line, or taken and does no harm."""

from __future__ import annotations

import os
import random
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from access.principal import demo_principal
from data import pack as packs
from data.answers import Question, Scope, Window
from data.clock import Clock
from data.errors import WrongInput, YipingError
from data.feed_mapping import Mapping
from data.gate import Gate
from data.history_read import HistoryReader
from data.live import Live
from data.pack import Pack, load_pack
from data.packfiles import PackProblem
from data.settings import ROOT, Settings, load_settings
from data.state import State

YUDU = ROOT / "places" / "yudu"
FILES = sorted(path.name for path in YUDU.glob("*.yaml"))
ODD = ("", "null", "[]", "{}", "[[]]", "-1", "0", "1e999", ".nan", "9" * 400, "'", '"', "yes", "2026-02-30", "&a [*a]",
       "!!python/name:os.system", "\tx", "\x07", "\U0001f600", "*nobody", "a: b: c", "../../etc/passwd", "x" * 5000,
       "3.5", "{kind: nothing}", "[1, 2]", "every", "0s", "-5min")
SAYS = re.compile(r"^\S.*\.(yaml|geojson):\d+: \S")
EACH = int(os.environ.get("PACKS", "200")) // 8
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def spoilt(text: str, chance: random.Random) -> str:
    """The text with one thing wrong, as a tired person or a broken disk does it."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    line, kind = lines[at], chance.randrange(9)
    key, colon, _ = line.partition(":")
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, line)
    elif kind == 2:
        lines[at] = " " * chance.randrange(1, 4) + line
    elif kind == 3:
        lines[at] = line.lstrip()
    elif kind in (4, 5):
        lines[at] = f"{key}{colon} {chance.choice(ODD)}"
    elif kind == 6 and line:
        place = chance.randrange(len(line))
        lines[at] = line[:place] + line[place + 1:]
    elif kind == 7 and line:
        place = chance.randrange(len(line))
        lines[at] = line[:place] + chance.choice(":-[]{}#&*!|>'\"%@`,\x00é") + line[place:]
    else:
        return text[: chance.randrange(len(text))]
    return "\n".join(lines)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo county's pack, whose borders are read once."""
    known = load_pack(YUDU).divisions
    read = packs.read_divisions
    levels = list(zip(known.level_names, known.level_words, strict=True))
    monkeypatch.setattr(packs, "read_divisions", lambda root, asked, problems: (
        known if list(asked) == levels else read(root, asked, problems)))
    return Path(shutil.copytree(YUDU, tmp_path / "place"))


def said(error: YipingError, name: str = "") -> None:
    """Fails unless an error is one short sentence with the name; of a pack, one a problem with file and line."""
    lines = error.problems if isinstance(error, PackProblem) else [str(error)]
    assert lines
    for line in lines:
        assert line
        assert name in line
        assert "\n" not in line
        assert len(line) < 500
        assert SAYS.match(line) or not isinstance(error, PackProblem)


def harmless(pack: Pack, folder: Path, reader: HistoryReader, state: State) -> None:
    """Every metric is answered, or refused in words."""
    gate = Gate(pack, Live(pack, state, reader, Clock(), folder), reader)
    root = pack.divisions.root.code
    window = Window(NOW - timedelta(days=1), NOW)
    for metric in pack.metrics:
        for by in ("", "day"):
            try:
                gate.read(demo_principal(root), Question("metric", metric, by), Scope(root), window)
            except YipingError as error:
                said(error)


@pytest.mark.parametrize("part", range(8))
def test_a_spoilt_pack_is_refused_with_file_and_line_or_does_no_harm(copy: Path, tmp_path: Path, part: int) -> None:
    reader, state = HistoryReader(tmp_path / "h"), State(f"unix://{tmp_path}/none.sock", "t:")
    refused = 0
    for seed in range(part * EACH, part * EACH + EACH):
        chance = random.Random(seed)
        path = copy / chance.choice(FILES)
        good = path.read_text("utf-8")
        path.write_text(spoilt(good, chance), "utf-8")
        try:
            harmless(load_pack(copy), tmp_path, reader, state)
        except PackProblem as problem:
            refused += 1
            said(problem)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {path.name}: {error!r}") from error
        path.write_text(good, "utf-8")
    state.close()
    assert refused >= EACH // 5, "the spoiling spoils nothing"


def test_names_that_point_nowhere_have_their_line(copy: Path) -> None:
    path = copy / "metrics.yaml"
    text = path.read_text("utf-8")
    line = next(number for number, one in enumerate(text.split("\n"), 1) if one.lstrip().startswith("level: village"))
    path.write_text(text.replace("level: village", "level: hamlet", 1), "utf-8")
    with pytest.raises(PackProblem) as caught:
        load_pack(copy)
    assert f"metrics.yaml:{line}: " in caught.value.problems[0]


@pytest.mark.parametrize("zone", ["Asa/Shanghai", "../../etc/passwd"])
def test_a_zone_that_nobody_keeps_has_its_line(copy: Path, zone: str) -> None:
    path = copy / "place.yaml"
    text = path.read_text("utf-8")
    line = next(number for number, one in enumerate(text.split("\n"), 1) if "timezone: " in one)
    path.write_text(text.replace("Asia/Shanghai", zone, 1), "utf-8")
    with pytest.raises(PackProblem) as caught:
        load_pack(copy)
    assert f"place.yaml:{line}: " in caught.value.problems[0]
    assert "时区" in caught.value.problems[0]


def test_a_feeds_zone_that_nobody_keeps_is_refused() -> None:
    with pytest.raises(ValueError, match="时区"):
        Mapping(timezone="Asa/Shanghai")


SETTINGS = sorted(Settings.model_fields)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_spoilt_setting_is_refused_by_name_or_taken(name: str, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ODD:
        monkeypatch.setenv(f"YIPING_{name.upper()}", value)
        try:
            load_settings(state=tmp_path) if name != "state" else load_settings()
        except WrongInput as error:
            said(error, f"YIPING_{name.upper()}")
