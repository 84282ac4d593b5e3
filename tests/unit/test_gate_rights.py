"""Who may read and do what through the gate: every principal against every division and capability."""

from __future__ import annotations

from pathlib import Path

import pytest

from access.principal import (
    ACKNOWLEDGE,
    CONTROL,
    CORRECT,
    EXPORT,
    KEEP,
    READ,
    REPLAY,
    SUPERVISE,
    Principal,
    demo_principal,
    duty_principal,
)
from data.answers import Question, Scope
from data.clock import Clock
from data.errors import NotAllowed, NotFound, WrongInput
from data.gate import Gate
from data.history_read import HistoryReader
from data.live import Live
from data.pack import load_pack
from data.state import State
from data.windows import window_of

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
COUNTY, WEST, EAST = "990101000000", "990101001000", "990101002000"
PRINCIPALS = {
    "demo": demo_principal(COUNTY), "duty": duty_principal(COUNTY), "demo of a town": demo_principal(WEST),
    "duty of a town": duty_principal(WEST), "elsewhere": demo_principal("360731000000"),
    "nothing": Principal("x", "x", COUNTY, frozenset())}
READS = {  # principal → divisions whose figures it may read
    "demo": {COUNTY, WEST, EAST}, "duty": {COUNTY, WEST, EAST}, "demo of a town": {WEST}, "duty of a town": {WEST},
    "elsewhere": set(), "nothing": set()}
HARMLESS, WRITES = {READ, EXPORT, REPLAY}, {SUPERVISE, ACKNOWLEDGE, CORRECT, CONTROL, KEEP}
ACTS = {"demo": HARMLESS, "duty": HARMLESS | WRITES, "demo of a town": HARMLESS, "duty of a town": HARMLESS | WRITES,
        "elsewhere": HARMLESS, "nothing": set()}
QUESTIONS = (Question("metric", "calls"), Question("metric", "calls", "children"), Question("rows", "events"),
             Question("rows", "assets:gauge"), Question("warnings"), Question("feeds"), Question("profile"))


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    folder, pack = tmp_path_factory.mktemp("rights"), load_pack(TINY)
    reader = HistoryReader(folder / "history")
    live = Live(pack, State(f"unix://{folder}/none.sock", "t:"), reader, Clock(), folder)
    return Gate(pack, live, reader)


@pytest.mark.parametrize("division", [COUNTY, WEST, EAST])
@pytest.mark.parametrize("who", PRINCIPALS)
def test_reading(gate: Gate, who: str, division: str) -> None:
    span = window_of({}, Clock().now(), "Asia/Shanghai")
    for question in QUESTIONS:
        if division in READS[who]:
            assert gate.read(PRINCIPALS[who], question, Scope(division), span).question == question
        else:
            with pytest.raises(NotAllowed, match="无权"):
                gate.read(PRINCIPALS[who], question, Scope(division), span)


@pytest.mark.parametrize("capability", sorted(HARMLESS | WRITES | {"unmask", ""}))
@pytest.mark.parametrize("who", PRINCIPALS)
def test_acting(gate: Gate, who: str, capability: str) -> None:
    for division in (COUNTY, WEST, EAST):
        if capability in ACTS[who] and division in READS[who]:
            gate.act(PRINCIPALS[who], capability, division)
        else:
            with pytest.raises(NotAllowed, match="无权"):
                gate.act(PRINCIPALS[who], capability, division)


def test_an_answer_made_for_one_is_not_given_to_another_who_may_not_see_it(gate: Gate) -> None:
    span = window_of({}, Clock().now(), "Asia/Shanghai")
    question = Question("metric", "open_cases")
    gate.read(PRINCIPALS["duty"], question, Scope(EAST), span)
    with pytest.raises(NotAllowed):
        gate.read(PRINCIPALS["duty of a town"], question, Scope(EAST), span)


def test_what_does_not_exist_is_told_apart_from_what_is_forbidden(gate: Gate) -> None:
    span = window_of({}, Clock().now(), "Asia/Shanghai")
    with pytest.raises(NotFound, match="没有区划"):
        gate.read(PRINCIPALS["duty"], QUESTIONS[0], Scope("360731000000"), span)
    with pytest.raises(NotFound, match="没有区划"):
        gate.act(PRINCIPALS["duty"], SUPERVISE, "360731000000")
    with pytest.raises(NotFound, match="没有指标"):
        gate.read(PRINCIPALS["demo"], Question("metric", "none"), Scope(COUNTY), span)
    with pytest.raises(WrongInput):
        gate.read(PRINCIPALS["demo"], Question("secrets"), Scope(COUNTY), span)


def test_personal_data_stays_masked_for_both_principals_of_the_demo() -> None:
    assert all(PRINCIPALS[who].masked for who in ("demo", "duty"))
