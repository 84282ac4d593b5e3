"""A wrong setting in words: its name, the value given, where that came from, what it may be."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from data.errors import WrongInput, os_words

_LINE = re.compile(r"^\s*(?:export\s+)?(\w+)\s*(=?)")
_KINDS = {"bool": "true 或 false", "int": "整数", "float": "数", "finite": "有限的数", "path": "路径", "string": "文字"}
_LIMITS = {"ge": "不小于", "gt": "大于", "le": "不大于", "lt": "小于"}


def wrong_value(detail: ErrorDetails, fields: Mapping[str, FieldInfo], given: Mapping[str, Any], file: Path,
                prefix: str) -> str:
    """The sentence of one refused value; `given`: what the command line set, `file`: the .env."""
    field = str(detail["loc"][0])
    name = f"{prefix}{field.upper()}"
    if given.get(field) is not None:
        told = f"--{field.replace('_', '-')}（命令行）"
    elif any(known.upper() == name for known in os.environ):
        told = f"{name}（环境变量）"
    else:
        told = f"{name}（{file.name} 第 {line_of(file, name)} 行）"
    wrong = f"设置 {told}的值 {str(detail['input'])!r:.60} 不合要求：应为{allowed(detail, fields[field])}"
    return f"{wrong}；请改正，全部设置见 docs/settings.md"


def allowed(detail: ErrorDetails, field: FieldInfo) -> str:
    """What a setting may be: the words of a choice, or its kind and limits."""
    if detail["type"] == "literal_error":
        return "、".join(map(str, get_args(field.annotation))) + " 之一"
    if detail["type"] == "string_pattern_mismatch":
        return "英文字母、数字、- 或 _，最多 32 个"
    limits = {sign: getattr(rule, sign) for rule in field.metadata for sign in _LIMITS if hasattr(rule, sign)}
    kind = next((word for word in (*get_args(field.annotation), field.annotation) if word in (bool, int, float)), None)
    found = _KINDS[kind.__name__] if kind else _KINDS.get(detail["type"].partition("_")[0], "别的写法")
    if limits.keys() == {"ge", "le"}:
        return f" {limits['ge']} 到 {limits['le']} 的{found}"
    return "，".join([found, *(f"{_LIMITS[sign]} {limit}" for sign, limit in limits.items())])


def names_in(path: Path, prefix: str) -> list[str]:
    """Variable names that a .env file sets; none without the file.

    Raises:
        WrongInput: it cannot be read, or a line of ours has no `=` and would be passed over.
    """
    if not path.is_file():
        return []
    names = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        found = _LINE.match(line)
        if found and not found[2] and found[1].startswith(prefix):
            raise WrongInput(f"{path} 第 {number} 行的 {found[1]} 缺少等号；请写成 {found[1]}=值")
        if found and found[2]:
            names.append(found[1])
    return names


def line_of(path: Path, name: str) -> int:
    """The last line that sets the name, which is the one that rules; 0 when none does."""
    lines = _text(path).splitlines() if path.is_file() else []
    return max((number for number, line in enumerate(lines, 1)
                if (found := _LINE.match(line)) and found[1].upper() == name), default=0)


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[:error.start].count(10) + 1
        raise WrongInput(f"{path} 第 {line} 行不是 UTF-8 编码；请另存为 UTF-8") from error
    except OSError as error:
        raise WrongInput(f"{path} 读不了（{os_words(error)}）；请改正它的权限，或删去它") from error
