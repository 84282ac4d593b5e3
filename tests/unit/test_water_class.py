import pytest

from analysis import water


@pytest.mark.parametrize(("item", "value", "body", "grade"), [
    ("nh3n", 0.15, "river", 1), ("nh3n", 0.151, "river", 2), ("nh3n", 1.0, "river", 3), ("nh3n", 2.01, "river", 6),
    ("cod", 15, "river", 1), ("cod", 15.1, "river", 3), ("cod", 20, "river", 3), ("bod5", 3, "river", 1),
    ("tp", 0.2, "river", 3), ("tp", 0.2, "lake", 5), ("tp", 0.05, "lake", 3), ("tp", 0.05, "river", 2),
    ("tn", 1.0, "lake", 3), ("tn", 9.0, "river", None), ("codmn", 6, "river", 3), ("codmn", 15.5, "river", 6),
    ("do", 7.5, "river", 1), ("do", 7.4, "river", 2), ("do", 5, "river", 3), ("do", 1.9, "river", 6),
    ("ph", 6, "river", 1), ("ph", 9, "lake", 1), ("ph", 9.1, "river", 6), ("ph", 5.99, "river", 6),
    ("tp", 0.1 + 0.2 - 0.1, "river", 3), ("cu", 0.01, "river", 1), ("cu", 0.02, "river", 2), ("hg", 0.0001, "river", 3),
])
def test_class_of_one_item(item, value, body, grade):
    assert water.item_class(item, value, body) == grade


def test_oxygen_saturation_gives_class_one():
    assert water.item_class("do", 6.1, "river", saturation_pct=90) == 1
    assert water.item_class("do", 6.1, "river", saturation_pct=89.9) == 2


def test_the_worst_item_decides_and_total_nitrogen_stands_apart():
    found = water.section({"nh3n": 0.6, "tp": 0.12, "codmn": 7.5, "tn": 5.0, "do": None}, "lake")
    assert (found.grade, found.text, found.deciding) == (5, "Ⅴ类", ("tp",))
    assert found.apart == {"tn": 6}
    assert found.items == {"nh3n": 3, "tp": 5, "codmn": 4}
    assert [name for name, _ in found.main] == ["tp", "codmn"]
    assert [pytest.approx(multiple) for _, multiple in found.main] == [1.4, 0.25]


def test_exceed_multiples_are_against_class_three_and_never_for_oxygen_or_ph():
    assert water.exceed_multiple("nh3n", 1.5, "river") == pytest.approx(0.5)
    assert water.exceed_multiple("nh3n", 1.0, "river") is None
    assert water.exceed_multiple("do", 1.0, "river") is None
    assert water.exceed_multiple("ph", 10.0, "river") is None
    assert water.exceed_multiple("nh3n", 1.0, "river", target=2) == pytest.approx(1.0)


def test_at_most_three_main_pollutants_heavy_metals_first():
    found = water.section({"nh3n": 9.0, "tp": 9.0, "cod": 90.0, "pb": 0.2, "do": 1.0}, "river")
    assert found.grade == 6
    assert [name for name, _ in found.main] == ["pb", "tp", "nh3n"]


def test_nothing_measured_is_unknown():
    found = water.section({"nh3n": None, "tn": 1.0}, "river")
    assert (found.grade, found.text) == (None, "—")
    assert water.meets(None, 3) is None


@pytest.mark.parametrize("word", [3, "3", "III", "Ⅲ", "Ⅲ类"])
def test_targets_as_packs_write_them(word):
    assert water.meets(3, word)
    assert not water.meets(4, word)


def test_bad_words_and_values_are_refused():
    for wrong in (lambda: water.item_class("xyz", 1, "river"), lambda: water.item_class("tp", -1, "river"),
                  lambda: water.item_class("tp", float("nan"), "river"), lambda: water.class_of("七")):
        with pytest.raises(ValueError, match=r"GB 3838|无效|水质类别"):
            wrong()


def test_basins():
    assert water.basin_word([1, 2, 3, 3, 3, 3, 2, 2, 2, 4]) == "优"
    assert water.basin_word([3, 3, 3, 4, 2]) == "良好"
    assert water.basin_word([3, 4, 4, 4, 4, 6]) == "轻度污染"
    assert water.basin_word([3, 4, 4, 4, 6]) == "中度污染"
    assert water.basin_word([3, 6, 6, 4, 6]) == "重度污染"
    assert water.basin_word([1, 1, 1, None, 1]) is None
    assert water.share_good_pct([3, 4, None]) == 50
    assert water.share_good_pct([None]) is None
