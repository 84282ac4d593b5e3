"""The four own exceptions, and the one table that maps them to HTTP and to words."""

from __future__ import annotations

import errno


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


# What a sender is told to wait after a 503.
RETRY_AFTER_S = 10
_REASONS = {errno.ENOSPC: "磁盘已满", errno.EDQUOT: "磁盘配额已满", errno.EACCES: "没有权限", errno.EPERM: "没有权限",
            errno.EROFS: "磁盘是只读的", errno.ENOENT: "没有这个目录或文件", errno.EIO: "磁盘读写出错",
            errno.ENOTDIR: "路径中有一段不是目录", errno.EADDRINUSE: "已被别的程序占用",
            errno.EADDRNOTAVAIL: "不是本机的地址",
            errno.EMFILE: "打开的文件太多", errno.ECONNREFUSED: "对方拒绝连接"}
HTTP_STATUS: dict[type[YipingError], int] = {WrongInput: 400, NotAllowed: 403, NotFound: 404, Unavailable: 503}
TITLES: dict[type[YipingError], str] = {
    WrongInput: "输入有误",
    NotAllowed: "无权访问",
    NotFound: "没有找到",
    Unavailable: "暂不可用",
}
EXIT_CODE: dict[type[YipingError], int] = {WrongInput: 2, NotAllowed: 2, NotFound: 2, Unavailable: 1}


def os_words(error: OSError) -> str:
    """Why the system refused, in Chinese where it is one of the usual reasons."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)
