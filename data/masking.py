"""Personal data made unreadable before it is stored."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"\d{7,}[\dXx]?")
# … and a mobile number as people write it in a sentence.
_NUMBERS = re.compile(r"[1１][3-9３-９]\d[ .\-－–—]\d{4}[ .\-－–—]\d{4}|" + _DIGITS.pattern)
_LETTERS = re.compile(r"[^\W\d_]+")


def mask(text: str) -> str:
    """A name keeps its first letter (张**), a number of 7 or more digits its first three and last two (138******78);
    where both stand, both are masked (张* 138******78).

    What is masked already stays as it is, so masking twice changes nothing.
    """
    if _DIGITS.search(text):
        text = _DIGITS.sub(lambda found: found[0][:3] + "*" * (len(found[0]) - 5) + found[0][-2:], text)
        return _LETTERS.sub(lambda found: mask_name(found[0]), text)
    return text if "*" in text else mask_name(text)


def mask_name(text: str) -> str:
    """A name of which only the first letter is told, whatever else stands in its field."""
    return text[:1] + "*" * (len(text) - 1)


def mask_phone(text: str) -> str:
    """A number of 7 or more signs keeps the digits among its first three and last two, a shorter one its first sign."""
    if len(text) < 7:
        return mask_name(text)
    return "".join(sign if sign.isdigit() and not 3 <= at < len(text) - 2 else "*" for at, sign in enumerate(text))


def mask_numbers(text: str) -> str:
    """A text whose numbers of 7 or more digits (telephones, identity cards) keep their first three and last two."""
    return _NUMBERS.sub(lambda found: mask_phone(found[0]), text)


def without_numbers(text: str) -> str:
    """A text in which nobody finds a number of 7 or more digits, nor a part of it."""
    return _NUMBERS.sub("*", text)
