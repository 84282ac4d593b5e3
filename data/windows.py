"""Windows: relative words and address texts → half-open instants in the place's local time."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from data.answers import Window
from data.errors import WrongInput

FIRST_YEAR, LAST_YEAR = 1900, 2199
_HOURS = {"24h": 24, "7d": 168, "30d": 720}


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def relative(word: str, now: datetime, zone: tzinfo) -> Window:
    """The window of 24h, 7d, 30d, today, week, month or ytd that ends now.

    Raises:
        WrongInput: another word.
    """
    local = now.astimezone(zone)
    if word in _HOURS:
        return Window(now - timedelta(hours=_HOURS[word]), now, word)
    day = _midnight(local)
    starts = {"today": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1),
              "ytd": day.replace(month=1, day=1)}
    if word not in starts:
        raise WrongInput(f"window={word!r:.20} 不认识；可用 24h、7d、30d、today、week、month、ytd")
    return Window(starts[word].astimezone(UTC), now, word)


def instant(text: str, zone: tzinfo, name: str) -> datetime:
    """A date or RFC 3339 time of an address; without offset it is local time.

    Raises:
        WrongInput: not a time, or one of another age, naming the parameter.
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise WrongInput(f"{name}={text!r:.40} 不是日期或时间；如 2026-11-22 或 2026-11-22T08:00:00%2B08:00") from None
    if not FIRST_YEAR <= parsed.year <= LAST_YEAR:
        raise WrongInput(f"{name}={text!r:.40} 的年份不在 {FIRST_YEAR} 至 {LAST_YEAR} 之间；请改正")
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)


def window_of(query: dict[str, str], now: datetime, zone_name: str, default: str = "24h") -> Window:
    """The window of an address: from/to, else the relative word; `at` moves the clock back, and no window that has
    begun by then ends after it: stocks and ages are those of the window's end.

    Raises:
        WrongInput: a text that is no time, or an empty window.
    """
    zone = ZoneInfo(zone_name)
    at = instant(query["at"], zone, "at") if query.get("at") else None
    moment = min(at, now) if at else now
    if query.get("from") or query.get("to"):
        end = instant(query["to"], zone, "to") if query.get("to") else moment
        start = instant(query["from"], zone, "from") if query.get("from") else end - timedelta(hours=24)
        if start >= end:
            raise WrongInput("from 必须早于 to；时段是左闭右开的 [from, to)")
        end = min(end, at) if at and at > start else end
        window = Window(start, end, "")
    else:
        window = relative(query.get("window") or default, moment, zone)
    return replace(window, at=at, known_now=query.get("known") == "now")


def shifted(window: Window, word: str) -> tuple[Window, str]:
    """The window of a comparison and its words: yesterday, last_week, previous, last_year."""
    lengths = {"yesterday": (timedelta(days=1), "较昨日"), "last_week": (timedelta(days=7), "较上周"),
               "previous": (window.end - window.start, "较上期"), "last_year": (timedelta(days=365), "较去年")}
    if word not in lengths:
        raise WrongInput(f"compare={word!r:.20} 不认识；可用 yesterday、last_week、previous、last_year")
    by, words = lengths[word]
    return replace(window, start=window.start - by, end=window.end - by), words


def earlier(moment: datetime, word: str, zone_name: str) -> datetime:
    """The same local time a day, a week, a calendar month or a year before; a day that the month lacks is its last.

    Raises:
        WrongInput: another word than yesterday, last_week, last_month, last_year.
    """
    local = moment.astimezone(ZoneInfo(zone_name))
    days, months = {"yesterday": 1, "last_week": 7}.get(word), {"last_month": 1, "last_year": 12}.get(word)
    if days:
        return (local - timedelta(days=days)).astimezone(UTC)
    if not months:
        raise WrongInput(f"{word!r:.20} 不认识；可用 yesterday、last_week、last_month、last_year")
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    last = monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last)).astimezone(UTC)


def before(window: Window, word: str, zone_name: str) -> Window:
    """A window as long as this one: right before it (`previous`), or the same one a day, week, month or year earlier.

    Raises:
        WrongInput: another word.
    """
    if word == "previous":
        return replace(window, start=window.start - (window.end - window.start), end=window.start, name="")
    start, end = earlier(window.start, word, zone_name), _end_before(window.end, word, zone_name)
    if start >= end:
        raise WrongInput("上月没有与本时段对应的日子；请自选对比时段")
    return replace(window, start=start, end=end, name="")


def _end_before(end: datetime, word: str, zone_name: str) -> datetime:
    """`earlier` of an exclusive end: one at midnight whose day the month lacks is the midnight after its last."""
    zone, found = ZoneInfo(zone_name), earlier(end, word, zone_name)
    local, then = end.astimezone(zone), found.astimezone(zone)
    if local == _midnight(local) and word in ("last_month", "last_year") and then.day != local.day:
        return (then + timedelta(days=1)).astimezone(UTC)
    return found


def local_offset_us(zone_name: str, moment: datetime) -> int:
    """Offset of local time from UTC in µs at a moment."""
    offset = moment.astimezone(ZoneInfo(zone_name)).utcoffset()
    return int(offset.total_seconds() * 1_000_000) if offset else 0
