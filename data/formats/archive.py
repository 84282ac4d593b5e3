"""Opening a file safely: zip and gz are measured before and while they are unpacked, nothing is written to disk."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from data.formats.parts import Limits, Member, refuse

_ZIP, _GZ = b"PK\x03\x04", b"\x1f\x8b"
_BLOCK = 1 << 20


def open_members(path: Path, pattern: str, limits: Limits) -> Iterator[Member]:
    """The files to read: `path` itself, what its gz holds, or the zip's members whose name matches `pattern`.

    Raises:
        WrongInput: missing, empty, too large, damaged, encrypted, or unpacking to more than the limits.
    """
    head = _head(path)
    if head.startswith(_ZIP) and is_workbook(path.name, path):
        yield Member(path.name, _whole(path, limits))
    elif head.startswith(_ZIP) or path.suffix.lower() == ".zip":
        yield from _zip(path, pattern or "*", limits)
    elif head.startswith(_GZ):
        yield Member(path.name.removesuffix(".gz"), _gunzip(path, limits))
    else:
        yield Member(path.name, _whole(path, limits))


def is_workbook(name: str, file: Path | io.BytesIO) -> bool:
    """True for a zip that is a workbook: .xlsx and .ods are archives too, and are no bundle of files."""
    if name.lower().endswith((".xlsx", ".xlsm", ".ods")):
        return True
    try:
        with zipfile.ZipFile(file) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def packed_bytes(path: Path, pattern: str) -> int:
    """Bytes that reading will go through, for the progress bar (0 if that cannot be told)."""
    try:
        if is_workbook(path.name, path):
            return path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            return sum(info.file_size for info in _wanted(archive, pattern or "*"))
    except (zipfile.BadZipFile, OSError):
        return path.stat().st_size if path.exists() and _head(path)[:2] != _GZ else 0


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except IsADirectoryError as error:
        raise refuse(path.name, "是文件夹", "请给出文件") from error
    except OSError as error:
        raise refuse(path.name, f"打不开（{error.strerror}）", "请核对路径与读取权限") from error


def _too_large(name: str, limits: Limits) -> Exception:
    return refuse(name, f"解开后超过 {limits.max_bytes // 1_000_000} MB", "请拆成较小的文件再导入")


def _whole(path: Path, limits: Limits) -> bytes:
    if path.stat().st_size > limits.max_bytes:
        raise _too_large(path.name, limits)
    return path.read_bytes()


def _gunzip(path: Path, limits: Limits) -> bytes:
    packed, parts, size = path.stat().st_size, [], 0
    try:
        with gzip.open(path) as file:
            while block := file.read(_BLOCK):
                parts.append(block)
                size += len(block)
                if size > limits.max_bytes:
                    raise _too_large(path.name, limits)
                if size > limits.small_bytes and size > limits.max_ratio * packed:
                    raise refuse(path.name, f"压缩比超过 {limits.max_ratio:g}，疑似压缩炸弹", "请向来源单位核实")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise refuse(path.name, "gz 压缩数据已损坏或不完整", "请重新下载") from error
    return b"".join(parts)


def _wanted(archive: zipfile.ZipFile, pattern: str) -> list[zipfile.ZipInfo]:
    def visible(info: zipfile.ZipInfo) -> bool:
        parts = PurePosixPath(info.filename).parts
        return not info.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")

    found = [info for info in archive.infolist() if visible(info)]
    return [info for info in found
            if fnmatch(PurePosixPath(info.filename).name, pattern) or fnmatch(info.filename, pattern)]


def _zip(path: Path, pattern: str, limits: Limits) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            check_directory(path.name, archive, limits)
            wanted = _wanted(archive, pattern)
            if not wanted:
                raise refuse(path.name, f"压缩包里没有名为 {pattern} 的文件",
                             "请核对 feeds.yaml 的 member 或换一个文件")
            for info in sorted(wanted, key=lambda info: info.filename):
                yield _member(path.name, archive, info)
    except zipfile.BadZipFile as error:
        raise refuse(path.name, "zip 压缩包已损坏", "请重新下载") from error


def check_directory(name: str, archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuses an archive by its directory alone, before anything is unpacked.

    Raises:
        WrongInput: too many entries, too large, or a ratio that only bombs have.
    """
    infos = archive.infolist()
    if len(infos) > limits.max_entries:
        raise refuse(name, f"压缩包有 {len(infos)} 个条目，超过 {limits.max_entries}", "请拆成较小的压缩包")
    size, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if size > limits.max_bytes:
        raise _too_large(name, limits)
    worst = max([size / max(packed, 1), *(_ratio(info, limits) for info in infos)])
    if size > limits.small_bytes and worst > limits.max_ratio:
        raise refuse(name, f"压缩比达 {worst:.0f}，超过 {limits.max_ratio:g}，疑似压缩炸弹", "请向来源单位核实")


def _ratio(info: zipfile.ZipInfo, limits: Limits) -> float:
    return info.file_size / max(info.compress_size, 1) if info.file_size > limits.small_bytes else 0.0


def _member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    shown = f"{name} 内的 {_shown(info)}"
    try:
        with archive.open(info) as file:
            data = file.read(info.file_size + 1)
    except zipfile.BadZipFile as error:
        raise refuse(shown, "压缩数据已损坏", "请重新下载") from error
    except RuntimeError as error:
        raise refuse(shown, "有密码", "请先解密再导入") from error
    except (NotImplementedError, zlib.error, EOFError, OSError) as error:
        raise refuse(shown, "压缩数据已损坏或压缩方式不支持", "请用普通 zip 重新压缩") from error
    if data.startswith(_ZIP) and not is_workbook(info.filename, io.BytesIO(data)):
        raise refuse(shown, "压缩包里还有压缩包", "请先解开一层再导入")
    return Member(shown, data)


def _shown(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename
