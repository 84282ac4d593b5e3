"""The four own exceptions, and the one table that maps them to HTTP and to words."""

from __future__ import annotations


class YipingError(Exception):
    """Base of the four; carries one plain sentence: what is wrong, where, and the remedy."""


class WrongInput(YipingError):
    """Somebody handed in something that cannot be understood (file, setting, address, record)."""


class NotAllowed(YipingError):
    """The principal may not read or do this."""


class NotFound(YipingError):
    """There is no such division, metric, feed, event or screen."""


class Unavailable(YipingError):
    """A part that is needed (Redis, collector, Chromium, disk) is not there now."""


HTTP_STATUS: dict[type[YipingError], int] = {WrongInput: 400, NotAllowed: 403, NotFound: 404, Unavailable: 503}
TITLES: dict[type[YipingError], str] = {
    WrongInput: "输入有误",
    NotAllowed: "无权访问",
    NotFound: "没有找到",
    Unavailable: "暂不可用",
}
EXIT_CODE: dict[type[YipingError], int] = {WrongInput: 2, NotAllowed: 2, NotFound: 2, Unavailable: 1}
