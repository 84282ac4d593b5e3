"""Bytes → text: byte order mark, strict UTF-8, else GB18030; a page of HTML or a binary is named for what it is."""

from __future__ import annotations

import re

from data.formats.parts import Member, refuse

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_KNOWN = {"utf-8", "utf8", "utf-8-sig", "utf-16", "gb18030", "gbk", "gb2312", "latin-1", "iso-8859-1", "cp1252", "big5"}
_SINGLE_BYTE = {"latin-1", "iso-8859-1", "cp1252"}
_HTML = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body|<script|<!--.{0,400}?-->\s*<(?:!doctype|html))",
                   re.I | re.S)
_BINARIES = (
    (b"PK\x03\x04", "是压缩包或 Excel 工作簿", "请另存为 CSV（UTF-8）再导入"),
    (b"\xd0\xcf\x11\xe0", "是旧式 Excel 工作簿（.xls）", "请另存为 CSV（UTF-8）再导入"),
    (b"\x1f\x8b", "是 gz 压缩文件", "请把文件名改为以 .gz 结尾再导入"),
    (b"PAR1", "是 Parquet 文件", "请把文件名改为以 .parquet 结尾再导入"),
    (b"%PDF", "是 PDF 文件", "请向来源单位索取 CSV 或 JSON"),
)
_CJK = re.compile("[\u3400-\u9fff]")


def check_text(member: Member) -> None:
    """Refuses what is no text file at all.

    Raises:
        WrongInput: empty, HTML, or a known binary under a text file's name.
    """
    body = member.data
    for mark, _ in _MARKS:
        body = body.removeprefix(mark)
    if not body.strip():
        raise refuse(member.name, "是空文件", "请重新导出后再导入")
    if _HTML.match(body[:2000]):
        raise refuse(member.name, "内容是网页（HTML），不是数据", "多半是登录页或出错页，请登录来源系统重新下载")
    for magic, what, remedy in _BINARIES:
        if member.data.startswith(magic):
            raise refuse(member.name, f"内容{what}", remedy)


def decode(member: Member, declared: str) -> tuple[str, str]:
    """Text of a file and the encoding it was read with.

    Raises:
        WrongInput: no text, unknown or wrong encoding.
    """
    check_text(member)
    for mark, encoding in _MARKS:
        if member.data.startswith(mark):
            return _strict(member, encoding), encoding
    if declared == "auto":
        return _detect(member)
    if declared.lower() not in _KNOWN:
        raise refuse(member.name, f"feeds.yaml 声明的编码 {declared!r:.20} 不认识", "请改为 auto、utf-8 或 gb18030")
    text = _strict(member, declared)
    if declared.lower() in _SINGLE_BYTE:
        _mojibake(member, declared)
    return text, declared


def _detect(member: Member) -> tuple[str, str]:
    for encoding in ("utf-8", "gb18030"):
        try:
            text = member.data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text, encoding
    raise refuse(member.name, "既不是 UTF-8 也不是 GB18030 文字", "请另存为 UTF-8 再导入")


def _strict(member: Member, encoding: str) -> str:
    try:
        text = member.data.decode(encoding)
    except UnicodeDecodeError as error:
        line = member.data[:error.start].count(b"\n") + 1
        raise refuse(member.name, f"第 {line} 行不是 {encoding} 文字",
                     "请把 feeds.yaml 的 encoding 改为 auto 或另存为 UTF-8") from error
    if "\x00" in text:
        raise refuse(member.name, "含有二进制内容", "请另存为 UTF-8 文本再导入")
    return text


def _mojibake(member: Member, declared: str) -> None:
    """A single-byte encoding accepts any bytes; if they read as Chinese otherwise, the declaration is wrong."""
    if member.data.isascii():
        return
    for encoding in ("utf-8", "gb18030"):
        try:
            text = member.data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if len(_CJK.findall(text)) >= 2:
            raise refuse(member.name, f"声明为 {declared}，内容却是 {encoding} 汉字",
                         "请把 feeds.yaml 的 encoding 改为 auto")
