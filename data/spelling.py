"""Pinyin of names: every reading of every character, and the pattern of names that what was typed may mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

MOST_SPLITS, MOST_TYPED, LONGEST_READING = 16, 60, 6
_LETTERS = re.compile(r"[a-z]+")
# Matches no name: a class of characters may not be empty.
_NEVER = r"[^\x00-\x{10FFFF}]"


def folded(text: str) -> str:
    """A text as it is compared: full-width forms made plain, small letters, ü typed as v."""
    return unicodedata.normalize("NFKC", text).casefold().replace("ü", "v").strip()


@lru_cache(maxsize=8192)
def readings_of(character: str) -> frozenset[str]:
    """All readings of a character without tones; empty where it has none."""
    # The table of 40,000 characters takes a moment to load: the first name waits for it, no page.
    from pypinyin import Style, pinyin

    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return frozenset(reading for reading in (found[0] if found else ()) if _LETTERS.fullmatch(reading))


class Spelling:
    """The characters that occur in the names of a place, by reading.

    A name is found by any reading of each of its characters, so no choice among the readings of a
    polyphonic one can be wrong. `own`: characters whose readings the pack corrects.
    """

    def __init__(self, own: Mapping[str, Iterable[str]] | None = None) -> None:
        self._own = {character: frozenset(map(folded, told)) for character, told in (own or {}).items()}
        self._known: set[str] = set()
        self._by_reading: dict[str, set[str]] = {}

    def learn(self, names: Iterable[str]) -> None:
        """Takes the characters of names."""
        fresh = {character for name in names for character in name if ord(character) > 0x2E7F} - self._known
        if not fresh:
            return
        # Another table, not a change of this one: somebody may be typing meanwhile.
        table = {reading: set(characters) for reading, characters in self._by_reading.items()}
        for character in sorted(fresh):
            for reading in self._own.get(character) or readings_of(character):
                table.setdefault(reading, set()).add(character)
        self._by_reading = table
        self._known |= fresh

    def full(self, typed: str, whole: bool = False) -> str:
        """RE2 pattern (no anchors) of names that are written so or read so; unless `whole`, the last reading may be
        unfinished.
        """
        pieces, at = [], 0
        for found in _LETTERS.finditer(typed):
            pieces.append(re.escape(typed[at:found.start()]))
            pieces.append(self._read(found[0], whole or found.end() < len(typed)))
            at = found.end()
        return "".join([*pieces, re.escape(typed[at:])])

    def initials(self, typed: str) -> str:
        """RE2 pattern of names whose characters' readings begin with the letters, one each, other signs as they are;
        "" without letters.
        """
        if not _LETTERS.search(typed):
            return ""
        return "".join(self._class(self._beginning(sign) | {sign}) if _LETTERS.fullmatch(sign) else re.escape(sign)
                       for sign in typed)

    def _read(self, letters: str, whole: bool) -> str:
        """Letters as such, or any way to split them into readings."""
        ways = ["".join(map(self._class, split)) for split in self._splits(letters, whole)]
        return f"(?:{'|'.join([re.escape(letters), *ways])})"

    def _splits(self, letters: str, whole: bool) -> list[list[set[str]]]:
        found: list[list[set[str]]] = []
        onward = self._onward(letters, whole)
        open_ways: list[tuple[int, list[set[str]]]] = [(0, [])]
        while open_ways and len(found) < MOST_SPLITS:
            at, taken = open_ways.pop()
            last, steps = onward[at]
            if last:
                found.append([*taken, last])
            open_ways += [(end, [*taken, characters]) for end, characters in steps]
        return found

    def _onward(self, letters: str, whole: bool) -> dict[int, tuple[set[str], list[tuple[int, set[str]]]]]:
        """Of each position: what all letters from there may stand for, and the next readings with where they end; only
        those from which the rest can be read, so that no way leads nowhere.
        """
        found: dict[int, tuple[set[str], list[tuple[int, set[str]]]]] = {}
        for at in reversed(range(len(letters))):
            rest = letters[at:]
            last = self._by_reading.get(rest, set()) if whole else self._beginning(rest)
            found[at] = last, [(at + length, characters) for length in range(1, min(len(rest), LONGEST_READING + 1))
                               if any(found[at + length]) and (characters := self._by_reading.get(rest[:length]))]
        return found

    def _beginning(self, letters: str) -> set[str]:
        return {character for reading, characters in self._by_reading.items() if reading.startswith(letters)
                for character in characters}

    @staticmethod
    def _class(characters: set[str]) -> str:
        return f"[{''.join(sorted(characters))}]" if characters else _NEVER
