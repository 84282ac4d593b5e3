"""The twenty indicators of the demo county's economy: what each is, and how a township's figure comes about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Indicator:
    """An indicator.

    kind: level (flow, published cumulative and current), balance (end of month), mean (per head, does not add up), or
    growth (only the growth rate is published). quarterly: one figure a quarter. annual: county's sum of a year in the
    last year; growth: usual yearly growth, %. spread: what the townships' shares follow (people, urban, industry).
    """

    id: str
    name: str
    unit: str
    kind: str
    annual: float
    growth: float
    spread: str
    department: str
    quarterly: bool = False
    yoy_kind: str = "nominal"
    target_growth: float = 0.0


STATS, FINANCE, POWER, JOBS, MARKET, OPS = ("县统计局", "县财政局", "国网于都县供电公司", "县人社局", "县市场监管局",
                                            "县城市运行中心")
INDICATORS = (
    Indicator("gdp", "地区生产总值", "亿元", "level", 398.0, 6.2, "industry", STATS, True, "real", 6.5),
    Indicator("industry_va", "规上工业增加值", "%", "growth", 0.0, 8.1, "industry", STATS, False, "comparable", 8.0),
    Indicator("fixed_investment", "固定资产投资", "%", "growth", 0.0, 7.4, "industry", STATS, target_growth=8.0),
    Indicator("retail", "社会消费品零售总额", "亿元", "level", 146.0, 5.6, "urban", STATS, target_growth=6.0),
    Indicator("revenue", "一般公共预算收入", "亿元", "level", 19.6, 3.8, "industry", FINANCE, target_growth=4.0),
    Indicator("tax", "税收收入", "亿元", "level", 12.4, 4.4, "industry", FINANCE, target_growth=4.5),
    Indicator("expenditure", "一般公共预算支出", "亿元", "level", 74.0, 2.6, "people", FINANCE, target_growth=3.0),
    Indicator("deposits", "金融机构存款余额", "亿元", "balance", 712.0, 8.3, "urban", FINANCE, target_growth=8.0),
    Indicator("loans", "金融机构贷款余额", "亿元", "balance", 548.0, 9.7, "urban", FINANCE, target_growth=10.0),
    Indicator("power_use", "全社会用电量", "亿千瓦时", "level", 21.4, 7.2, "people", POWER, target_growth=7.0),
    Indicator("industrial_power", "工业用电量", "亿千瓦时", "level", 9.8, 8.8, "industry", POWER, target_growth=8.5),
    Indicator("urban_income", "城镇居民人均可支配收入", "元", "mean", 42_600.0, 5.1, "urban", STATS, True,
              target_growth=5.5),
    Indicator("rural_income", "农村居民人均可支配收入", "元", "mean", 18_900.0, 7.3, "people", STATS, True,
              target_growth=7.5),
    Indicator("exports", "出口总额", "亿元", "level", 31.0, 6.8, "industry", STATS, target_growth=8.0),
    Indicator("foreign_capital", "实际利用外资", "万美元", "level", 5_200.0, 2.4, "industry", STATS, target_growth=3.0),
    Indicator("new_jobs", "城镇新增就业", "人", "level", 7_400.0, 1.5, "urban", JOBS, target_growth=1.0),
    Indicator("new_entities", "新设经营主体", "户", "level", 11_800.0, 6.0, "urban", MARKET,
              target_growth=5.0),
    Indicator("closed_entities", "注销经营主体", "户", "level", 4_900.0, 4.0, "urban", MARKET),
    Indicator("project_investment", "重大项目投资", "亿元", "level", 168.0, 9.2, "industry", OPS,
              target_growth=10.0),
    Indicator("construction_output", "建筑业总产值", "亿元", "level", 88.0, 6.4, "urban", STATS, True,
              target_growth=7.0),
)
