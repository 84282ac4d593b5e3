"""经济运行: the year's indicators against target and time progress, and power as the leading signal."""

from __future__ import annotations

from layouts import asks
from layouts.screen import Figure, MapView, Panel, Screen

KEY = ("gdp", "industry_va_yoy", "fixed_investment_yoy", "retail", "revenue", "new_jobs")
MONTHLY = ("tax", "expenditure", "exports", "foreign_capital")
TABLE = ("tax", "expenditure", "deposits", "loans", "exports", "foreign_capital", "construction_output")

SCREEN = Screen(
    key="economy", title="经济运行", topics=("E1", "E4", "E7", "E9"), lead="economy", window="ytd",
    figures=(Figure("gdp", "last_year", "地区生产总值"), Figure("industry_va_yoy", "previous", "规上工业"),
             Figure("fixed_investment_yoy", "previous", "固定投资"), Figure("retail", "last_year", "社零总额"),
             Figure("revenue", "last_year", "财政收入"), Figure("industrial_power", "last_year", "工业用电")),
    map=MapView("industrial_power",
                ("industrial_power", "power_use", "fixed_investment_yoy", "new_entities", "revenue"),
                ("project", "enterprise"), ("project",), also={"E7": ("项目点位",)}),
    lead_asks={"warnings": asks.WARNINGS},
    panels=(
        Panel("p1", "p1", "主要指标", "E1", "progress", {metric: asks.now(metric, "last_year") for metric in KEY},
              ("目标与序时进度",)),
        Panel("p2", "p2", "规上工业增速", "E1", "trend", {"rate": asks.last("industry_va_yoy", "month", 24)},
              (), options={"plain_title": True, "note": "规上工业增加值累计同比·1 月不单独发布"}),
        Panel("p3", "p3", "固定资产投资增速", "E1", "trend", {"rate": asks.last("fixed_investment_yoy", "month", 24)},
              ("1—2 月合并发布",), options={"plain_title": True, "note": "累计同比·1—2 月合并发布"}),
        Panel("p4", "p4", "工业用电", "E9", "ranking", {"by": asks.by("industrial_power", "children", "last_year")},
              ("分乡镇用电",)),
        Panel("p5", "p5", "经营主体新设与注销", "E4", "trend",
              {"new": asks.last("new_entities", "month", 12), "closed": asks.last("closed_entities", "month", 12)},
              ("登记与注销",), options={"bars": True, "pair": True, "plain_title": True}),
        Panel("p6", "p6", "财政金融与外贸", "E1", "table",
              {metric: asks.now(metric, "last_year") for metric in TABLE}
              | {f"{metric}_month": asks.now(f"{metric}_month") for metric in MONTHLY},
              ("当前与累计", "同比与环比")),
        Panel("s1", "s1", "一般公共预算收入", "E1", "ranking", {"by": asks.by("revenue", "children")}, ("乡镇位次",)),
        Panel("s2", "s2", "社会消费品零售总额", "E1", "trend",
              {"retail": asks.last("retail", "month", 24, "last_year")},
              (), options={"bars": True, "note": "累计值"}),
        Panel("s3", "s3", "全社会用电量", "E9", "trend", {"power": asks.last("power_use", "month", 24, "last_year")},
              ("用电走势",), options={"note": "累计值"}),
        Panel("s4", "s4", "重大项目", "E7", "table", {"list": asks.rows("assets:project")},
              ("项目清单", "计划与完成投资", "滞后项目"),
              options={"columns": (("late", "", "late"), ("name", "项目", "wide"), ("division", "地点", "division"),
                                   ("stage", "阶段", "text"),
                                   ("plan", "计划 亿元", "number"),
                                   ("actual", "完成 亿元", "number")), "count": "个",
                       "first": ("late", "滞后"), "none": "本区划内没有重大项目"}),
        Panel("s5", "s5", "居民收入", "E1", "trend",
              {"urban": asks.last("urban_income", "month", 24, "last_year"),
               "rural": asks.last("rural_income", "month", 24)},
              (), options={"plain_title": True, "note": "累计值·每季发布"}),
        Panel("s6", "s6", "城镇新增就业", "E1", "trend", {"jobs": asks.last("new_jobs", "month", 24, "last_year")},
              (), options={"bars": True, "note": "累计值"}),
    ))
