import numpy as np
import pytest

from geo.crs import UnknownCrs, bd09_to_gcj02, crs_name, gcj02_to_bd09, gcj02_to_wgs84, to_place, wgs84_to_gcj02

# Published test points of the eviltransform and coordtransform libraries: WGS 84 lon, lat → GCJ-02 lon, lat.
PUBLISHED = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),
]


@pytest.mark.parametrize(("wgs84", "gcj02"), PUBLISHED)
def test_gcj02_equals_published_points(wgs84, gcj02):
    assert np.allclose(wgs84_to_gcj02(*wgs84), gcj02, rtol=0, atol=1e-9)


def test_bd09_equals_published_points():
    assert np.allclose(gcj02_to_bd09(116.404, 39.915), (116.41036949371029, 39.92133699351021), rtol=0, atol=1e-9)
    # the published inverse is the usual approximation; ours is exact, so they agree to about a meter only
    assert np.allclose(bd09_to_gcj02(116.404, 39.915), (116.39762729119315, 39.90865673957631), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("forward", "back"), [(wgs84_to_gcj02, gcj02_to_wgs84), (gcj02_to_bd09, bd09_to_gcj02)])
def test_inverses_return_to_below_1e_7_degrees(forward, back):
    chooser = np.random.default_rng(7)
    lon, lat = chooser.uniform(75, 134, 5000), chooser.uniform(4, 53, 5000)
    east, north = back(*forward(lon, lat))
    assert np.abs(east - lon).max() < 1e-7
    assert np.abs(north - lat).max() < 1e-7


def test_points_outside_china_are_not_shifted():
    assert tuple(map(float, wgs84_to_gcj02(-122.4, 37.8))) == (-122.4, 37.8)


def test_zones_of_three_degrees():
    # On the central meridian: easting 500 km, and the ellipsoid's meridian arc for 26° N (GRS 80) is 2,876,833.8 m ± 1.
    for crs, easting in (("EPSG:4547", 500_000.0), ("EPSG:4526", 38_500_000.0)):
        lon, lat = to_place([easting], [_meridian_arc_m(26.0)], crs)
        assert abs(lon[0] - 114) < 1e-9
        assert abs(lat[0] - 26) < 1e-8
    west, _ = to_place([350_000.0], [2_870_000.0], "EPSG:4548")
    assert 115.4 < west[0] < 115.6


def _meridian_arc_m(lat):
    """Numerical integral of the meridian's radius of curvature."""
    a, e2 = 6378137.0, 0.00669438002290
    phi = np.linspace(0, np.radians(lat), 200_001)
    return float(np.trapezoid(a * (1 - e2) / (1 - e2 * np.sin(phi) ** 2) ** 1.5, phi))


def test_names_are_understood_as_people_write_them():
    assert crs_name("gcj02") == crs_name("GCJ-02") == "GCJ-02"
    assert crs_name(" bd_09 ") == "BD-09"
    assert crs_name("cgcs2000") == "EPSG:4490"
    for wrong in ("mars", "EPSG:999999"):
        with pytest.raises(UnknownCrs, match="不认识坐标系"):
            crs_name(wrong)


def test_plain_systems_pass_unchanged():
    lon, lat = to_place([115.5], [26.0], "EPSG:4490")
    assert (lon[0], lat[0]) == (115.5, 26.0)
