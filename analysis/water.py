"""Surface water by GB 3838-2002 (mg/L): single-factor class of rivers and of lakes or reservoirs.

Evaluation: 环办〔2011〕22号 — the class of a section is that of its worst item; water temperature, total nitrogen and
fecal coliforms stand apart. Limits of metals and organics, and the rule for main pollutants, are from memory.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Body = Literal["river", "lake"]
ROMAN = ("", "Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ")
WORDS = ("", "优", "优", "良好", "轻度污染", "中度污染", "重度污染")
COLORS = ("", "#CFFFFF", "#8FFFFF", "#7FFF7F", "#FFFF6F", "#FFC000", "#FF0000")
WORSE_THAN_V = 6
NAMES = {
    "ph": "pH", "do": "溶解氧", "codmn": "高锰酸盐指数", "cod": "化学需氧量", "bod5": "五日生化需氧量",
    "nh3n": "氨氮", "tp": "总磷", "tn": "总氮", "cu": "铜", "zn": "锌", "f": "氟化物", "as": "砷", "hg": "汞",
    "cd": "镉", "cr6": "六价铬", "pb": "铅", "phenol": "挥发酚", "oil": "石油类", "coliform": "粪大肠菌群",
}
# Upper limits of classes Ⅰ–Ⅴ; equal neighbors give the better class.
LIMITS: dict[str, tuple[float, ...]] = {
    "codmn": (2, 4, 6, 10, 15), "cod": (15, 15, 20, 30, 40), "bod5": (3, 3, 4, 6, 10),
    "nh3n": (0.15, 0.5, 1.0, 1.5, 2.0), "tp": (0.02, 0.1, 0.2, 0.3, 0.4), "cu": (0.01, 1, 1, 1, 1),
    "zn": (0.05, 1, 1, 2, 2), "f": (1, 1, 1, 1.5, 1.5),
    "as": (0.05, 0.05, 0.05, 0.1, 0.1), "hg": (0.00005, 0.00005, 0.0001, 0.001, 0.001),
    "cd": (0.001, 0.005, 0.005, 0.005, 0.01), "cr6": (0.01, 0.05, 0.05, 0.05, 0.1), "pb": (0.01, 0.01, 0.05, 0.05, 0.1),
    "phenol": (0.002, 0.002, 0.005, 0.01, 0.1), "oil": (0.05, 0.05, 0.05, 0.5, 1.0),
    "coliform": (200, 2000, 10000, 20000, 40000),
}
LAKE_LIMITS: dict[str, tuple[float, ...]] = {**LIMITS, "tp": (0.01, 0.025, 0.05, 0.1, 0.2),
                                             "tn": (0.2, 0.5, 1.0, 1.5, 2.0)}
DO_LIMITS = (7.5, 6.0, 5.0, 3.0, 2.0)
_WRITTEN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "劣V": 6, **{str(grade): grade for grade in range(1, 7)}}
APART = frozenset({"tn", "coliform"})
_FIRST = ("hg", "cd", "cr6", "pb", "as", "cu", "zn")


def _limits(item: str, body: Body) -> tuple[float, ...] | None:
    return (LIMITS if body == "river" else LAKE_LIMITS).get(item)


def item_class(item: str, value: float, body: Body, saturation_pct: float | None = None) -> int | None:
    """Class 1–5 of one item, 6 = 劣Ⅴ; None where the standard does not grade it (total nitrogen of rivers).

    `saturation_pct`: oxygen saturation, which gives class Ⅰ from 90 % on whatever the concentration.

    Raises:
        ValueError: unknown item, or a negative value.
    """
    if item not in NAMES:
        raise ValueError(f"GB 3838 没有项目 {item!r:.20}")
    if value != value or value < 0:
        raise ValueError(f"{NAMES[item]} 的值 {value:g} 无效")
    plain = round(value, 9)
    if item == "ph":
        return 1 if 6 <= plain <= 9 else WORSE_THAN_V
    if item == "do":
        if saturation_pct is not None and saturation_pct >= 90:
            return 1
        return next((grade for grade, limit in enumerate(DO_LIMITS, 1) if plain >= limit), WORSE_THAN_V)
    limits = _limits(item, body)
    if limits is None:
        return None
    return next((grade for grade, limit in enumerate(limits, 1) if plain <= limit), WORSE_THAN_V)


def exceed_multiple(item: str, value: float, body: Body, target: int = 3) -> float | None:
    """超标倍数 (C − limit) ÷ limit against a class (default Ⅲ); None within the limit, and for pH and oxygen."""
    limits = _limits(item, body)
    if limits is None or item in ("ph", "do") or value <= limits[target - 1]:
        return None
    return (value - limits[target - 1]) / limits[target - 1]


@dataclass(frozen=True)
class Section:
    """A section's result: `grade` 1–6 (None: nothing graded), items with their classes, what decided, main pollutants.

    `main`: up to three (item, 超标倍数 or None) worse than Ⅲ, heavy metals first among equals. `apart`: total nitrogen
    and coliforms, shown but not part of the grade.
    """

    grade: int | None
    items: dict[str, int]
    deciding: tuple[str, ...]
    main: tuple[tuple[str, float | None], ...]
    apart: dict[str, int]

    @property
    def text(self) -> str:
        """Ⅱ类 / 劣Ⅴ类, — when unknown."""
        return "—" if self.grade is None else f"{ROMAN[self.grade]}类"


def section(values: Mapping[str, float | None], body: Body, saturation_pct: float | None = None) -> Section:
    """Single-factor evaluation of one section; missing items (None) are left out, unknown ones refused.

    Raises:
        ValueError: unknown item, or a negative value.
    """
    grades: dict[str, int] = {}
    for item, value in values.items():
        grade = None if value is None else item_class(item, value, body, saturation_pct)
        if grade is not None:
            grades[item] = grade
    counted = {item: grade for item, grade in grades.items() if item not in APART}
    worst = max(counted.values(), default=None)
    deciding = tuple(item for item, grade in counted.items() if grade == worst)
    bad = [(item, exceed_multiple(item, values[item] or 0.0, body)) for item, grade in counted.items() if grade > 3]
    bad.sort(key=lambda pair: (-counted[pair[0]], pair[0] not in _FIRST, -(pair[1] or 0.0)))
    return Section(worst, counted, deciding, tuple(bad[:3]), {i: g for i, g in grades.items() if i in APART})


def section_class(values: Mapping[str, float | None], body: Body = "river") -> int | None:
    """Grade 1–6 of a section (`section` says why); None when nothing was measured."""
    return section(values, body).grade


def class_of(word: int | str) -> int:
    """1–6 of a class as packs write it: 3, "3", "III", "Ⅲ", "Ⅲ类".

    Raises:
        ValueError: no class.
    """
    text = unicodedata.normalize("NFKC", str(word)).upper().removesuffix("类")
    found = _WRITTEN.get(text)
    if found is None:
        raise ValueError(f"不是水质类别 {word!r:.20}（如 Ⅲ、III、3）")
    return found


def meets(grade: int | None, target: int | str) -> bool | None:
    """达标: the grade is no worse than the target class; None when unknown."""
    return None if grade is None else grade <= class_of(target)


def share_good_pct(grades: Sequence[int | None]) -> float | None:
    """Share of Ⅰ–Ⅲ among the sections with a grade, in %; None without any."""
    known = [grade for grade in grades if grade is not None]
    return sum(grade <= 3 for grade in known) / len(known) * 100 if known else None


def basin_word(grades: Sequence[int | None]) -> str | None:
    """Quality of a basin of at least five graded sections; None with fewer (means of each item are needed then)."""
    known = [grade for grade in grades if grade is not None]
    good = share_good_pct(known)
    if len(known) < 5 or good is None:
        return None
    worse = sum(grade == WORSE_THAN_V for grade in known) / len(known) * 100
    if good >= 75:
        return "优" if good >= 90 else "良好"
    if worse < 20:
        return "轻度污染"
    return "中度污染" if worse < 40 else "重度污染"
