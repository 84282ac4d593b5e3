"""The breaker with a clock of its own, and the guard around a service that comes and goes."""

from __future__ import annotations

import logging
import threading

import pytest

from data.breaker import Breaker, Guard, Lost


def test_opens_after_two_failures_and_probes_once_a_second() -> None:
    clock = {"now": 100.0}
    breaker = Breaker(lambda: clock["now"])
    assert not breaker.failed()
    assert not breaker.open
    assert breaker.failed()
    assert breaker.open
    assert not breaker.failed(), "opened already"
    clock["now"] += 0.9
    assert not breaker.probe_due()
    clock["now"] += 0.2
    assert breaker.probe_due()
    assert not breaker.probe_due(), "one probe, not two"
    assert breaker.succeeded()
    assert not breaker.open
    assert not breaker.probe_due()
    assert not breaker.succeeded(), "was not open"


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(lambda: 0.0)
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert not breaker.open


def test_while_open_nobody_calls_and_the_probe_finds_it_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    alive, probed, calls = threading.Event(), threading.Event(), [0]

    def ping() -> None:
        probed.set()
        if not alive.is_set():
            raise ConnectionError("still away")

    def work() -> str:
        calls[0] += 1
        if not alive.is_set():
            raise ConnectionError("away")
        return "answer"

    guard = Guard("service", ping, (ConnectionError,), Breaker(every_s=0.02))
    for _ in range(5):
        with pytest.raises(Lost):
            guard.call(work)
    assert calls[0] == 2
    assert probed.wait(5)
    alive.set()
    probe = next(thread for thread in threading.enumerate() if thread.name == "service-probe")
    probe.join(5)
    assert guard.call(work) == "answer"
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["service lost: away", "service back"], "once when lost, once when back"


def test_other_errors_pass_and_do_not_count() -> None:
    guard = Guard("service", lambda: None, (ConnectionError,))

    def wrong() -> None:
        raise KeyError("x")

    for _ in range(3):
        with pytest.raises(KeyError):
            guard.call(wrong)
    assert not guard.breaker.open


def test_a_probe_that_meets_anything_else_is_said_and_followed_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    pings = [0]

    def ping() -> None:
        pings[0] += 1
        if pings[0] < 3:
            raise RuntimeError("can't start new thread")

    def work() -> str:
        if pings[0] < 3:
            raise ConnectionError("away")
        return "answer"

    guard = Guard("service", ping, (ConnectionError,), Breaker(every_s=0.02))
    for _ in range(2):
        with pytest.raises(Lost):
            guard.call(work)
    probe = next(thread for thread in threading.enumerate() if thread.name == "service-probe")
    probe.join(5)
    assert (pings[0], guard.breaker.open) == (3, False)
    assert guard.call(work) == "answer"
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["service lost: away", *["service: a probe failed; the next one follows"] * 2, "service back"]


def test_a_probe_that_could_not_be_started_is_started_by_a_later_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 100.0}
    guard = Guard("scarce", lambda: None, (ConnectionError,), Breaker(lambda: clock["now"], every_s=0.1))
    begun = threading.Thread.start

    def none_left(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def work() -> str:
        raise ConnectionError("away")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    for _ in range(3):
        with pytest.raises(Lost):
            guard.call(work)
    monkeypatch.setattr(threading.Thread, "start", begun)
    clock["now"] += 1
    with pytest.raises(Lost):
        guard.call(work)
    probe = next(thread for thread in threading.enumerate() if thread.name == "scarce-probe")
    clock["now"] += 1
    probe.join(5)
    assert not guard.breaker.open
