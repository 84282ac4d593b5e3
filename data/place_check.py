"""Everything that can be wrong with a place pack, one line each."""

from __future__ import annotations

from pathlib import Path

import shapely

from data.errors import WrongInput, YipingError
from data.fetching import trust
from data.formulas import unknown_kinds
from data.ground_files import check_ground, outside
from data.pack import Pack, load_pack
from data.packfiles import DIVISION_FILES, PackProblem, located, read_divisions, shown
from data.people import FILE, people_problems
from data.place_source import level_pairs, read_place
from data.road_file import read_roads
from data.tile_files import archive, extent
from data.vectorfiles import Feature, read_vector
from geo.divisions import Divisions
from geo.topology import check_topology, fault


def check_place(root: Path) -> list[str]:
    """All problems of YAML, divisions, borders and assets, as `file:line: what is wrong, what is expected`."""
    if not root.is_dir():
        return [f"{shown(root)}: 没有这个目录，应为地方包，如 places/yudu"]
    problems: list[str] = []
    try:
        pack = load_pack(root)
        problems += [*unknown_kinds(pack), *check_certificates(pack), *check_roads(pack), *check_tiles(pack)]
    except PackProblem as error:
        problems += error.problems
    divisions = _divisions(root, problems)
    if divisions is not None:
        name = next(name for name in DIVISION_FILES if (root / name).is_file())
        problems += [f"{shown(root / name)}:1: {text}" for text in check_topology(divisions)]
        problems += check_assets(root, divisions)
        problems += [f"{shown(root / FILE)}:{text}" for text in people_problems(root, divisions)]
    problems += check_ground(root, shown(root))
    return list(dict.fromkeys(problems))


def outlines(root: Path) -> list[str]:
    """What must not be wrong for a start: YAML, the tree, and borders that overlap; quick enough for every start."""
    try:
        divisions = load_pack(root).divisions
    except PackProblem as error:
        return error.problems
    name = next(name for name in DIVISION_FILES if (root / name).is_file())
    return [f"{shown(root / name)}:1: {text}" for text in check_topology(divisions)]


def check_certificates(pack: Pack) -> list[str]:
    """The authorities' files that feeds name: there, and certificates; else it would show at the first connection."""
    problems: list[str] = []
    for key, feed in pack.feeds.items():
        pulled = feed.source.http or feed.source.mqtt
        if pulled is None or not pulled.ca:
            continue
        try:
            trust(pack.root / pulled.ca)
        except WrongInput as error:
            place = located(pack.root, "feeds.yaml", key, "source", feed.source.kind, "ca")
            problems.append(f"{place}: {key}: {error}")
    return problems


def check_roads(pack: Pack) -> list[str]:
    """What hinders `roads.geojson`, where there is one, from being a road network."""
    try:
        read_roads(pack.root, pack.travel)
    except WrongInput as error:
        return [str(error)]
    return []


def check_tiles(pack: Pack) -> list[str]:
    """Local archives of tiles: inside the pack, whole, and full of pictures."""
    problems: list[str] = []
    for key, tiles in pack.tile_sources().items():
        if not tiles.local:
            continue
        try:
            path = archive(pack.root, tiles.file)
            if path.suffix != f".{tiles.form}":
                raise WrongInput(f"{tiles.file:.80} 的扩展名应为 .{tiles.form}")
            extent(path)
        except YipingError as error:
            problems.append(f"{located(pack.root, 'layers.yaml', key, 'tiles', 'file')}: {key}: {error}")
    return problems


def check_assets(root: Path, divisions: Divisions) -> list[str]:
    """`assets/*.geojson`: id, layer and name are there, ids are unique in a file, each is somewhere."""
    problems: list[str] = []
    for path in sorted((root / "assets").glob("*.geojson")):
        try:
            features = read_vector(path)
        except WrongInput as error:
            problems.append(f"{shown(path)}:1: {error}")
            continue
        seen: set[str] = set()
        for number, feature in enumerate(features, 1):
            row, where = feature.properties, f"{shown(path)}:1: 第 {number} 个要素"
            missing = [key for key in ("id", "layer", "name") if not isinstance(row.get(key), str) or not row[key]]
            problems += [f"{where}: 缺少 {key}，应为文字" for key in missing]
            if row.get("id") in seen:
                problems.append(f"{where}: id {row['id']!r} 重复")
            seen.add(str(row.get("id")))
            if row.get("division") is not None and row["division"] not in divisions:
                problems.append(f"{where}: division {row['division']!r} 不在区划之中")
            if feature.geometry is None and not row.get("division"):
                problems.append(f"{where}: 既没有坐标也没有 division，至少应有一个")
            problems += _misplaced(feature, where)
    return problems


def _misplaced(feature: Feature, where: str) -> list[str]:
    """Coordinates that are no place of the earth, and shapes that cross themselves."""
    if feature.geometry is None:
        return []
    reason = outside(shapely.get_coordinates(feature.geometry)) or fault(feature.geometry)
    return [f"{where}: {reason}"] if reason else []


def _divisions(root: Path, problems: list[str]) -> Divisions | None:
    try:
        place = read_place(root)
    except PackProblem as error:
        problems += error.problems
        return None
    return read_divisions(root, level_pairs(place), problems)
