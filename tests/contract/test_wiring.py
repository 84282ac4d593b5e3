"""The wiring of the page: ids, properties, owners, cycles and client-side functions, walked from the app itself."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
from dash import Dash, Input, Output
from dash.development.base_component import Component

from callbacks.dash_app import make_dash
from callbacks.services import Services
from layouts import ids, shell
from layouts.regions import SLOTS
from layouts.screen import Place
from layouts.screens import SCREENS

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PLACE = Place("1", "某县", "一屏统览", (("county", "县"),), "示意边界", False, "Asia/Shanghai")
DEPTH = 3


def app() -> Dash:
    return make_dash(Services(PLACE, SCREENS, lambda path, query: {"regions": {}}, lambda query, panel: {}))


def components(made: Dash) -> dict[str, Component]:
    made._setup_server()
    layout = made.layout
    found: dict[str, Component] = {}
    for item in [layout, *layout._traverse()]:
        key = getattr(item, "id", None)
        if isinstance(item, Component) and key is not None:
            assert key not in found, f"id twice: {key}"
            found[key] = item
    return found


def wires(made: Dash) -> list[tuple[list[tuple[str, str]], list[tuple[str, str]], dict]]:
    """(outputs, inputs and states, callback) of every callback."""
    found = []
    for callback in made._callback_list:
        outs = [tuple(part.rsplit(".", 1)) for part in re.sub(r"^\.\.|\.\.$", "", callback["output"]).split("...")]
        ins = [(part["id"], part["property"]) for part in callback["inputs"] + callback["state"]]
        found.append((outs, ins, callback))
    return found


def problems(made: Dash) -> list[str]:
    known, said, owners = components(made), [], {}
    for outs, ins, callback in wires(made):
        for key, prop in (*outs, *ins):
            if key not in known:
                said.append(f"unknown id {key}")
            elif prop not in known[key]._prop_names and not prop.startswith(("data-", "aria-")):
                said.append(f"unknown property {key}.{prop}")
        for wire in outs:
            if wire in owners:
                said.append(f"two owners of {wire[0]}.{wire[1]}")
            owners[wire] = callback
    return said + deep(made)


def deep(made: Dash) -> list[str]:
    after: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for outs, _, callback in wires(made):
        for part in callback["inputs"]:
            after.setdefault((part["id"], part["property"]), set()).update(outs)

    def walk(wire: tuple[str, str], path: tuple[tuple[str, str], ...]) -> list[str]:
        if wire in path:
            return [f"cycle at {wire[0]}.{wire[1]}"]
        if len(path) > DEPTH:
            return [f"chain longer than {DEPTH} from {path[0]}"]
        return [text for nxt in after.get(wire, ()) for text in walk(nxt, (*path, wire))]

    return [text for wire in list(after) for text in walk(wire, ())]


def functions() -> set[str]:
    """`namespace.name` of the client-side functions that the scripts register."""
    found = set()
    for file in ASSETS.glob("*.js"):
        text = file.read_text(encoding="utf8")
        for registered in re.findall(r"window\.dash_clientside = Object\.assign\(.*?, (\{.*\})\)", text):
            for space, names in re.findall(r"(\w+): \{([\w, ]+)\}", registered):
                found |= {f"{space}.{name.strip()}" for name in names.split(",")}
    return found


def test_the_page_is_wired_soundly():
    assert problems(app()) == []


def test_every_client_side_function_exists_in_a_script():
    named = {f"{c['clientside_function']['namespace']}.{c['clientside_function']['function_name']}"
             for c in app()._callback_list if c.get("clientside_function")}
    assert named == {"view.figures", "view.rest"}
    assert named <= functions()


def test_the_scripts_name_the_same_regions_as_the_layout():
    text = (ASSETS / "view.js").read_text(encoding="utf8")
    def listed(name: str) -> list[str]:
        return re.findall(r"'(\w+)'", re.search(rf"const {name} = \[(.*?)\];", text, re.S).group(1))
    assert tuple(listed("FIRST")) == ids.FIRST_REGIONS
    assert tuple(listed("LATER")) == ids.LATER_REGIONS
    assert set(SLOTS) == set(ids.PANEL_REGIONS)


def test_every_region_has_exactly_one_place_in_the_frame():
    def regions(box) -> list[str]:
        return ([box.region] if box.region else []) + [name for inner in box.inside for name in regions(inner)]
    assert sorted(regions(shell.FRAME)) == sorted(ids.REGIONS)


def test_own_components_have_their_drawing():
    text = (ASSETS / "own.js").read_text(encoding="utf8")
    drawn = set(re.search(r"window\.yiping_own = \{([\w, ]+)\}", text).group(1).split(", "))
    used = {type(item).__name__ for item in components(app()).values() if item._namespace == "yiping_own"}
    assert used == drawn
    assert "Fragment" in used


@pytest.mark.parametrize("wrong", ["unknown", "misspelt", "owner", "cycle"])
def test_the_check_can_fail(wrong):
    made = app()
    plant = {"unknown": (Output("nobody", "data"), Input(ids.VIEW, "data")),
             "misspelt": (Output(ids.MAP_STATE, "dta"), Input(ids.VIEW, "data")),
             "owner": (Output(ids.ANSWER, "data"), Input(ids.CONTROL, "data")),
             "cycle": (Output(ids.VIEW, "data"), Input(ids.ANSWER, "data"))}[wrong]
    entry = copy.deepcopy(made._callback_list[0])
    entry["output"] = f"{plant[0].component_id}.{plant[0].component_property}"
    entry["inputs"] = [{"id": plant[1].component_id, "property": plant[1].component_property}]
    entry["state"] = []
    made._callback_list.append(entry)
    assert problems(made) != []


def test_scripts_are_short_and_evaluate_nothing():
    banned = re.compile(r"\beval\(|new Function|document\.write|\.outerHTML\s*=|insertAdjacentHTML|setTimeout\(['\"]")
    for file in ASSETS.glob("*.js"):
        text = file.read_text(encoding="utf8")
        assert len(text.splitlines()) <= 300, file.name
        assert not banned.search(text), file.name
        assert ".innerHTML" not in text or file.name == "own.js", file.name


def test_no_callback_is_global_and_no_exception_is_suppressed():
    made = app()
    assert made.config.suppress_callback_exceptions is False
    for file in (Path(__file__).resolve().parents[2] / "callbacks").glob("*.py"):
        text = file.read_text(encoding="utf8")
        assert "@callback" not in text
        assert "suppress_callback_exceptions=True" not in text
        assert "background=True" not in text
