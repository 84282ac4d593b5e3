import pytest

from analysis import growth


def test_published_growth_is_never_recomputed_over():
    assert growth.growth(5.2, 110.0, 100.0) == 5.2
    assert growth.growth(0.0, 110.0, 100.0) == 0.0
    assert growth.growth(None, 110.0, 100.0) == pytest.approx(10.0)


@pytest.mark.parametrize(("now", "base"), [(None, 1.0), (1.0, None), (1.0, 0.0), (1.0, -5.0)])
def test_no_percentage_without_a_meaningful_base(now, base):
    assert growth.percent_change(now, base) is None


def test_rates_differ_in_points():
    assert growth.difference_pp(6.1, 6.0) == pytest.approx(0.1)
    assert growth.difference_pp(None, 6.0) is None


def test_two_year_average_is_geometric():
    assert growth.two_year_average(-20.0, 25.0) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="-100"):
        growth.two_year_average(-101.0, 0.0)


def test_contribution_and_pull_of_guangdong_2009():
    assert growth.contribution_pct(1542.31, 3390.05) == pytest.approx(45.50, abs=0.005)
    total = growth.pull_pp(3390.05, 35690)
    assert growth.pull_pp(1542.31, 35690) == pytest.approx(total * 45.4952 / 100, abs=1e-3)
    assert growth.contribution_pct(1.0, 0.0) is None
    assert growth.pull_pp(1.0, 0.0) is None


def test_january_and_february_stay_one_value_and_a_gap_is_not_bridged():
    found = growth.singles({"2026-01..02": 20.0, "2026-01..03": 33.0, "2026-01..05": 60.0}, "flow")
    assert [(one.period, one.value) for one in found] == [("2026-01..02", 20.0), ("2026-03", 13.0), ("2026-05", None)]


def test_quarters_and_the_turn_of_the_year():
    found = growth.singles({"2025Q1..Q4": 100.0, "2025Q1..Q3": 70.0, "2026Q1": 25.0}, "flow")
    assert [(one.period, one.value) for one in found] == [("2025Q3", None), ("2025Q4", 30.0), ("2026Q1", 25.0)]


def test_a_month_with_its_own_january_figure():
    found = growth.singles({"2026-01": 8.0, "2026-01..02": 20.0, "2026-01..03": None}, "flow")
    assert [(one.period, one.value) for one in found] == [("2026-01", 8.0), ("2026-01..02", 20.0), ("2026-03", None)]


def test_no_difference_across_a_change_of_scope_or_of_stocks_and_rates():
    found = growth.singles({"2026-01..02": 20.0, "2026-01..03": 33.0}, "flow", breaks=["2026-01..03"])
    assert found[1].value is None
    for kind in ("stock", "rate"):
        with pytest.raises(ValueError, match="不能由累计数相减"):
            growth.singles({"2026-01..02": 20.0}, kind)
    with pytest.raises(ValueError, match="不是累计时段"):
        growth.singles({"2026-03": 20.0}, "flow")


def test_progress_against_the_part_of_the_year_gone():
    found = growth.progress(45.0, 60.0, 9)
    assert (found.done, found.due, found.ahead_pp) == (75.0, 75.0, 0.0)
    assert growth.progress(None, 60.0, 9) is None
    assert growth.progress(1.0, 0.0, 9) is None
    with pytest.raises(ValueError, match="13"):
        growth.progress(1.0, 1.0, 13)


def test_words():
    assert [growth.change_words(x) for x in (5.24, -5.26, 0.04, -0.04, None)] == [
        "增长 5.2%", "下降 5.3%", "持平", "持平", "—"]
    assert [growth.gap_words(x, "全市") for x in (0.1, -0.25, 0.0, None)] == [
        "高于全市 0.1 个百分点", "低于全市 0.2 个百分点", "与全市持平", "—"]
