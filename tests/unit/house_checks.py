"""What the house demands of every file: functions from a source text to complaints, each proven to fail elsewhere."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

FILE_LINES, FUNCTION_LINES, PARAMETERS, APP_LINES = 300, 40, 6, 120
ROOMS = ("layouts", "callbacks", "api", "data", "access", "analysis", "geo", "briefing", "demo")
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}
REDIS_MAKERS = ("data/redis_clients.py",)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Check = Callable[[str, str], Iterator[str]]


@lru_cache(maxsize=2000)
def tree(source: str) -> ast.Module:
    return ast.parse(source)


def functions(source: str) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree(source)) if isinstance(node, Function))


def file_size(path: str, source: str) -> Iterator[str]:
    limit = APP_LINES if path == "app.py" else FILE_LINES
    lines = len(source.splitlines())
    if lines > limit:
        yield f"{path}: {lines} lines, at most {limit}"


def function_size(path: str, source: str) -> Iterator[str]:
    for node in functions(source):
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{path}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"


def parameters(path: str, source: str) -> Iterator[str]:
    for node in functions(source):
        given = node.args
        names = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        if len(names) > PARAMETERS:
            yield f"{path}:{node.lineno}: {node.name} has {len(names)} parameters, at most {PARAMETERS}"


def name_says_the_topic(path: str, _source: str) -> Iterator[str]:
    for part in Path(path).with_suffix("").parts:
        if NAMELESS & set(re.split(r"[_\W]", part)):
            yield f"{path}: {part!r} names no topic"
        if re.search(r"(part|_)2$", part):
            yield f"{path}: {part!r} is a second part; split by topic"


def frames_are_named(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(tree(source)):
        name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else ""
        if name in ("df", "gdf"):
            yield f"{path}:{node.lineno}: {name} says nothing; name what a row is"


def no_global_callback(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(tree(source)):
        taken = node.names if isinstance(node, ast.ImportFrom) and node.module == "dash" else []
        if {name.name for name in taken} & {"callback", "clientside_callback"}:
            yield f"{path}:{node.lineno}: callbacks are registered on an app, never globally"
        if isinstance(node, ast.Attribute) and node.attr in ("callback", "clientside_callback") \
                and isinstance(node.value, ast.Name) and node.value.id == "dash":
            yield f"{path}:{node.lineno}: callbacks are registered on an app, never globally"


def one_maker_of_redis_clients(path: str, source: str) -> Iterator[str]:
    if path in REDIS_MAKERS or path.startswith("tests/") or path.startswith("bench/"):
        return
    for node in ast.walk(tree(source)):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if name in ("Redis", "StrictRedis", "from_url", "BlockingConnectionPool", "ConnectionPool",
                    "RedisCluster", "Sentinel"):
            yield f"{path}:{node.lineno}: {name}(…) outside {', '.join(REDIS_MAKERS)}"


def nothing_that_executes_data(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(tree(source)):
        modules = [name.name for name in node.names] if isinstance(node, ast.Import) else \
            [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if {name.split(".")[0] for name in modules} & {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve"}:
            yield f"{path}:{node.lineno}: a format that can execute code"
        if isinstance(node, ast.Attribute) and node.attr in ("read_pickle", "to_pickle"):
            yield f"{path}:{node.lineno}: a format that can execute code"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
            yield f"{path}:{node.lineno}: {node.func.id}"


SCRIPT = re.compile(r"function\s*\w*\([\w\s,]*\)\s*\{|=>\s*\{|document\.(get|query)|window\.\w+\s*=")


def no_javascript_in_strings(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SCRIPT.search(node.value):
            yield f"{path}:{node.lineno}: JavaScript belongs into assets/"
        if isinstance(node, ast.ImportFrom) and node.module == "dash_extensions.javascript":
            yield f"{path}:{node.lineno}: JavaScript belongs into assets/"


def nothing_unfinished(path: str, source: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError", line):
            yield f"{path}:{number}: unfinished: {line.strip()[:60]}"


def no_silent_except(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
            yield f"{path}:{node.lineno}: an error disappears without a word"


def nobody_imports_app(path: str, source: str) -> Iterator[str]:
    if path.startswith("tests/"):
        return
    for node in ast.walk(tree(source)):
        modules = [name.name for name in node.names] if isinstance(node, ast.Import) else \
            [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if "app" in modules:
            yield f"{path}:{node.lineno}: nobody imports app"


def no_county_in_code(path: str, source: str) -> Iterator[str]:
    """Names and codes of counties live in places/ and demo/ only."""
    if path.split("/")[0] not in ROOMS or path.startswith("demo/"):
        return
    for number, line in enumerate(source.splitlines(), 1):
        if re.search(r"于都|赣州|北京|(?<!places/)yudu|beijing|\b360731|\b1101\d\d\b", line):
            yield f"{path}:{number}: a county's own name or code: {line.strip()[:60]}"


def no_place_of_a_machine(path: str, source: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), 1):
        if re.search(r"(?<![\w./-])/(?:home|root|Users|mnt|w[a]rk|w[o]rk)/", line):
            yield f"{path}:{number}: a path of one machine: {line.strip()[:60]}"


CHINESE = "\u4e00-\u9fff"
HALF_WIDTH = re.compile(f"(?<=[{CHINESE}）”》])[,;:?!]|(?<! )[,;?!] ?(?=[{CHINESE}（“《])")
ADDRESS = re.compile(r"\w+://\S+")
PATTERNS_OF_DATES = {"data/written.py"}


def half_width(text: str) -> str:
    """The first place where a Chinese sentence has a half-width comma, colon …; '' where there is none."""
    found = HALF_WIDTH.search(ADDRESS.sub("", text))
    return found.string[max(0, found.start() - 8):found.end() + 8] if found else ""


def no_half_width_sentences(path: str, source: str) -> Iterator[str]:
    """Texts for readers: every string that is not a docstring."""
    if path in PATTERNS_OF_DATES:
        return
    bodies = [node.body for node in ast.walk(tree(source)) if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS))]
    told = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree(source)):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in told else None
        if isinstance(text, str) and (where := half_width(text)):
            yield f"{path}:{node.lineno}: half-width punctuation in a Chinese sentence: {where}"


def texts(value: object) -> Iterator[str]:
    """Every text of a read YAML file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in texts(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in texts(part))


EVERYWHERE: tuple[Check, ...] = (nothing_unfinished, no_place_of_a_machine, file_size,
                                 name_says_the_topic)
PRODUCT: tuple[Check, ...] = (
    nothing_that_executes_data, function_size, parameters, frames_are_named, no_global_callback,
    one_maker_of_redis_clients, no_javascript_in_strings, no_silent_except, nobody_imports_app, no_county_in_code,
    no_half_width_sentences)


def script_size(path: str, source: str) -> Iterator[str]:
    """For JavaScript and CSS of our own."""
    yield from file_size(path, source)


def undocumented_requirements(wanted: str, page: str) -> list[str]:
    """Packages of a requirements.in that the page of dependencies does not give a reason for."""
    names = re.findall(r"^([A-Za-z0-9][\w.-]*)", wanted, re.MULTILINE)
    told = dict(re.findall(r"^\|\s*`([\w.-]+)`\s*\|\s*([^|]+?)\s*\|", page, re.MULTILINE))
    return [name for name in names if len(told.get(name, "")) < 10]


# Where the name that is imported is not the name that is required: spelled otherwise, or an inseparable half of it.
IMPORTED_AS = {"yaml": "pyyaml", "ibis": "ibis-framework", "werkzeug": "flask", "cachelib": "flask-caching",
               "pydantic_core": "pydantic", "paho": "paho-mqtt"}


def imported_packages(source: str) -> set[str]:
    """Top names that a source imports, in the spelling of requirements, without the standard library's and our own."""
    names = [name.name for node in ast.walk(tree(source)) if isinstance(node, ast.Import) for name in node.names]
    froms = [node for node in ast.walk(tree(source)) if isinstance(node, ast.ImportFrom) and not node.level]
    names += [node.module or "" for node in froms]
    tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {*ROOMS, "app"}
    return {IMPORTED_AS.get(top, top.replace("_", "-")) for top in tops}


def undeclared_imports(source: str, wanted: str) -> set[str]:
    """Packages that a source imports and requirements.in does not name."""
    named = set(re.findall(r"^([A-Za-z0-9][\w.-]*)", wanted, re.MULTILINE))
    return imported_packages(source) - named


def unlocked_requirements(wanted: str, lock: str) -> list[str]:
    """Packages of a requirements.in that the lock does not pin with a hash."""
    names = re.findall(r"^([A-Za-z0-9][\w.-]*)", wanted, re.MULTILINE)
    pin = r"^([\w.-]+)(?:\[[\w,]+\])?==[^\n]+\\\n\s+--hash="
    pinned = {name.lower() for name in re.findall(pin, lock, re.MULTILINE)}
    return [name for name in names if name.lower() not in pinned]
