"""Figures, ages and dates in the habits of Chinese readers; pure text, no markup."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from data.answers import Answer

MINUS = "−"
NONE = "—"
WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
SHORT_WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
HUNDRED_MILLION = 1e8
# metrics that are metres above (+) or below (−) a limit, and what that limit is called
OVER = "_over_m"
LIMITS = {"river_over_m": "警戒", "reservoir_over_m": "汛限"}
_DAY, _HOUR, _MINUTE = 86400, 3600, 60


def number(value: float | None, decimals: int = 0) -> str:
    """A figure with thousands separators and a true minus sign; — where nothing was delivered."""
    if value is None or value != value:
        return NONE
    if abs(value) >= HUNDRED_MILLION:
        return f"{number(value / HUNDRED_MILLION, 2)}亿"
    rounded = round(value, decimals)
    return f"{rounded:,.{decimals}f}".replace("-", MINUS) if rounded else f"{0:.{decimals}f}"


def compact(value: float | None, decimals: int = 0) -> str:
    """A figure for a narrow place: from a million on in 万."""
    if value is None or not 1e6 <= abs(value) < HUNDRED_MILLION:
        return number(value, decimals)
    return f"{number(value / 10000, 1)}万"


def short_number(value: float) -> str:
    """A tick of an axis: no needless decimals, thousands separators below 10,000, 万 and 亿 above."""
    if abs(value) >= HUNDRED_MILLION:
        return f"{number(value / HUNDRED_MILLION, 1).removesuffix('.0')}亿"
    if abs(value) >= 10000:
        return f"{number(value / 10000, 1).removesuffix('.0')}万"
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return (text or "0").replace("-", MINUS)


def over(value: float | None, decimals: int = 0) -> str:
    """A distance from a limit, always with its sign: +1.41 above it, −3.65 below it, 0.00 at it."""
    if value is None or not round(value, decimals):
        return number(value, decimals)
    return signed(value, decimals)


def value(answer: Answer, shown: float | None) -> str:
    """A value of an answer's metric as a figure: a distance from a limit has its sign, whatever shows it."""
    return (over if answer.question.name.endswith(OVER) else number)(shown, answer.decimals)


def against(metric: str, distance: float) -> str:
    """The side of its limit on which a metric stands: 低于警戒, 超警戒, 平警戒."""
    side = "平" if not round(distance, 2) else "超" if distance > 0 else "低于"
    return side + LIMITS.get(metric, "限值")


def signed(value: float, decimals: int = 0) -> str:
    """A difference with its sign; 持平 when it rounds to nothing."""
    if not round(value, decimals):
        return "持平"
    return ("+" if value > 0 else MINUS) + number(abs(value), decimals)


def difference_decimals(unit: str, figure_decimals: int) -> int:
    """Decimals of a difference: one for rates, else those of the figure itself."""
    return 1 if unit in ("%", "百分点") else figure_decimals


def short(text: str, most: int) -> str:
    """At most so many letters; … where something was left out."""
    return text if len(text) <= most else text[:most - 1].rstrip() + "…"


def age(seconds: float) -> str:
    """How long: 45 秒, 12 分, 2 小时 30 分, 3 天 4 小时."""
    left = max(0, int(seconds))
    if left < _MINUTE:
        return f"{left} 秒"
    if left < _HOUR:
        return f"{left // _MINUTE} 分"
    if left < _DAY:
        return f"{left // _HOUR} 小时 {left % _HOUR // _MINUTE} 分"
    return f"{left // _DAY} 天 {left % _DAY // _HOUR} 小时"


def short_age(seconds: float) -> str:
    """The same for a table's column: 2天04时, 18时05分, 35分."""
    left = max(0, int(seconds))
    if left >= _DAY:
        return f"{left // _DAY}天{left % _DAY // _HOUR:02d}时"
    return f"{left // _HOUR:02d}时{left % _HOUR // _MINUTE:02d}分" if left >= _HOUR else f"{left // _MINUTE}分"


def interval(seconds: float) -> str:
    """A cadence: 30 秒, 5 分钟, 1 小时, 1 天, 每月, 每季, 每年."""
    if seconds <= 0:
        return NONE
    for limit, word in ((360 * _DAY, "每年"), (85 * _DAY, "每季"), (27 * _DAY, "每月")):
        if seconds >= limit:
            return word
    for unit, word in ((_DAY, "天"), (_HOUR, "小时"), (_MINUTE, "分钟")):
        if seconds >= unit:
            return f"{number(seconds / unit, 1).removesuffix('.0')} {word}"
    return f"{int(seconds)} 秒"


def local(us: int, zone: str) -> datetime:
    """The place's local time of an instant in µs."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).astimezone(ZoneInfo(zone))


def to_us(instant: datetime) -> int:
    """µs since 1970 of an aware instant."""
    return round(instant.timestamp() * 1_000_000)


def moment(us: int, zone: str, now_us: int) -> str:
    """Data time: 11-20 09:40, with the year when it is another one."""
    when = local(us, zone)
    return when.strftime("%m-%d %H:%M" if when.year == local(now_us, zone).year else "%Y-%m-%d %H:%M")


def clock_or_day(us: int, zone: str, now_us: int) -> str:
    """09:40 today, 昨 22:15 yesterday, 11-18 before, 2017-02-28 in another year."""
    when, now = local(us, zone), local(now_us, zone)
    days = (now.date() - when.date()).days
    if days == 0:
        return when.strftime("%H:%M")
    if days == 1:
        return when.strftime("昨 %H:%M")
    return when.strftime("%m-%d" if when.year == now.year else "%Y-%m-%d")


def bucket(when: datetime, zone: str, by: str) -> str:
    """Label of a series' bucket: 9时, 11-20, 10月; `year` = months of several years: 25年10月."""
    at = when.astimezone(ZoneInfo(zone))
    if by == "hour":
        return f"{at.hour}时"
    if by == "year":
        return at.strftime("%y年") + f"{at.month}月"
    return f"{at.month}月" if by == "month" else at.strftime("%m-%d")


def full_bucket(when: datetime, zone: str, by: str) -> str:
    """The same without ambiguity, for tables: 11-20 09时, 2026-11-20, 2026-10."""
    at = when.astimezone(ZoneInfo(zone))
    if by == "hour":
        return at.strftime("%m-%d %H时")
    return at.strftime("%Y-%m" if by == "month" else "%Y-%m-%d")


def period(text: str) -> str:
    """An indicator's period in words: 2026-01..10 → 2026 年 1—10 月; other texts stay."""
    year, _, rest = text.partition("-")
    if not (year.isdigit() and len(year) == 4):
        return _quarters(text)
    first, _, last = rest.partition("..")
    if not first.isdigit() or (last and not last.isdigit()):
        return text
    return f"{year} 年 {int(first)}—{int(last)} 月" if last else f"{year} 年 {int(first)} 月"


def short_period(text: str) -> str:
    """A period without its year: 1—10 月, 前三季度; '' for a whole year."""
    told = period(text)
    return told.removeprefix(f"{text[:4]} 年").strip() if told != text else ""


def _quarters(text: str) -> str:
    year, mark, rest = text.partition("Q")
    if not (mark and year.isdigit()):
        return f"{text[:4]} 年上半年" if text.endswith("H1") else text
    last = rest.rpartition("Q")[2]
    if ".." not in rest:
        return f"{year} 年{_ordinal(last)}季度"
    return f"{year} 年前{_ordinal(last, ordinal=False)}季度"


def _ordinal(digit: str, ordinal: bool = True) -> str:
    words = {"1": "一", "2": "二", "3": "三", "4": "四"}
    return ("第" if ordinal else "") + words.get(digit, digit)
