"""The first sentence of every screen: is anything wrong, and what. Answers in, words out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.mapcards import chain_down, window_words
from layouts.panels.air import air_class
from layouts.panels.progress import gap_pp
from layouts.panels.warnings import LEVEL_WORDS, brief, headline, in_force
from layouts.parts import EMPTY, STATE_RANK
from layouts.screen import Context, Screen
from layouts.symbols import signal

Answers = dict[str, Answer]


@dataclass(frozen=True)
class Lead:
    """`state`: ok | att | warn | alarm | unknown; `sentence` is at most about sixteen letters."""

    state: str
    sentence: str
    sub: str


Say = Callable[[Answers, Context], Lead]


def figures(answers: Answers) -> list[Answer]:
    """The six figures' answers, in order."""
    return [answer for name, answer in answers.items() if name.startswith("figure.")]


def fresh(answer: Answer | None) -> bool:
    """True when an answer may be judged by: delivered and not late."""
    return answer is not None and answer.value is not None and answer.freshness in ("live", "scheduled")


def whole(context: Context) -> str:
    """全县 for the place, the division's name below."""
    chain = chain_down(context)
    word = context.place.levels[0][1] if context.place.levels else ""
    return (f"全{word}" if len(word) == 1 else "全域") if len(chain) == 1 else chain[-1][1]


def worst(answers: Answers) -> list[Answer]:
    """Fresh figures with a state, worst first."""
    bad = [a for a in figures(answers) if fresh(a) and STATE_RANK.get(a.state or "", 0) > 0]
    return sorted(bad, key=lambda a: -STATE_RANK[a.state or ""])


def blind(answers: Answers) -> list[Answer]:
    """Figures that cannot be judged now."""
    return [a for a in figures(answers) if not fresh(a)]


def fact(answers: Answers, metric: str, label: str = "") -> str:
    """在办事件 1,286 件, or nothing when it is not known."""
    answer = answers.get(f"figure.{metric}")
    if answer is None or answer.value is None:
        return ""
    if metric == "aqi":
        return f"AQI {words.number(answer.value)} {air_class(answer.value)[1]}"
    gap = "" if answer.unit == "%" else " "
    return f"{label or answer.name} {words.value(answer, answer.value)}{gap}{answer.unit}"


def facts(*pieces: str) -> str:
    """Facts of the second line."""
    return "·".join(piece for piece in pieces if piece)


def first_start(answers: Answers) -> Lead | None:
    """Nothing has ever been delivered."""
    if figures(answers) and all(a.value is None and a.freshness == "unknown" for a in figures(answers)):
        return Lead("unknown", "正在等待首批数据", "尚无数据源送达；到数后各面板自动显示，无需刷新")
    return None


def red(answers: Answers, context: Context) -> Lead | None:
    """A red warning in force rules everything else."""
    found = answers.get("lead.warnings")
    active = [row for row in in_force(found.rows) if row.get("level") == "red"] if found else []
    if not active:
        return None
    row = active[0]
    names = [str(name) for name in row.get("divisions") or ()]
    where = f"影响 {'、'.join(names[:3])}{f' 等 {len(names)} 处' if len(names) > 3 else ''}" if names else ""
    zone = context.place.timezone
    sent, ends = (words.clock_or_day(int(row[key]), zone, context.now_us) if row.get(key) else ""
                  for key in ("sent_us", "expires_us"))
    sender = headline(row).removesuffix(brief(row)).removesuffix("发布")
    times = f"{sender} {sent} 发布".strip() + (f"，至 {ends} 有效" if ends else "")
    return Lead("alarm", f"{brief(row)}生效中", facts(times, where))


def blind_lead(answers: Answers, context: Context) -> Lead | None:
    """Half of the figures or more cannot be judged: calm must not be claimed."""
    dark = blind(answers)
    if not dark or len(dark) * 2 < len(figures(answers)):
        return None
    names = "、".join(a.name for a in dark[:3] if a.name)
    return Lead("unknown", f"{len(dark)} 项数据中断，暂不能判断", f"{names}等没有新数据，旧值只供参考")


def _first(answers: Answers, context: Context) -> Lead | None:
    return red(answers, context) or first_start(answers) or blind_lead(answers, context)


def _warnings_fact(answers: Answers) -> str:
    found = answers.get("lead.warnings")
    if found is None or found.freshness not in ("live", "scheduled", "late"):
        return "预警信息未知"
    active = in_force(found.rows)
    if not active:
        return "无生效预警"
    return f"生效预警 {len(active)} 条，最高{LEVEL_WORDS.get(str(active[0].get('level')), '')}色"


def _warned(answers: Answers) -> str:
    """The state that the gravest warning in force asks for: a sign of calm must not stand beside it."""
    found = answers.get("lead.warnings")
    active = in_force(found.rows) if found else []
    states = {"red": "alarm", "orange": "warn", "yellow": "att"}
    return states.get(str(active[0].get("level")), "ok") if active else "ok"


def _missing(answers: Answers) -> str:
    dark = blind(answers)
    return f"{len(dark)} 项暂无新数据" if dark else ""


def _top(answers: Answers, name: str) -> str:
    found = answers.get(name)
    groups = [g for g in found.groups if g.value] if found else []
    return max(groups, key=lambda g: g.value or 0).name if found and len(found.groups) > 1 and groups else ""


def overview(answers: Answers, context: Context) -> Lead:
    """全县运行平稳，无生效预警."""
    if found := _first(answers, context):
        return found
    bad = worst(answers)
    late = fact(answers, "overdue_events", "超期")
    top = _top(answers, "lead.overdue_by")
    place = f"，{top}最多" if late and top and answers["figure.overdue_events"].value else ""
    sub = facts(fact(answers, "open_events", "在办"), late + place, fact(answers, "aqi"), _missing(answers))
    if not bad:
        return Lead("ok", f"{whole(context)}运行平稳，{_warnings_fact(answers)}", sub)
    named = "、".join(a.name for a in bad[:2])
    return Lead(bad[0].state or "att", f"{whole(context)} {len(bad)} 项需关注：{named}",
                facts(_warnings_fact(answers), sub))


def events(answers: Answers, context: Context) -> Lead:
    """流转正常，超期 7 件集中在某镇."""
    if found := _first(answers, context):
        return found
    overdue = answers.get("figure.overdue_events")
    count = overdue.value if overdue and overdue.value is not None else 0
    top = _top(answers, "lead.overdue_by")
    sub = facts(f"{window_words(context)}{fact(answers, 'received_events', '受理')}",
                fact(answers, "due_soon_events", "24 小时内到期"),
                fact(answers, "on_time_rate"), _missing(answers))
    if not count:
        return Lead("ok", "流转正常，无超期事件", sub)
    state = overdue.state if overdue else None
    where = f"，{top}最多" if top else ""
    return Lead("att" if state in (None, "ok") else str(state), f"超期 {words.number(count)} 件{where}", sub)


def economy(answers: Answers, context: Context) -> Lead:
    """总体快于进度，投资偏慢."""
    if found := first_start(answers) or blind_lead(answers, context):
        return found
    gaps = sorted((gap, a.name) for a in figures(answers) if (gap := gap_pp(a)) is not None)
    slow = [name for gap, name in gaps if gap < 0]
    growth = [f"{a.name}{a.change.word} {words.signed(a.change.value, 1)}{a.change.unit}" for a in figures(answers)
              if a.change]
    sub = facts(*growth[:2], _missing(answers))
    if not gaps:
        return Lead("ok", f"{whole(context)}主要指标已发布", sub)
    if not slow:
        return Lead("ok", f"{len(gaps)} 项指标均快于进度", sub)
    head = "总体快于进度" if len(slow) * 2 < len(gaps) else "总体慢于进度"
    return Lead("att", f"{head}，{slow[0]}偏慢", facts(f"{len(gaps) - len(slow)} 快 {len(slow)} 慢", sub))


def ecology(answers: Answers, context: Context) -> Lead:
    """空气优，水质全部达标."""
    if found := first_start(answers) or blind_lead(answers, context):
        return found
    aqi, water = answers.get("figure.aqi"), answers.get("figure.water_good_rate")
    air = f"空气{air_class(aqi.value)[1]}" if aqi and fresh(aqi) else "空气质量未知"
    wet = "水质未知"
    if water and fresh(water):
        wet = "水质全部达标" if (water.value
                           or 0) >= 100 else f"断面达标率 {words.number(water.value, water.decimals)}%"
    sub = facts(fact(answers, "aqi"), fact(answers, "pm25"), fact(answers, "good_day_rate"), _missing(answers))
    bad = worst(answers)
    calm = "ok" if aqi and fresh(aqi) and water and fresh(water) else "unknown"
    return Lead((bad[0].state or "att") if bad else calm, f"{air}，{wet}", sub)


def emergency(answers: Answers, context: Context) -> Lead:
    """水雨情平稳，无生效预警."""
    bad = worst(answers)
    if found := _first(answers, context):
        gravest = [a for a in bad if a.state == "alarm" and a.unit not in ("mm", "m")]
        if found.state != "alarm" or not gravest:
            return found
        said = fact(answers, gravest[0].question.name)
        return Lead("alarm", f"{found.sentence.removesuffix('生效中')}，{said}", found.sub)
    sub = facts(fact(answers, "rain_3h_max"), fact(answers, "reservoir_over_count"), fact(answers, "ponding_count"),
                _missing(answers))
    if not bad:
        return Lead(_warned(answers), f"水雨情平稳，{_warnings_fact(answers)}", sub)
    named = "、".join(a.name for a in bad[:2])
    return Lead(bad[0].state or "att", f"{named}需关注", facts(_warnings_fact(answers), sub))


def feeds(answers: Answers, context: Context) -> Lead:
    """38 个数据源正常，4 个需处理."""
    found = answers.get("lead.feeds")
    rows = found.rows if found else ()
    bad = [row for row in rows if row.get("freshness") not in ("live", "scheduled")]
    if not rows:
        return Lead("unknown", "没有声明数据源", "在地方包的 feeds.yaml 中声明")
    names = "、".join(str(row.get("name") or row.get("feed")) for row in bad[:3])
    held = answers.get("lead.quarantine")
    waiting = held.total if held else 0
    kept = f"隔离区 {words.number(waiting)} 条待更正" if waiting else "隔离区无待处理"
    if not bad and waiting:
        return Lead("att", f"{len(rows)} 个数据源正常，{words.number(waiting)} 条记录待更正",
                    "被拒绝的记录留有原文与原因，更正后可送回")
    if not bad:
        return Lead("ok", f"{len(rows)} 个数据源全部正常", kept)
    return Lead("att", f"{len(rows) - len(bad)} 个数据源正常，{len(bad)} 个需处理",
                facts(f"{names}{'等' if len(bad) > 3 else ''}未按时到数", kept))


def topics(answers: Answers, context: Context) -> Lead:
    """53 个专题已接通 n 个."""
    found = answers.get("lead.topics")
    rows = found.rows if found else ()
    live = sum(row.get("live") is True for row in rows)
    return Lead("ok" if live else "unknown", f"{len(rows)} 个专题，已接通 {live} 个",
                "按数据源、指标、面板与图层实时计算，不由人工填写")


LEADS: dict[str, Say] = {"overview": overview, "events": events, "economy": economy, "ecology": ecology,
                         "emergency": emergency, "feeds": feeds, "topics": topics}


def lead(screen: Screen, answers: Answers, context: Context) -> Markup:
    """The leading line: sign, sentence, facts, and what it rests on."""
    said = LEADS[screen.lead](answers, context)
    right = _rests_on(answers, context)
    css = "lead red" if said.state == "alarm" and red(answers, context) else f"lead is-{said.state}"
    css += " wide" if screen.plain else ""
    push = EMPTY
    if right:
        push = Markup('<div class="push note"><div>{}</div><div class="q">{}</div></div>').format(*right)
    return Markup('<div class="{}">{}<div class="txt"><h1 title="{}">{}</h1><p>{}</p></div>{}</div>').format(
        css, signal(said.state), said.sentence, said.sentence.replace(" ", "\N{NO-BREAK SPACE}"), said.sub, push)


def _rests_on(answers: Answers, context: Context) -> tuple[str, str] | None:
    judging = [a for a in figures(answers) if a.time is not None and fresh(a)]
    times = [words.to_us(a.time) for a in judging if a.time is not None]
    if not times:
        return None
    judged, total = len(times), len(figures(answers))
    until = f"数据截至 {words.clock_or_day(max(times), context.place.timezone, context.now_us)}"
    periods = [str(a.parts.get("period") or "") for a in judging]
    if all(periods):  # what was published is of its period, whenever it arrived
        until = f"数据时期 {words.period(max(periods, key=periods.count))}"
    return (until,
            f"{judged} / {total} 项可判断·{window_words(context)}")
