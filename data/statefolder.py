"""The place's state folder: made with safe rights, writable, with room; and short paths for its sockets."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from data.errors import Unavailable
from data.settings import Settings

NEEDED_MB = 200
_SOCKET_LIMIT = 100


def prepare(settings: Settings) -> Path:
    """The state folder, made (0700) if missing.

    Raises:
        Unavailable: it cannot be written, or its disk has less than 200 MB left.
    """
    folder = settings.state_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 65536)
        free_mb = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        remedy = "请改正权限或腾出空间，或用 YIPING_STATE（--state）另指一个目录"
        raise Unavailable(f"状态目录 {folder} 不能写入（{error.strerror}）；{remedy}") from error
    if free_mb < NEEDED_MB:
        shortage = f"状态目录 {folder} 所在磁盘只剩 {free_mb} MB，至少要 {NEEDED_MB} MB"
        raise Unavailable(f"{shortage}；请腾出空间，或用 YIPING_STATE（--state）换一个磁盘")
    return folder


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
