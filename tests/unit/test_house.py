"""The house rules over every file, and for each rule a planted fault that it must find."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import house_checks as house
import pytest
import yaml

ROOT = Path(__file__).parents[2]
OWN = [ROOT / "app.py", *(path for room in house.ROOMS for path in sorted((ROOT / room).rglob("*.py")))]
REST = [path for room in ("tests", "bench", "script", "deploy") for path in sorted((ROOT / room).rglob("*.py"))]
SCRIPTS = [path for path in sorted((ROOT / "assets").rglob("*")) if path.suffix in (".js", ".css")
           and "vendor" not in path.relative_to(ROOT).parts]


def complaints(paths: list[Path], checks: tuple[house.Check, ...]) -> list[str]:
    return [text for path in paths for check in checks
            for text in check(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("check", [*house.EVERYWHERE, *house.PRODUCT], ids=lambda check: check.__name__)
def test_every_product_file_keeps(check: house.Check) -> None:
    assert len(OWN) > 50
    assert complaints(OWN, (check,)) == []


@pytest.mark.parametrize("check", house.EVERYWHERE, ids=lambda check: check.__name__)
def test_every_other_file_keeps(check: house.Check) -> None:
    checked = [path for path in REST if path.name not in ("house_checks.py", "test_house.py")]
    assert complaints(checked, (check,)) == []


def test_scripts_and_styles_are_small_and_finished() -> None:
    assert SCRIPTS
    assert complaints(SCRIPTS, (house.script_size, house.nothing_unfinished)) == []


def test_texts_of_packs_have_full_width_punctuation() -> None:
    files = sorted((ROOT / "places").rglob("*.yaml"))
    assert files
    found = {path.relative_to(ROOT).as_posix(): [where for text in house.texts(yaml.safe_load(path.read_bytes()))
                                                 if (where := house.half_width(text))] for path in files}
    assert {path: where for path, where in found.items() if where} == {}
    assert house.half_width("优于目标,达标")
    assert not house.half_width("用 redis://主机:端口/0，端口见上")


def test_packs_hold_no_python() -> None:
    assert list((ROOT / "places").rglob("*.py")) == []


LONG = "def f():\n" + "    x = 1\n" * 40
FAULTS: list[tuple[house.Check, str, str]] = [
    (house.file_size, "data/a.py", "x = 1\n" * 301),
    (house.file_size, "app.py", "x = 1\n" * 121),
    (house.function_size, "data/a.py", LONG),
    (house.function_size, "data/a.py", "class A:\n" + "".join(f"    {line}\n" for line in LONG.splitlines())),
    (house.function_size, "data/a.py", "async " + LONG),
    (house.parameters, "data/a.py", "def f(a, b, c, /, d, e, *, g, **k): ..."),
    (house.parameters, "data/a.py", "class A:\n    def f(self, b, c, d, e, g, h): ..."),
    (house.name_says_the_topic, "data/utils.py", ""),
    (house.name_says_the_topic, "data/map_helpers.py", ""),
    (house.name_says_the_topic, "common/a.py", ""),
    (house.name_says_the_topic, "data/history_2.py", ""),
    (house.frames_are_named, "data/a.py", "df = 1"),
    (house.frames_are_named, "data/a.py", "def f(gdf): ..."),
    (house.no_global_callback, "callbacks/a.py", "from dash import html, callback"),
    (house.no_global_callback, "callbacks/a.py", "import dash\n@dash.callback(1)\ndef f(): ..."),
    (house.one_maker_of_redis_clients, "data/a.py", "client = redis.Redis(host='a')"),
    (house.one_maker_of_redis_clients, "api/a.py", "client = Redis.from_url('a')"),
    (house.nothing_that_executes_data, "data/a.py", "import pickle"),
    (house.nothing_that_executes_data, "data/a.py", "from joblib import load"),
    (house.nothing_that_executes_data, "data/a.py", "pandas.read_pickle('a')"),
    (house.nothing_that_executes_data, "data/a.py", "eval('1')"),
    (house.no_javascript_in_strings, "callbacks/a.py", "x = 'function(n) { return n; }'"),
    (house.no_javascript_in_strings, "callbacks/a.py", "x = '(n) => { n(); }'"),
    (house.no_javascript_in_strings, "callbacks/a.py", "from dash_extensions.javascript import assign"),
    (house.nothing_unfinished, "data/a.py", "x = 1  # TO" + "DO later"),
    (house.nothing_unfinished, "data/a.py", "raise NotImplemented" + "Error"),
    (house.no_silent_except, "data/a.py", "try:\n    f()\nexcept ValueError:\n    pass"),
    (house.nobody_imports_app, "data/a.py", "import app"),
    (house.nobody_imports_app, "api/a.py", "from app import main"),
    (house.no_half_width_sentences, "api/a.py", "raise Wrong('没有记录,请稍后再试')"),
    (house.no_half_width_sentences, "api/a.py", "x = f'缺少 {name},应为文字'"),
    (house.no_half_width_sentences, "layouts/a.py", "x = '检查地方包:每行一个'"),
    (house.no_county_in_code, "data/a.py", "name = '于都县'"),
    (house.no_county_in_code, "layouts/a.py", "code = '360731104000'"),
    (house.no_place_of_a_machine, "data/a.py", "path = '/ho" + "me/me/data'"),
]


@pytest.mark.parametrize(("check", "path", "source"), FAULTS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_planted_fault_is_found(check: house.Check, path: str, source: str) -> None:
    assert list(check(path, source))


def test_every_rule_has_a_planted_fault() -> None:
    assert {*house.EVERYWHERE, *house.PRODUCT} == {check for check, _, _ in FAULTS}


def test_clean_code_passes_every_rule() -> None:
    clean = '"""Says what it is."""\nfrom dash import html\n\ndef shape(a, b, *, c):\n    return html.Div(a + b + c)\n'
    assert [text for check in (*house.EVERYWHERE, *house.PRODUCT) for text in check("data/shape.py", clean)] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-spark"])
def test_every_requirement_has_its_reason_and_its_lock(name: str) -> None:
    wanted = (ROOT / f"{name}.in").read_text(encoding="utf-8")
    assert house.undocumented_requirements(wanted, (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")) == []
    assert house.unlocked_requirements(wanted, (ROOT / f"{name}.txt").read_text(encoding="utf-8")) == []


def test_every_import_is_a_named_requirement() -> None:
    wanted = "\n".join((ROOT / f"requirements{which}.in").read_text(encoding="utf-8") for which in ("", "-spark"))
    found = {path.relative_to(ROOT).as_posix(): house.undeclared_imports(path.read_text(encoding="utf-8"), wanted)
             for path in OWN}
    assert {path: names for path, names in found.items() if names} == {}
    assert house.undeclared_imports("import os, yaml, ibis.expr\nfrom a.b import c\nfrom data import d",
                                    "pyyaml\nibis-framework[duckdb]==1") == {"a"}


def test_a_requirement_without_reason_or_hash_is_found() -> None:
    page = "| `dash` | the pages of the program | nothing |\n| `redis` | yes | |\n"
    assert house.undocumented_requirements("-r requirements.txt\ndash==1\nredis\nflask", page) == ["redis", "flask"]
    lock = "dash==1 \\\n    --hash=sha256:aa\nflask==2\n"
    assert house.unlocked_requirements("dash\nflask\nredis", lock) == ["flask", "redis"]


@pytest.mark.parametrize("name", ["script/server", "script/test", "script/bench", "script/endurance", "script/pictures",
                                  "yiping", ".ci/run"])
def test_scripts_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert subprocess.run(["bash", "-n", str(ROOT / name)], check=False).returncode == 0


def test_an_import_against_the_direction_is_found(tmp_path: Path) -> None:
    """The rule of pyproject.toml on a copy of the rooms with one wrong import: analysis must not know data."""
    for room in house.ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
    for module in _named_modules():
        (tmp_path / module).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / module).touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert _lint(tmp_path).returncode == 0
    (tmp_path / "analysis" / "wrong.py").write_text("import data\n")
    found = _lint(tmp_path)
    assert found.returncode == 1
    assert "one way down BROKEN" in found.stdout


def _named_modules() -> list[str]:
    """Modules that the contracts name one by one."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    named = {name for rule in rules["contracts"] for key in ("source_modules", "forbidden_modules")
             for name in rule.get(key, ()) if "." in name}
    paths = [name.replace(".", "/") for name in sorted(named)]
    return [f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py" for path in paths]


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(folder)})
