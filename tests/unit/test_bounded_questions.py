"""What a question may cost the others: no lock held while an outline is made, no memory that grows for ever."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from access.principal import demo_principal
from data.answers import Question, Scope
from data.clock import Clock
from data.gate import Gate
from data.history_read import HistoryReader
from data.live import Live
from data.state import State
from geo.areas import area_of
from tests.unit.test_area_answers import WINDOW, Place
from tests.unit.test_engine import ROOT


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
