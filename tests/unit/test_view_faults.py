"""A question that fails must not take the page with it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from api.view import ask
from data.answers import Question, Scope, Window
from data.errors import NotFound

SPAN = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


def web(error: Exception) -> SimpleNamespace:
    def read(*_: object) -> None:
        raise error
    return SimpleNamespace(gate=SimpleNamespace(read=read))


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), KeyError("pm25"), RecursionError()])
def test_a_fault_of_the_program_becomes_an_answer_with_a_reference(error, caplog):
    with caplog.at_level(logging.ERROR):
        found = ask(web(error), None, Question("metric", "aqi"), Scope("360731000000"), SPAN)
    assert (found.value, found.freshness) == (None, "down")
    reference = found.note.partition("编号 ")[2][:6]
    assert reference in caplog.text
    assert type(error).__name__ in caplog.text


def test_a_refusal_keeps_its_own_words():
    found = ask(web(NotFound("没有指标 x")), None, Question("metric", "x"), Scope("360731000000"), SPAN)
    assert (found.note, found.freshness) == ("没有指标 x", "down")
