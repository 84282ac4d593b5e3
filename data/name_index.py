"""Names of a place made ready for searching: columns of texts, scanned by compiled patterns without holding the GIL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.spelling import MOST_TYPED, Spelling, folded

EXACT, PREFIX, INSIDE, INITIALS, INITIALS_PREFIX, INITIALS_INSIDE, NONE = range(7)
WORDS = ("exact", "prefix", "inside", "initials", "initials", "initials")
Ranks = npt.NDArray[np.int8]
Key = tuple[str, str]


@dataclass(frozen=True)
class Named:
    """One thing that can be found: its key ("" and the code of a division; feed and id of others), and its names."""

    key: Key
    names: tuple[str, ...]
    division: int
    lon: float
    lat: float


@dataclass(frozen=True)
class Word:
    """One word as patterns: `begun` = written or read so far, `whole` = read to its end, `initials` "" where none."""

    text: str
    begun: str
    whole: str
    initials: str


@dataclass(frozen=True)
class Typed:
    """What was typed: all of it without spaces, its words where there are several; `code`: the beginning of one."""

    joined: Word
    words: tuple[Word, ...]
    code: str


def typed(text: str, spelling: Spelling) -> Typed:
    """What was typed as patterns."""
    def word(part: str) -> Word:
        return Word(part, spelling.full(part), spelling.full(part, whole=True), spelling.initials(part))

    # A full-width sign may stand for many letters: what is searched is cut once more.
    pieces = folded(text)[:MOST_TYPED].replace("'", " ").split()
    joined = "".join(pieces)
    code = joined if len(joined) > 1 and joined.isascii() else ""
    return Typed(word(joined), tuple(map(word, pieces)) if len(pieces) > 1 else (), code)


@dataclass(frozen=True)
class Section:
    """The names of one kind; it never changes.

    `names` with `owner` (position of the thing that has the name), `codes` of the things, all folded; `division`
    (index), `lon`, `lat` in degrees, NaN = no place.
    """

    keys: tuple[Key, ...]
    names: pa.Array
    owner: npt.NDArray[np.int64]
    codes: pa.Array
    division: npt.NDArray[np.int32]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.keys)

    def plus(self, other: Section) -> Section:
        """Both, the other's things after these."""
        return Section((*self.keys, *other.keys), pa.concat_arrays([self.names, other.names]),
                       np.concatenate([self.owner, other.owner + len(self)]),
                       pa.concat_arrays([self.codes, other.codes]), *(
                           np.concatenate([getattr(self, name), getattr(other, name)])
                           for name in ("division", "lon", "lat")))

    def find(self, asked: Typed) -> Ranks:
        """The rank of each thing, EXACT … NONE: the best of its names and its code."""
        ranks = self._by_names(asked)
        if asked.code:
            begins = _flags(pc.starts_with(self.codes, asked.code))
            ranks[begins] = np.minimum(ranks[begins], PREFIX)
            ranks[_flags(pc.equal(self.codes, asked.code))] = EXACT
        return ranks

    def _by_names(self, asked: Typed) -> Ranks:
        best = self._of_word(asked.joined)
        if asked.words:
            # Several words must all be found; the worst of them counts, and together they are no whole name.
            each = np.max([self._of_word(word) for word in asked.words], axis=0)
            best = np.minimum(best, np.where(each < NONE, np.maximum(each, INSIDE), NONE))
        ranks = np.full(len(self), NONE, np.int8)
        hit = np.flatnonzero(best < NONE)
        np.minimum.at(ranks, self.owner[hit], best[hit].astype(np.int8))
        return ranks

    def _of_word(self, word: Word) -> Ranks:
        """The rank of each name for one word. A single letter only begins a name: it is inside of most."""
        either = f"{word.begun}|{word.initials}" if word.initials else word.begun
        single = len(word.text) == 1 and word.text.isascii()
        found = np.flatnonzero(_matches(self.names, f"^(?:{either})" if single else either))
        # Whatever is found is at least inside; only what ranks higher is looked for.
        least = INITIALS_INSIDE if word.initials else INSIDE
        names, held = self.names.take(pa.array(found)), np.full(len(found), least, np.int8)
        tests = [(PREFIX, f"^(?:{word.begun})"), (EXACT, f"^(?:{word.whole})$")]
        if word.initials:
            tests = [(INITIALS_PREFIX, f"^{word.initials}"), (INITIALS, f"^{word.initials}$"),
                     (INSIDE, word.begun), *tests]
        for rank, pattern in tests:
            held[_matches(names, pattern)] = rank
        ranks = np.full(len(self.names), NONE, np.int8)
        ranks[found] = held
        return ranks


def section_of(things: Sequence[Named]) -> Section:
    """The section of some things."""
    pairs = [(folded(name), at) for at, thing in enumerate(things) for name in thing.names if name]
    return Section(tuple(thing.key for thing in things), pa.array([name for name, _ in pairs], pa.string()),
                   np.array([at for _, at in pairs], np.int64),
                   pa.array([folded(thing.key[1]) for thing in things], pa.string()),
                   np.array([thing.division for thing in things], np.int32),
                   np.array([thing.lon for thing in things], np.float64),
                   np.array([thing.lat for thing in things], np.float64))


def _matches(names: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    return _flags(pc.match_substring_regex(names, pattern))


def _flags(mask: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(mask.to_numpy(zero_copy_only=False), bool)
