"""The place's state folder: made with safe rights, writable, with room; and short paths for its sockets."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from data.durable import make_folder
from data.errors import Unavailable, os_words
from data.settings import Settings
from data.state_layout import layout_of

NEEDED_MB, RESERVE_MB = 200, 64
_SOCKET_LIMIT = 100


def prepare(settings: Settings, needed_mb: int = NEEDED_MB) -> Path:
    """The state folder, made (0700) if missing.

    Raises:
        Unavailable: it cannot be written, its disk has less than `needed_mb` left, or a newer program wrote it.
    """
    folder = settings.state_dir
    try:
        make_folder(folder, 0o700)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 65536)
        free_mb = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        remedy = "请改正权限或腾出空间，或用 YIPING_STATE（--state）另指一个目录"
        raise Unavailable(f"状态目录 {folder} 不能写入（{os_words(error)}）；{remedy}") from error
    if free_mb < needed_mb:
        shortage = f"状态目录 {folder} 所在磁盘只剩 {free_mb} MB，至少要 {needed_mb} MB"
        raise Unavailable(f"{shortage}；请腾出空间，或用 YIPING_STATE（--state）换一个磁盘")
    layout_of(folder)
    return folder


def shortage(folder: Path) -> str:
    """Why nothing more is accepted: the sentence while less than 64 MB are free, '' with room.

    What is left then is for Redis, the history and the logs, which carry on what was accepted already.
    """
    try:
        free_mb = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        return f"状态目录 {folder} 读不到（{os_words(error)}），暂不接收新数据；请检查磁盘，恢复后自动继续"
    if free_mb >= RESERVE_MB:
        return ""
    return f"磁盘将满：状态目录 {folder} 只剩 {free_mb} MB，暂不接收新数据；请腾出 {RESERVE_MB} MB 以上，之后自动继续"


def socket_path(settings: Settings, name: str) -> Path:
    """Path of a unix socket of the place: in the state folder, or in a private short folder where the path is too long.

    Raises:
        Unavailable: the short folder exists and is not ours alone.
    """
    path = settings.state_dir / name
    if len(os.fsencode(path)) <= _SOCKET_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(settings.state_dir)).hexdigest()[:12]
    folder = Path("/tmp") / f"yiping-{os.getuid()}-{digest}"  # noqa: S108
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        remedy = "请删除它，或用 --state 指一个路径较短的目录"
        raise Unavailable(f"目录 {folder} 不是本用户独有（应为 0700），不能放套接字；{remedy}")
    return folder / name
