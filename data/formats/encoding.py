"""Bytes → text: byte order mark, strict UTF-8, else GB18030; a page of HTML or a binary is named for what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from charset_normalizer import from_bytes

from data.formats.parts import Member, refuse

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_UTF8 = {"utf-8", "utf8", "utf-8-sig"}
_KNOWN = _UTF8 | {"utf-16", "gb18030", "gbk", "gb2312", "latin-1", "iso-8859-1", "cp1252", "big5"}
_SINGLE_BYTE = {"latin-1", "iso-8859-1", "cp1252"}
_HTML = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body|<script|<!--.{0,400}?-->\s*<(?:!doctype|html))",
                   re.I | re.S)
_BINARIES = (
    (b"PK\x03\x04", "是压缩包或 Excel 工作簿", "请把文件名改为以 .xlsx 或 .zip 结尾再导入"),
    (b"\xd0\xcf\x11\xe0", "是旧式 Excel 工作簿（.xls）", "请把文件名改为以 .xls 结尾再导入"),
    (b"\x1f\x8b", "是 gz 压缩文件", "请把文件名改为以 .gz 结尾再导入"),
    (b"PAR1", "是 Parquet 文件", "请把文件名改为以 .parquet 结尾再导入"),
    (b"SQLite format 3", "是 SQLite 或 GeoPackage 文件", "请把文件名改为以 .gpkg 结尾再导入"),
    (b"%PDF", "是 PDF 文件", "请向来源单位索取 CSV 或 JSON"),
)
_CJK = re.compile("[\u3400-\u9fff]")
# Characters outside the 6,763 of GB 2312 are rare in real text; where every fifth is one, it was another encoding.
_MOST_RARE = 0.2
_SAMPLE = 20_000


def check_text(member: Member) -> None:
    """Refuses what is no text file at all.

    Raises:
        WrongInput: empty, HTML, or a known binary under a text file's name.
    """
    head = member.data[:4096]
    for mark, _ in _MARKS:
        head = head.removeprefix(mark)
    if not head.strip() and not member.data[len(head):].strip(b" \t\r\n\x0b\x0c\xef\xbb\xbf"):
        raise refuse(member.name, "是空文件", "请重新导出后再导入")
    if _HTML.match(head[:2000]):
        raise refuse(member.name, "内容是网页（HTML），不是数据", "多半是登录页或出错页，请登录来源系统重新下载")
    for magic, what, remedy in _BINARIES:
        if member.data.startswith(magic):
            raise refuse(member.name, f"内容{what}", remedy)


def decode(member: Member, declared: str) -> tuple[str, str]:
    """Text of a file and the encoding it was read with.

    Raises:
        WrongInput: no text, unknown or wrong encoding.
    """
    data, encoding = as_utf8(member, declared)
    return data.decode(), encoding


def as_utf8(member: Member, declared: str) -> tuple[bytes, str]:
    """The file as UTF-8 (its own bytes where they are that already) and the encoding it was read with.

    Raises:
        WrongInput: no text, unknown or wrong encoding, several encodings in one file; the line is named.
    """
    check_text(member)
    for mark, encoding in _MARKS:
        if member.data.startswith(mark):
            return _strict(member, encoding, member.data.removeprefix(b"\xef\xbb\xbf")), encoding
    if declared == "auto":
        return _detect(member)
    if declared.lower() not in _KNOWN:
        raise refuse(member.name, f"feeds.yaml 声明的编码 {declared!r:.20} 不认识", "请改为 auto、utf-8 或 gb18030")
    data = _strict(member, declared, member.data)
    if declared.lower() in _SINGLE_BYTE:
        _mojibake(member, declared)
    return data, declared


def _no_binary(member: Member, data: bytes) -> bytes:
    if b"\x00" in data:
        raise refuse(member.name, "含有二进制内容", "请另存为 UTF-8 文本再导入")
    return data


def _strict(member: Member, encoding: str, body: bytes) -> bytes:
    plain = encoding.lower() in _UTF8
    try:
        text = body.decode("utf-8" if plain else encoding)
    except UnicodeDecodeError as error:
        line = body[:error.start].count(b"\n") + 1
        raise refuse(member.name, f"第 {line} 行不是 {encoding} 文字",
                     "请把 feeds.yaml 的 encoding 改为 auto 或另存为 UTF-8") from error
    return _no_binary(member, body if plain else text.encode("utf-8", "surrogatepass"))


def _detect(member: Member) -> tuple[bytes, str]:
    if not member.data or _reads_as(member.data, "utf-8"):
        return _no_binary(member, member.data), "utf-8"
    try:
        text = member.data.decode("gb18030")
    except UnicodeDecodeError:
        raise _unreadable(member) from None
    data = _no_binary(member, text.encode())
    _no_mixture(member)
    rare = _rare(text)
    if rare:
        line = text[:text.index(rare)].count("\n") + 1
        raise refuse(member.name, f"不是 UTF-8，按 GB18030 读第 {line} 行又不成文字{_looks_like(member)}",
                     "请在 feeds.yaml 的 encoding 写明编码，或另存为 UTF-8")
    return data, "gb18030"


def _lines(member: Member) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of the lines with other letters than ASCII."""
    return ((number, line) for number, line in enumerate(member.data.split(b"\n"), 1) if not line.isascii())


def _reads_as(line: bytes, encoding: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _is_utf8(line: bytes) -> bool:
    """True for a line whose Chinese is surely UTF-8: it reads so, and read as GB18030 is no usual text."""
    if len(_CJK.findall(_reads_as(line, "utf-8"))) < 2:
        return False
    other = _reads_as(line, "gb18030")
    return not other or bool(_rare(other))


def _rare(text: str) -> str:
    """A Chinese character outside GB 2312 if those are more than a fifth, else ''."""
    found = "".join(_CJK.findall(text))
    usual = len(found.encode("gb2312", "ignore")) // 2
    if len(found) - usual <= _MOST_RARE * len(found):
        return ""
    return next(letter for letter in found if not letter.encode("gb2312", "ignore"))


def _no_mixture(member: Member) -> None:
    """GB18030 reads nearly any bytes: lines that are surely UTF-8 betray a file put together from two."""
    first = next((number for number, line in _lines(member) if _is_utf8(line)), 0)
    if first:
        other = next(number for number, line in _lines(member) if not _reads_as(line, "utf-8"))
        raise _mixed(member, first, other)


def _mixed(member: Member, utf8: int, other: int) -> Exception:
    return refuse(member.name, f"一个文件里有两种编码：第 {utf8} 行是 UTF-8，第 {other} 行不是",
                  "请让来源统一编码后重新导出")


def _unreadable(member: Member) -> Exception:
    utf8 = 0
    for number, line in _lines(member):
        if _is_utf8(line):
            utf8 = utf8 or number
        elif not _reads_as(line, "utf-8") and utf8:
            return _mixed(member, utf8, number)
        elif not _reads_as(line, "utf-8") and not _reads_as(line, "gb18030"):
            return refuse(member.name, f"第 {number} 行既不是 UTF-8 也不是 GB18030 文字{_looks_like(member)}",
                          "请另存为 UTF-8 再导入")
    return refuse(member.name, "既不是 UTF-8 也不是 GB18030 文字", "请另存为 UTF-8 再导入")


def _looks_like(member: Member) -> str:
    """A hint at the encoding, in brackets; '' if none suggests itself."""
    best = from_bytes(b"\n".join(line for _, line in _lines(member))[:_SAMPLE]).best()
    return f"（像是 {best.encoding}）" if best is not None and best.encoding not in ("utf_8", "gb18030") else ""


def _mojibake(member: Member, declared: str) -> None:
    """A single-byte encoding accepts any bytes; if they read as Chinese otherwise, the declaration is wrong."""
    if member.data.isascii():
        return
    for encoding in ("utf-8", "gb18030"):
        text = _reads_as(member.data, encoding)
        if len(_CJK.findall(text)) >= 2 and not _rare(text):
            raise refuse(member.name, f"声明为 {declared}，内容却是 {encoding} 汉字",
                         "请把 feeds.yaml 的 encoding 改为 auto")
