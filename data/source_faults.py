"""How a source can fail: one exception that says it in a sentence, and the names of its secrets."""

from __future__ import annotations

import os

from data.errors import Unavailable, WrongInput


class Away(Unavailable):
    """The source does not answer as it should; `retry_after_s`: what it asked us to wait; `raw`: what it said."""

    def __init__(self, sentence: str, retry_after_s: float = 0.0, raw: str = "") -> None:
        super().__init__(sentence)
        self.retry_after_s, self.raw = retry_after_s, raw


class Unreadable(WrongInput):
    """What came cannot be understood as a whole; `raw`: what it was, for the quarantine."""

    def __init__(self, sentence: str, raw: str) -> None:
        super().__init__(sentence)
        self.raw = raw


def secret(variable: str) -> str:
    """The value of an environment variable that a feed names, '' when it names none.

    Raises:
        WrongInput: the variable is not set.
    """
    if not variable:
        return ""
    value = os.environ.get(variable, "")
    if not value:
        raise WrongInput(f"环境变量 {variable} 没有设置，而数据源要用它；请在启动采集器的环境里设置（.env 里的不算）")
    return value
