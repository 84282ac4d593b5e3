"""The Dash app without a browser: headers, first paint, compressed files, and callbacks met with nonsense."""

from __future__ import annotations

import json

import brotli
import pytest
from dash import no_update

from callbacks.bundles import pack
from callbacks.dash_app import make_dash, script_json
from callbacks.enlarge import content, open_panel, question, told
from callbacks.services import Services
from data.errors import NotFound, Unavailable, WrongInput
from layouts import ids, shell
from layouts.screen import Place
from layouts.screens import SCREENS

PLACE = Place("1", "甲<乙>县", "一屏统览", (("county", "县"),), "示意边界", False, "Asia/Shanghai")
VIEW = {"v": "7", "screen": "overview", "title": "总览", "demo": True,
        "regions": {"lead": '<div class="lead">好</div>', "figures": "<div class=kpi>1</div>", "maphead": "<b>图</b>"},
        "map": {"name": "</script><script>alert(1)</script>"}}


def first(path, query):
    if path == "/economy":
        raise Unavailable("历史库正在恢复，请稍候。")
    if path == "/events":
        raise RuntimeError("secret detail")
    if path != "/":
        raise NotFound(f"没有页面 {path}")
    return {**VIEW, "theme": query.get("theme", "dark")}


def enlarge(query, panel):
    if panel != "p1":
        raise NotFound(f"没有面板 {panel}。")
    return {"title": "标题", "figure": None, "columns": ["名称"], "rows": [["<b>"]]}


@pytest.fixture(scope="module")
def client():
    made = make_dash(Services(PLACE, SCREENS, first, enlarge, demo=True, wall_root_px=18.0))
    return made.server.test_client()


def text(client, path):
    with client.get(path) as answer:
        return answer.status_code, answer.get_data(as_text=True)


def test_the_page_holds_the_first_view(client):
    status, page = text(client, "/")
    assert status == 200
    assert '<div class="rg" data-region="r-lead"><div class="lead">好</div></div>' in page
    assert "甲&lt;乙&gt;县" in page
    assert 'class="wm"' in page
    first_json = page.split('id="first-view">')[1].split("</script>")[0]
    assert json.loads(first_json)["map"]["name"] == "</script><script>alert(1)</script>"
    assert "alert(1)</script>" not in page
    assert "Loading..." not in page


def test_the_frame_stands_whatever_the_first_view_does(client):
    status, page = text(client, "/economy")
    assert status == 200
    assert "历史库正在恢复，请稍候。" in page
    status, page = text(client, "/events")
    assert status == 200
    assert "secret detail" not in page
    assert json.loads(page.split('id="first-view">')[1].split("</script>")[0]) == {"failed": True}
    assert text(client, "/nowhere")[0] == 404


def test_theme_and_wall_come_from_the_address(client):
    assert 'data-theme="light"' in text(client, "/?theme=light")[1]
    assert 'data-theme="dark"' in text(client, "/?theme=x%22onload")[1]
    assert 'style="font-size:18px"' in text(client, "/?surface=wall")[1]
    assert 'style="font-size' not in text(client, "/")[1].split("<body")[0]


def test_headers_and_policy(client):
    with client.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"]
    scripts = policy.split("script-src ")[1].split(";")[0]
    assert "unsafe" not in scripts
    assert scripts.startswith("'self' 'sha256-")
    assert "frame-ancestors 'none'" in policy
    with client.get("/_dash-layout") as answer:
        assert "Content-Security-Policy" in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/_mcp").status_code == 404


def test_the_first_paint_and_the_components_are_the_same_frame():
    def of_html(html: str) -> list[str]:
        return [piece.split('"')[0] for piece in html.split('class="')[1:]]

    def of_components(item) -> list[str]:
        if item is None or isinstance(item, str):
            return []
        if isinstance(item, list | tuple):
            return [css for part in item for css in of_components(part)]
        css = [item.className] if getattr(item, "className", None) else []
        return css + of_components(getattr(item, "children", None))

    drawn = of_components(shell.shell(PLACE))
    kept = [css for css in drawn if css not in ("ground", "dialog")]
    mark = of_html(str(shell.brand(PLACE)))
    assert [css for css in of_html(str(shell.first_paint(PLACE, {}))) if css not in mark] == kept


def test_files_are_compressed_once_and_kept_for_ever(client):
    page = text(client, "/")[1]
    path = next(piece.split('"')[0] for piece in page.split('href="')[1:] if "all.js" in piece)
    with client.get(path, headers={"Accept-Encoding": "br"}) as answer:
        assert answer.headers["Content-Encoding"] == "br"
        assert "immutable" in answer.headers["Cache-Control"]
        assert b"yiping_own" in brotli.decompress(answer.get_data())
    with client.get(path) as answer:
        assert "Content-Encoding" not in answer.headers
        assert b"yiping_own" in answer.get_data()
    with client.get("/assets/own.js?m=0", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"


def test_warm_asks_for_every_file_of_the_page():
    made = make_dash(Services(PLACE, SCREENS, first, enlarge))
    kept = made.bundles.warm()
    names = "".join(made.bundles._kept)
    assert kept >= 10
    assert "dash_renderer" in names
    assert "all.js" in names
    assert "all.css" in names
    assert "dash_table" not in names


def test_a_file_without_a_version_is_packed_and_asked_for_by_its_tag(client):
    path = "/_dash-component-suites/dash/dcc/async-graph.js"
    with client.get(path, headers={"Accept-Encoding": "br"}) as answer:
        assert (answer.headers["Content-Encoding"], answer.headers["Cache-Control"]) == ("br", "no-cache")
        tag = answer.headers["ETag"]
    with client.get(path, headers={"If-None-Match": tag}) as answer:
        assert (answer.status_code, answer.get_data()) == (304, b"")
    with client.get(path + "?x=1") as answer:
        assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_packed_forms_answer_what_the_browser_takes():
    packed = pack("m=1", "text/plain", b"x" * 5000, 5)
    with packed.answer("gzip, br") as answer:
        assert answer.headers["Content-Encoding"] == "br"
    with packed.answer("") as answer:
        assert answer.get_data() == b"x" * 5000


def test_enlarge_answers_only_what_a_page_sends():
    asked = question({"act": "enlarge", "panel": "p1", "query": "screen=overview&division=1"})
    assert asked == ({"screen": "overview", "division": "1"}, "p1")
    assert question({"act": "theme"}) is None
    assert question(None) is None
    for wrong in ({"panel": {"$ne": 1}}, {"panel": "../etc"}, {"panel": "p" * 65}, {"query": ["x"]},
                  {"query": "x" * 5000}):
        with pytest.raises(WrongInput):
            question({"act": "enlarge", "panel": "p1", "query": "screen=overview", **wrong})
    assert open_panel(enlarge, {"act": "other"}) == (no_update, no_update, no_update)
    title, shown, opened = open_panel(enlarge, {"act": "enlarge", "panel": "p1", "query": ""})
    assert (title, opened) == ("标题", True)
    assert len(shown) == 1
    assert told(RuntimeError("secret"))[1][0].children == "此面板暂时无法放大，已记录；请稍后重试。"
    assert told(NotFound("没有面板 x。"))[1][0].children == "没有面板 x。"
    assert content({"title": "", "figure": {"data": []}, "columns": [], "rows": [], "note": "注"})[1].children == "注"


def callback(client, body) -> tuple[int, str]:
    with client.post("/_dash-update-component", json=body) as answer:
        return answer.status_code, answer.get_data(as_text=True)


def test_callbacks_met_with_nonsense_answer_plainly(client):
    outputs = [{"id": ids.DIALOG, "property": name} for name in ("title", "children", "opened")]
    name = "..dialog.title...dialog.children...dialog.opened.."
    asked = {"act": "enlarge", "panel": "p9", "query": ""}
    good = {"output": name, "outputs": outputs, "changedPropIds": ["control.data"],
            "inputs": [{"id": ids.CONTROL, "property": "data", "value": asked}]}
    status, body = callback(client, good)
    assert status == 200
    assert "没有面板 p9" in body
    for value in ([], "x", 5, {"act": "enlarge"}, {"act": "enlarge", "panel": {"a": 1}, "query": 3}):
        status, body = callback(client, {**good, "inputs": [{**good["inputs"][0], "value": value}]})
        assert status in (200, 204), value
        assert "Traceback" not in body
    for wrong in ({}, {"output": "nobody.data"}, {**good, "output": "nobody.data"}, {**good, "inputs": "x"}, [],
                  {"output": 5}):
        status, body = callback(client, wrong)
        assert status == 400, wrong
        assert "Traceback" not in body
    with client.post("/_dash-update-component", data=b"x" * (3 << 20), content_type="application/json") as answer:
        assert answer.status_code == 413


def test_json_for_a_script_element():
    assert str(script_json({"a": "</script>\u2028"})) == '{"a":"\\u003c/script>\\u2028"}'
