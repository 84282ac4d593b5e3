"""The long forms' own arithmetic and record: a slope, the file with its commit, a form that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import endurance
from bench.endured import Found, Scale, slope_of


def test_a_slope_is_units_per_second() -> None:
    assert slope_of([(float(x), 100.0 + 0.5 * x) for x in range(60)]) == pytest.approx(0.5)
    assert slope_of([(1.0, 5.0)]) == 0.0


@pytest.mark.parametrize("held", [True, False])
def test_a_form_leaves_its_record_with_the_commit(held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "save", lambda name, body: real(name, body, tmp_path))
    monkeypatch.setitem(endurance.FORMS, "kill", lambda _folder, scale: Found(held, {"kills": scale.times(400, 100)}))
    assert endurance.main(["--short", "kill"]) == (0 if held else 1)
    (path,) = tmp_path.glob("endurance-kill-*.json")
    told = json.loads(path.read_text("utf-8"))
    assert (told["held"], told["short"], told["kills"]) == (held, True, 100)
    assert len(told["commit"].rstrip("+")) == 40


real = endurance.save


def test_a_form_that_breaks_is_a_failure_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_folder: Path, _scale: Scale) -> Found:
        raise RuntimeError("no luck")

    monkeypatch.setattr(endurance, "save", lambda name, body: real(name, body, tmp_path))
    monkeypatch.setattr(endurance, "FORMS", {"a": broken, "b": lambda _folder, _scale: Found(True)})
    assert endurance.main([]) == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_an_unknown_form_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert endurance.main(["bogus"]) == 2
    assert "没有 bogus 这一项；可选：kill、mqtt、parts" in capsys.readouterr().err


def test_every_long_form_of_the_page_of_promises_exists_and_every_test_file() -> None:
    text = (Path(__file__).parents[2] / "docs" / "promises.md").read_text("utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 12
    named = {word.rstrip("`").split("::")[0].rpartition("/")[2] for row in rows for word in row[2].split("`")[1::2]}
    known = {path.name for path in Path(__file__).parents[1].rglob("test_*.py")}
    assert named <= known
    assert {word for row in rows for word in row[3].split("`")[1::2]} <= set(endurance.FORMS)
