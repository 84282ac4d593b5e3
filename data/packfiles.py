"""Files of a place pack: YAML with line numbers, divisions with every problem named."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from data.divisionfiles import parse_divisions
from data.errors import WrongInput
from data.vectorfiles import read_vector
from data.yaml_words import yaml_words
from geo.divisions import Divisions

MAX_YAML_BYTES = 4_000_000
DIVISION_FILES = ("divisions.geojson", "divisions.gpkg", "divisions.shp")
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

EXPECTED = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这个名称，请核对拼写",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "dict_type": "应为名称与值的列表",
    "model_type": "应为名称与值的列表",
    "tuple_type": "应为列表",
    "list_type": "应为列表",
}


class PackProblem(WrongInput):
    """A place pack that cannot be used; `problems`: one line each, `file:line: what is wrong, what is expected`."""

    def __init__(self, problems: Sequence[str]):
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def shown(path: Path) -> str:
    """The path as people see it: relative to where they stand when it lies below."""
    return os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)


def read_yaml(root: Path, name: str, model: Any, problems: list[str], optional: bool = False) -> Any | None:
    """Reads `root/name` and validates it as `model`.

    Args:
        root: folder of the pack.
        name: file name in it.
        model: any type pydantic understands.
        problems: receives one line per problem, `path:line: what is wrong, what is expected`.
        optional: a file that is not there is no problem.

    Returns:
        The validated value; None when the file is absent or has a problem.
    """
    path = root / name
    if not path.is_file():
        if not optional:
            problems.append(f"{shown(path)}:1: 没有这个文件，请从 places/yudu 复制一份再修改")
        return None
    before = len(problems)
    node, value = _load(path, problems)
    if len(problems) > before:
        return None
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        problems += [_explain(shown(path), node, detail) for detail in error.errors()]
        return None


def located(root: Path, name: str, *keys: str | int) -> str:
    """`path:line` of an entry of a file that was read: of the deepest of the keys that is there."""
    return f"{shown(root / name)}:{_line(_load(root / name, [])[0], keys)}"


def read_divisions(root: Path, levels: Sequence[tuple[str, str]], problems: list[str]) -> Divisions | None:
    """Reads `divisions.geojson` (or `.gpkg`, `.shp`), EPSG:4490 lon/lat, and checks the tree.

    Gaps and overlaps are the business of `geo.topology.check_topology`, which is slower.
    """
    path = next((root / name for name in DIVISION_FILES if (root / name).is_file()), None)
    if path is None:
        missing = shown(root / DIVISION_FILES[0])
        problems.append(f"{missing}:1: 没有区划文件，请运行 ./yiping place build 或 place import 生成")
        return None
    try:
        features = read_vector(path)
    except WrongInput as error:
        problems.append(f"{shown(path)}:1: {error}")
        return None
    divisions, found = parse_divisions(features, levels)
    lines = _lines_of_codes(path) if found else {}
    problems += [f"{shown(path)}:{lines.get(code, 1)}: {text}" for code, text in found]
    return divisions


def _load(path: Path, problems: list[str]) -> tuple[yaml.Node | None, Any]:
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_YAML_BYTES:
            problems.append(f"{shown(path)}:1: 文件超过 {MAX_YAML_BYTES // 1_000_000} MB，不像是配置文件")
            return None, None
        loader = Loader(raw.decode("utf-8-sig"))
        try:
            node = loader.get_single_node()
            faults = list(_faults(node, ())) if node is not None else []
            problems += [f"{shown(path)}:{line}: {text}" for line, text in faults]
            return node, loader.construct_document(node) if node is not None and not faults else None
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        problems.append(f"{shown(path)}:{raw[: error.start].count(10) + 1}: 不是 UTF-8 编码，请另存为 UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problems.append(f"{shown(path)}:{line}: YAML 写法有误({yaml_words(error.problem)})，请检查缩进、冒号和引号")
    except (yaml.YAMLError, ValueError) as error:
        problems.append(f"{shown(path)}:1: YAML 无法读取({' '.join(str(error).split())})，请检查这个文件")
    return None, None


def _faults(node: yaml.Node, above: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    """Duplicate keys and values that contain themselves: what the safe loader lets through."""
    if id(node) in above:
        yield node.start_mark.line + 1, "引用了自身，请去掉这个 * 引用"
        return
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _faults(item, above)
    elif isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, value in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                yield key.start_mark.line + 1, f"名称 {key.value!r} 重复，每个名称只能出现一次"
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            yield from _faults(value, above)


def _explain(file: str, node: yaml.Node | None, detail: ErrorDetails) -> str:
    place = "/".join(f"{part!s:.60}" for part in detail["loc"])
    line = _line(node, detail["loc"])
    return f"{file}:{line}: {place or '整个文件'}: {_sentence(detail)}"


def _sentence(detail: ErrorDetails) -> str:
    kind, given = detail["type"], detail["input"]
    if kind in EXPECTED:
        return EXPECTED[kind]
    if kind == "string_type":
        return f"{given!r:.60} 应为文字，请加引号"
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "literal_error":
        choice = detail["ctx"]["expected"].replace(" or ", "、").replace(", ", "、")
        return f"{given!r:.60} 不在可选值之中，应为 {choice}"
    if kind.startswith(("int_", "float_")):
        return f"{given!r:.60} 应为数字"
    return f"{given!r:.60} 不合要求({detail['msg']})"


def _line(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    line = node.start_mark.line + 1 if node is not None else 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = [(node.value[part], node.value[part])]
        else:
            found = []
        if not found:
            return line
        key, node = found[0]
        line = key.start_mark.line + 1
    return line


def _lines_of_codes(path: Path) -> dict[str, int]:
    """Code → line of its last mention in a GeoJSON text; empty for binary files."""
    if path.suffix != ".geojson":
        return {}
    lines: dict[str, int] = {}
    for number, text in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
        for piece in text.split('"code"')[1:]:
            lines[piece.lstrip(" :").split(",")[0].split("}")[0].strip(' "')] = number
    return lines
