"""A page's address that names what does not exist gets one sentence and the way home, never another view in silence."""

from __future__ import annotations

import pytest
from flask import Flask

from callbacks.security import UnreadableAddress, secure
from layouts.shell import lost_page


def test_the_sentence_is_the_page_and_stays_text() -> None:
    server = Flask("t")
    secure(server, [])

    @server.route("/wrong")
    def _wrong() -> str:
        raise UnreadableAddress("没有区划 <b>x</b>；编码为 12 或 15 位")

    reply = server.test_client().get("/wrong")
    assert (reply.status_code, reply.mimetype) == (400, "text/html")
    text = reply.get_data(as_text=True)
    assert "没有区划 &lt;b&gt;x" in text
    assert 'href="/"' in text


@pytest.mark.parametrize("words", [(), ("这个地址读不懂", "没有区划")])
def test_a_lost_page_leads_home(words: tuple[str, ...]) -> None:
    assert "回到总览" in lost_page(*words)
