"""A key that a record has twice is never settled silently: the record waits in quarantine with both values."""

from __future__ import annotations

import random
from argparse import Namespace
from pathlib import Path
from typing import Any

import orjson
import pytest

from data.bodies import BadBody, Body, key_twice, read_body
from data.clock import Clock
from data.errors import WrongInput
from data.feed_mapping import Mapping
from data.mapping import RowMapper
from data.pack import Feed, FeedSource
from data.pushed import BodyMapping
from data.quarantine import Quarantine, Refused
from data.quarantine_commands import run_deed
from data.quarantine_view import fields_of
from data.replaying import records_of
from data.settings import load_settings

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
TWICE = [
    '{"value":1,"value":2}', '{"value":1,"value":1}', '{"a" :1,"value":1,"value":2}', '{"value"\n:1,"value"\t:2}',
    '{"a":{"b":1,"b":2}}', '{"a":{"b":1,"c":2},"a":0}', '{"a":[1,{"b":1,"b":2}]}', '{"":1,"":2}',
    '{"\\u0061":1,"a":2}', '{"a":"\\":","b":1,"b":2}', '{"汉":1,"汉":2}', '{"a\\"":1,"a\\"":2}']
ONCE = ['{"value":1}', '{"value" : 1, "a":2}', '{"a":"\\":"}', '{"a":" : "}', '{"a":{"a":{"a":1}}}',
        '{"a":[{"b":1},{"b":2}]}', '{"a\\":":1}', "{}", '{"a":"\\"a\\":1,\\"a\\":2"}', "5", '"x"', '[{"a":1},{"a":2}]']


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("text", TWICE)
def test_a_key_twice_is_refused_alone_with_its_text(text: str, lines: bool) -> None:
    flat = text.replace("\n", " ")
    others = ['{"value":7}', '{"a":"\\":","b": 2}']
    body = ("\n".join([others[0], flat, others[1]]) if lines else f' [ {others[0]} ,\n{text}, {others[1]}\t] ')
    found = read_body(body.encode(), lines)
    assert found.raws == [orjson.loads(other) for other in others]
    assert found.positions == [0, 2]
    [(position, raw, reason)] = found.broken
    assert (position, raw) == (1, flat if lines else text)
    assert "写了两次" in reason


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("text", ONCE)
def test_a_key_once_is_taken_however_it_is_written(text: str, lines: bool) -> None:
    body = f"{text}\n{text}" if lines else f"[{text}, {text}]"
    assert read_body(body.encode(), lines) == Body([orjson.loads(text)] * 2, [0, 1])


def written(chance: random.Random, depth: int = 0) -> tuple[str, bool]:
    """A JSON object as somebody may write it, and whether a key stands twice in it."""
    names = [chance.choice(["a", "b", 'c\\":', "d :", "汉", "\\u0061"]) for _ in range(chance.randrange(4))]
    bad, parts = False, []
    for name in names:
        value, worse = written(chance, depth + 1) if depth < 3 and chance.random() < 0.3 else (
            chance.choice(["1", '"x\\":"', "[]", "null", '" :"']), False)
        bad |= worse
        parts.append(f'"{name}"{chance.choice(["", "", "", " ", chr(9)])}:{chance.choice(["", " "])}{value}')
    read = [orjson.loads(f'"{name}"') for name in names]
    return "{" + chance.choice([",", ", "]).join(parts) + "}", bad or len(set(read)) < len(read)


def test_what_is_refused_is_exactly_what_has_a_key_twice() -> None:
    chance = random.Random(20261122)
    for _ in range(400):
        made = [written(chance) for _ in range(chance.randrange(5))]
        found = read_body(("[" + ",".join(text for text, _ in made) + "]").encode(), False)
        assert [position for position, _, _ in found.broken] == [at for at, (_, bad) in enumerate(made) if bad], made
        assert [bool(key_twice(text.encode(), orjson.loads(text))) for text, _ in made] == [bad for _, bad in made]


def test_too_deep_to_be_sure_is_refused_and_not_guessed() -> None:
    deep = b'{"a":' * 1020 + b"1" + b"}" * 1020
    assert read_body(b"[" + deep + b"]", False).raws, "as deep as may be, and no key twice"
    with pytest.raises(BadBody, match="嵌套过深"):
        read_body(b"[" + deep + b',{"b":1,"b":2}]', False)
    found = read_body(deep + b'\n{"b":1,"b":2}\n{"b":3}', True)
    assert [raw.get("b") for raw in found.raws] == [None, 3]
    assert [position for position, _, _ in found.broken] == [1]


def feed(rule: Mapping | None = None) -> Feed:
    return Feed(name="f", topic="M1", department="test", kind="observation", source=FeedSource(kind="push"),
                cadence="1h", map=rule or Mapping())


def test_a_mapped_body_keeps_the_positions_of_what_was_sent() -> None:
    rule = Mapping(fields={"station": "s", "time": "t", "value": "v"}, constants={"metric": "level"})
    body = read_body(b'[{"s":"1","t":"x","v":1,"v":2},{"s":"2","t":"2026-11-22T08:00:00+08:00","v":1},5]', False)
    mapped = BodyMapping(RowMapper(feed(rule), Clock())).apply(body)
    assert [row["station"] for row in mapped.raws] == ["2"]
    assert mapped.positions == [1]
    assert sorted(position for position, _, _ in mapped.broken) == [0, 2]


def test_what_waits_cannot_be_sent_back_until_one_value_is_left(tmp_path: Path) -> None:
    twice = '{"station":"g1","metric":"level","time":"2026-11-22T08:00:00+08:00","value":1,"value":2}'
    with pytest.raises(WrongInput, match="'value' 写了两次"):
        records_of(feed(), twice, Clock())
    with pytest.raises(WrongInput, match="'value' 写了两次"):
        records_of(feed(), f"{twice}\n{twice}", Clock())
    assert fields_of(twice) == [], "a form would show one of the two as if it were all"
    folder = tmp_path / "quarantine"
    Quarantine(folder).put([Refused("gauges", "写了两次", 1, twice)])
    settings = load_settings(place=TINY, state=tmp_path)
    with pytest.raises(WrongInput, match="--raw"):
        run_deed(settings, Namespace(action="correct", ids=[1], set=["value=2"], raw=None))
    once: Any = twice.replace('"value":1,', "")
    assert records_of(feed(), once, Clock())[0]["value"] == 2
    assert dict(fields_of(once))["value"] == "2"
