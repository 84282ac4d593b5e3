"""Every CSV, XLS, zip and JSON of the shared data through feeds of test packs: no row and no cell unaccounted for.

The expected numbers were counted by other means (csv, xlrd, awk over the files), never with the program.
"""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from brought import DATA, ROOT, Bring, Expected, account, balanced, bring, needed

__all__ = ["bring"]
pytestmark = [pytest.mark.integration, pytest.mark.slow]
# One so2 of 199 for an hour among readings of 2 (air-guanyuan, 2014-07-05) looks like a changed unit.
AIR = Expected(420_768, {"pm25": 412_028, "pm10": 414_316, "so2": 411_743, "no2": 408_652, "co": 400_011,
                         "o3": 407_469},
               {"PM2.5": (8_739, 0), "PM10": (6_449, 0), "SO2": (9_021, 0), "NO2": (12_116, 0), "CO": (20_701, 0),
                "O3": (13_277, 0)}, {"pm25": 1, "pm10": 3, "so2": 4, "co": 56, "o3": 22})
RIVER_2021 = Expected(365 * 53, {"level": 15_205, "flow": 14_147, "storage": 2_920, "sediment": 1_176},
                      {"水位": (4_140, 0), "流量": (2_278, 0), "含沙量": (16_673, 1_496)}, read_as="excel")
RIVER_2022 = Expected(364 * 53, {"level": 15_193, "flow": 14_098, "storage": 2_912, "sediment": 1_405},
                      {"水位": (4_099, 0), "流量": (2_282, 0), "含沙量": (16_389, 1_498)}, read_as="excel")
# 15,060 readings of 204 unknown stations, 8 beyond the limits, 4 written as two numbers, one without a value.
WET_DAY = Expected(20_729, {"rain_mm": 897, "level_maod": 3_393, "level_m": 77, "level_masd": 1_046, "level_mm": 3},
                   {"value": (1, 0)}, {"rain_mm": 11, "level_maod": 9_492, "level_m": 5_031, "level_masd": 371,
                                       "level_mm": 163}, lost=4, duplicate=240)
SONDE = Expected(1_527, {"temp": 1_527, "conductivity": 1_527, "ph": 1_527, "ph_mv": 1_527, "chloride": 1_527,
                         "ammonium_n": 1_527, "nitrate_n": 1_527, "turbidity": 328, "do_pct": 1_527},
                 dict.fromkeys(("Temp", "SpCond", "pH", "pHmV", "Chloride", "AmmoniumN", "NitrateN", "Turbidity+",
                                "DO"), (0, 0)), {"turbidity": 1_199})
CORRECTED = Expected(1_527, {"ph": 1_527, "chloride": 1_527, "conductivity": 1_527, "turbidity": 64, "do_pct": 1_527},
                     dict.fromkeys(("pH_Corr", "Chloride_Corr", "SpCond_Corr", "Turbidity_Corr", "DO_Corr"), (0, 0)),
                     {"turbidity": 1_463})
RETAIL = Expected(180, {"retail": 348}, {"当期": (8, 0), "累计": (4, 0)}, read_as="csv gb18030")
PRICES = Expected(50, {**dict.fromkeys(("cpi", "cpi_food", "cpi_clothing", "cpi_housing", "cpi_household",
                                        "cpi_transport", "cpi_education", "cpi_health", "cpi_other"), 50),
                       "export": 48, "import": 48},
                  {**{f"{name}(上年同月=100)": (0, 0) for name in (
                      "居民消费价格指数", "食品烟酒类居民消费价格指数", "衣着类居民消费价格指数",
                      "居住类居民消费价格指数", "生活用品及服务类居民消费价格指数", "交通和通信类居民消费价格指数",
                      "教育文化和娱乐类居民消费价格指数", "医疗保健类居民消费价格指数",
                      "其他用品和服务类居民消费价格指数")},
                   "出口总值当期值(千美元)": (2, 0), "进口总值当期值(千美元)": (2, 0)}, read_as="csv gb18030")
AIR_NOW = Expected(4, dict.fromkeys(("aqi", "pm10", "pm25", "no2", "so2", "co", "o3"), 4),
                   dict.fromkeys(("aqi", "pm10", "pm2p5", "no2", "so2", "co", "o3"), (0, 0)), read_as="json utf-8")


DAY_2021 = 1_609_430_400_000_000  # 2021-01-01 00:00 in Shanghai
VALUES = {
    RIVER_2021.read: [{"station": "黄河 龙羊峡蓄水量", "time": DAY_2021, "metric": "storage", "value": 236.0},
                      {"station": "黄河 唐乃亥", "time": DAY_2021, "metric": "flow", "value": 262.0}],
    SONDE.read: [{"metric": "conductivity", "time": 1_442_596_249_000_000, "value": 754.0}],  # 2015-09-18 12:10:49 CDT
    RETAIL.read: [{"period": "2015-12", "basis": "cumulative", "value": 300_930.8}],
    PRICES.read: [{"indicator": "cpi", "period": "2020-02", "value": 105.2},
                  {"indicator": "export", "period": "2016-02", "value": 12_614_474.5, "unit": "万美元"}],
    AIR_NOW.read: [{"station": "CNA3696", "metric": "pm25", "value": 6.0}],
}


@pytest.mark.parametrize(("place", "feed", "name", "expected"), [
    ("yellow_river", "bulletin", "hydro/yellow_river_daily_2021.zip", RIVER_2021),
    ("yellow_river", "bulletin", "hydro/yellow_river_daily_2022.zip", RIVER_2022),
    ("sonde", "raw", "water_quality/ysi6600_raw_2015.csv", SONDE),
    ("sonde", "corrected", "water_quality/ysi6600_corrected_2015.csv", CORRECTED),
    ("china", "retail", "economy/nbs_retail_monthly_2001-2015_gbk.csv", RETAIL),
    ("china", "prices", "economy/nbs_cpi_trade_月度数据.csv", PRICES),
    ("alerts", "air_now", "alerts/qweather_example_getAirNowV7-zh.json", AIR_NOW),
], ids=lambda value: value if isinstance(value, str) and "/" not in value else "")
def test_every_cell_is_accounted_for(bring: Bring, place: str, feed: str, name: str, expected: Expected) -> None:
    assert balanced(expected)
    outcome, rows = bring(place, feed, name)
    account(outcome, rows, expected)
    for known in VALUES.get(expected.read, []):
        assert any(known.items() <= row.items() for row in rows), known


def test_the_air_of_a_city_over_four_years(bring: Bring) -> None:
    assert balanced(AIR)
    bring("beijing", "stations", str(ROOT / "places" / "beijing" / "assets" / "stations_air.geojson"))
    account(*bring("beijing", "air", "air/beijing_multisite_hourly_2013_2017.zip"), AIR)


def test_a_wet_day_knows_its_stations_first(bring: Bring) -> None:
    account(*bring("england", "stations", "hydro/uk_ea_stations.csv"), Expected(2_026, {"gauge": 2_026}))
    assert balanced(WET_DAY)
    account(*bring("england", "readings", "hydro/uk_ea_wet_day_2021-05-07.csv.gz"), WET_DAY)


def test_figures_keep_their_two_numbers_and_provinces_their_months(bring: Bring) -> None:
    outcome, rows = bring("china", "money", "economy/nbs_money_supply_1990-2021.csv")
    columns = dict.fromkeys((f"{name}{what}" for name in ("货币和准货币(M2)", "货币(M1)", "流通中现金(M0)")
                             for what in ("供应量期末值(亿元)", "供应量同比增长(%)")), (0, 0))
    account(outcome, rows, Expected(258, {"m2": 258, "m1": 258, "m0": 258}, columns, read_as="csv gb18030"))
    newest = next(row for row in rows if (row["indicator"], row["period"]) == ("m2", "2021-05"))
    assert (newest["value"], newest["yoy"], newest["basis"]) == (2_275_538.07, 8.3, "balance")
    outcome, rows = bring("china", "unnamed", "economy/nbs_prov_monthly_unnamed_indicator_gbk.csv")
    assert (outcome.tally.read, len(outcome.tally.columns)) == (31, 244)
    cells, missing, refused = map(sum, zip(*outcome.tally.columns.values(), strict=True))
    assert (cells, missing, refused, outcome.accepted) == (31 * 244, 672, 0, 6_892)
    assert next(row["value"] for row in rows if (row["division"][:2], row["period"]) == ("11", "2022-10")) == 12_849.66
    outcome, rows = bring("china", "annual", "economy/provinces_annual_1998-2019.csv")
    assert (outcome.tally.read, outcome.accepted, outcome.tally.missing) == (660, 660 * 20, 0)
    assert {row["period"] for row in rows} == {str(year) for year in range(1998, 2020)}
    assert len({row["division"] for row in rows}) == 30


def test_warnings_come_as_they_are_meant(bring: Bring) -> None:
    account(*bring("alerts", "kinds", "alerts/qweather_alert_event_types.csv"), Expected(461, {"warning_kind": 461}))
    old = bring("alerts", "warnings_now", "alerts/qweather_example_getWarningNow-zh.json")
    account(*old, Expected(1, {"1006": 1}, read_as="json utf-8"))
    new = bring("alerts", "alerts_current", "alerts/qweather_example_getWeatherAlertCurrent-zh.json")
    account(*new, Expected(1, {"1006": 1}, read_as="json utf-8"))
    row = new[1][0]
    assert (row["level"], orjson.loads(row["references"])) == ("blue", ["202510181140100706230391"])
    assert (row["expires"] - row["sent"]) / 3.6e9 == 24


def test_an_answer_without_any_time_is_no_observation(bring: Bring) -> None:
    outcome, rows = bring("alerts", "air_station", "alerts/qweather_example_getAirqualityAirStation.json")
    assert (outcome.tally.read, outcome.accepted, rows) == (4, 0, [])
    assert dict(outcome.tally.reasons) == {"缺少 time": 4}


def test_calibrations_are_assets_with_both_numbers(bring: Bring) -> None:
    outcome, rows = bring("sonde", "calibration", "water_quality/ysi6600_calibration.csv")
    account(outcome, rows, Expected(7, {"calibration": 7}))
    said = {row["id"]: orjson.loads(row["properties"]) for row in rows}
    assert said["pH Low"] == {"standard": "7", "reading": "7.01"}


def test_every_file_of_the_shared_data_has_its_feed() -> None:
    needed()
    said = "".join(one.read_text(encoding="utf-8") for one in Path(__file__).parent.glob("test_packs*.py"))
    files = [path.relative_to(DATA).as_posix() for path in sorted(DATA.rglob("*")) if path.is_file()]
    ours = [name for name in files if not name.startswith("yudu/") and name.endswith((".csv", ".gz", ".zip", ".json"))]
    assert len(ours) >= 19
    assert [name for name in ours if name not in said] == []
