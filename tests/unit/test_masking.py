"""Numbers and names of persons, wherever a department writes them: in a reporter's field, in a title, in a detail."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_events_of_any_age import Told

from data.answers import Question, Scope
from data.clock import Clock
from data.masking import mask, mask_numbers
from data.windows import window_of

PHONE = "13812345678"


@pytest.mark.parametrize(("text", "shown"), [
    ("张三丰", "张**"), (PHONE, "138******78"), ("张三 13812345678", "张* 138******78"),
    ("13812345678（李四）", "138******78（李*）"), ("*13812345678", "*138******78"), ("张**", "张**"),
    ("36073119900101123X", "360*************3X"), ("", "")])
def test_a_reporter_is_masked_name_and_number(text: str, shown: str) -> None:
    assert mask(text) == shown
    assert mask(shown) == shown, "masking twice changes nothing"


@pytest.mark.parametrize("number", [
    PHONE, "138-1234-5678", "138 1234 5678", "138.1234.5678", "１３８－１２３４－５６７８"])
def test_a_number_in_a_sentence_is_masked(number: str) -> None:
    shown = mask_numbers(f"请回电{number}，谢谢")
    assert number not in shown
    assert shown.endswith(f"{number[-2:]}，谢谢")


def test_no_list_of_events_tells_a_number(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.tell("call", "received", 5, title=f"回电{PHONE}", detail=f"住户电话{PHONE}，噪声扰民", lon=115.0, lat=25.0)
    told.load()
    now = Clock().now()
    span, scope = window_of({}, now, "Asia/Shanghai"), Scope(told.pack.place.code)
    asked = [Question("rows", "events", order=order, limit=9) for order in ("newest", "open", "due", "overdue")]
    asked += [Question("marks", "events"), Question("timeline")]
    said = [str(told.gate.read(told.principal, question, scope, span)) for question in asked]
    said.append(str(told.gate.event(told.principal, "call", span)))
    assert sum("138******78" in one for one in said) >= 4
    assert not [one for one in said if PHONE in one]
