"""Text that was read in the wrong encoding somewhere on its way: found, and where it is plain, what it should say."""

from __future__ import annotations

import re

LOST = "\ufffd"
# What remains of a lost letter after it was read as GB18030 once more.
LOST_TWICE = "锟斤拷"
_LATIN = re.compile("[\x80-\xff]{2,}")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_NEITHER = re.compile("[^\x00-\x7f\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


def garbled(text: str) -> str:
    """What is wrong with a text, '' if nothing: half a sentence that goes after the field's name."""
    if text.isascii():
        return ""
    if LOST in text or LOST_TWICE in text:
        return "有无法还原的乱码；请由来源按原编码重送"
    meant = _meant(text)
    return f"疑似编码读错（应为“{meant[:20]}”）；请按来源的编码读取后重送" if meant else ""


def _meant(text: str) -> str:
    """The Chinese that the text says when its bytes are read otherwise; '' when it does not say any."""
    if _LATIN.search(text):
        for encoding in ("utf-8", "gb18030"):
            found = _again(text, "latin-1", encoding) or _again(text, "cp1252", encoding)
            if len(_CHINESE.findall(found)) >= 2 and not _NEITHER.search(found):
                return found
        return ""
    found = _again(text, "gb18030", "utf-8")
    return found if len(_CHINESE.findall(found)) >= 2 and not _NEITHER.search(found) else ""


def _again(text: str, was: str, should: str) -> str:
    try:
        return text.encode(was).decode(should)
    except UnicodeError:
        return ""
