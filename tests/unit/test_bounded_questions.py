"""What a question may cost the others: no lock held while an outline is made, no memory that grows for ever."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from access.principal import demo_principal
from api import layers
from api.web import Packed, Shelf, Web
from api.web_app import services
from data.answer_memo import AnswerMemo
from data.answers import Answer, Question, Scope, Window
from data.clock import Clock
from data.gate import Gate
from data.history_read import HistoryReader
from data.live import Live
from data.pack import load_pack
from data.settings import load_settings
from data.state import State
from data.windows import window_of
from geo.areas import area_of
from tests.unit.test_area_answers import WINDOW, Place
from tests.unit.test_engine import ROOT

PLACE = Path(__file__).parents[1] / "fixtures" / "tiny_pack"


@pytest.mark.parametrize(("kind", "name"), [("area", "polygon:115,26;115.1,26.1;115.1,26;115,26.1"),
                                            ("nearest", "circle:115.05,26.05,900")])
def test_an_outline_is_made_while_pages_are_answered(tmp_path: Path, kind: str, name: str,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    pack, reader = Place().pack, HistoryReader(tmp_path / "history")
    live = Live(pack, State(f"unix://{tmp_path}/none.sock", "t:"), reader, Clock(), tmp_path)
    gate = Gate(pack, live, reader)
    free: list[bool] = []

    def watched(*given: object) -> object:
        def take() -> None:
            free.append(live.lock.acquire(timeout=0.2))
            if free[-1]:
                live.lock.release()

        other = threading.Thread(target=take)
        other.start()
        other.join()
        return area_of(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("data.area_ground.area_of", watched)
    gate.read(demo_principal(ROOT), Question(kind, name), Scope(ROOT), WINDOW)
    assert free == [True], "made once, and not under the lock of all pages"


@pytest.fixture
def web(tmp_path: Path) -> Web:
    settings = load_settings(place=PLACE, state=tmp_path, redis_url=f"unix://{tmp_path}/none.sock")
    return services(settings, load_pack(PLACE))


def held(web: Web, window: Window) -> AnswerMemo:
    then = web.gate._past.then(window)
    assert then is not None
    return then.answers


@pytest.mark.parametrize("at", ["", "2020-01-01T00:00:00+08:00"])
def test_answers_of_any_instant_are_kept_by_their_number(web: Web, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    window = window_of({"at": at} if at else {}, Clock().now(), "Asia/Shanghai")
    memo = held(web, window) if at else web.gate._memo
    memo._most = 20
    code = web.pack.divisions.root.code
    for limit in range(1, 60):
        web.gate.read(demo_principal(code), Question("rows", "events", limit=limit), Scope(code), window)
    assert len(memo) <= 20


def test_answers_are_kept_by_their_rows() -> None:
    memo = AnswerMemo(100, 1000)
    for at in range(50):
        memo.put(at, None, Answer(Question("rows"), "", rows=({},) * 90))
        assert memo.rows == 90 * len(memo) <= 1000
    memo.put(49, None, Answer(Question("rows"), "", rows=({},)))
    assert memo.rows == 90 * (len(memo) - 1) + 1
    memo.put("large", None, Answer(Question("rows"), "", rows=({},) * 1001))
    assert memo.get("large") == (None, None)
    memo.forget(lambda key: True)
    assert memo.rows == len(memo) == 0


def test_a_box_is_answered_and_not_kept(web: Web) -> None:
    def ask(layer: str, query: str) -> int:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": [],
                 "path_params": {"layer": layer}, "server": ("here", 80), "scheme": "http",
                 "app": SimpleNamespace(state=SimpleNamespace(web=web))}
        return layers.layer(Request(scope)).status_code

    level = web.pack.divisions.level_names[-1]
    for n in range(5):
        for layer in (f"divisions-{level}", "events"):
            assert ask(layer, f"bbox=115.{n},25,116,26") == 200
    assert len(web.shelf._forms) == 0
    assert ask(f"divisions-{level}", "") == 200
    assert len(web.shelf._forms) == 1


def test_what_is_kept_as_bytes_is_kept_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.web.SHELF_BYTES", 1000)
    cache = SimpleNamespace(get_or_make=lambda key, make, ttl_s: make())
    shelf = Shelf(cache)  # type: ignore[arg-type]
    for n in range(20):
        assert shelf.get_or_make((n,), lambda: Packed(bytes(300))).body == bytes(300)
        assert sum(len(packed.body) for packed in shelf._forms.values()) == shelf._bytes <= 1000
