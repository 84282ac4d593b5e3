"""The screen that figures are divided by: 2,600 cells, 5,000 points, 6 charts, 8 figures, one filter, in plain Dash.

Run as `python -m bench.reference.app PORT`.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import dash_leaflet as dl
import plotly.graph_objects as go
from dash import Dash, Input, Output, dcc, html
from werkzeug.serving import make_server

PACK = Path(__file__).resolve().parents[2] / "places" / "yudu"
NO_ASSETS = str(Path(__file__).parent / "no-assets")
POINTS, FIGURES, CHARTS = 5000, 8, 6
KINDS = ((3, 288, "line"), (3, 24, "bar"), (3, 6, "bar"), (4, 60, "line"), (2, 23, "bar"), (10, 288, "line"))
# The style function counts the cells that it was asked for, so that the clock knows when the map has been drawn.
PAGE = """<!DOCTYPE html><html><head>{%metas%}{%favicon%}{%css%}
<script>
window.ref = {styled: 0,
  cell: (feature, context) => { window.ref.styled += 1; const p = feature.properties, h = context.hideout || {};
    const on = !h.town || h.town === p.town, fillColor = h.colors[p.value % h.colors.length];
    return {weight: 0.5, color: '#456', fillColor, fillOpacity: on ? 0.8 : 0.15}; },
  point: (feature, context) => !(context.hideout || {}).town || feature.properties.town === context.hideout.town};
</script></head><body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body></html>"""
COLORS = ["#0d2b45", "#203c56", "#2f5d7c", "#4f86a6", "#7fb2cc", "#b4d6e4"]


def walk(seed: object, count: int) -> list[float]:
    """A random walk that depends on its seed only."""
    chance, at, out = random.Random(repr(seed)), 50.0, []
    for _ in range(count):
        at = max(1.0, at + chance.uniform(-3, 3))
        out.append(round(at, 1))
    return out


def county() -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Cells with the township they lie in, and the townships' names by code."""
    features = json.loads((PACK / "divisions.geojson").read_text(encoding="utf-8"))["features"]
    rows = {one["properties"]["code"]: one["properties"] for one in features}
    towns = {code: row["name"] for code, row in rows.items() if row["level"] == 1}
    finest = max(row["level"] for row in rows.values())
    cells = []
    for one in features:
        row = one["properties"]
        if row["level"] != finest:
            continue
        town = row["parent"]
        while town not in towns:
            town = rows[town]["parent"]
        cells.append({"type": "Feature", "geometry": one["geometry"],
                      "properties": {"town": town, "value": random.Random(row["code"]).randrange(90)}})
    return cells, towns


def points(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events at corners of random cells."""
    chance, out = random.Random(7), []
    for number in range(POINTS):
        cell = chance.choice(cells)
        ring = cell["geometry"]["coordinates"][0]
        spot = ring[0] if isinstance(ring[0][0], float) else ring[0][0]
        out.append({"type": "Feature", "geometry": {"type": "Point", "coordinates": spot[:2]},
                    "properties": {"town": cell["properties"]["town"], "id": number}})
    return out


def chart(number: int, town: str, title: str) -> go.Figure:
    """One of the six charts."""
    lines, length, kind = KINDS[number]
    make = go.Scatter if kind == "line" else go.Bar
    x = list(range(length))
    traces = [make(x=x, y=walk((number, line, town), length), name=str(line)) for line in range(lines)]
    look = {"title": title, "template": "plotly_dark", "height": 280, "margin": {"t": 40, "b": 30}}
    return go.Figure(traces, layout=look)


def figure(number: int, town: str, name: str) -> list[Any]:
    """One of the eight figures with its label."""
    value = walk(("figure", number, town), 3)[-1]
    return [html.Div(f"{name} 指标 {number + 1}", className="label"), html.H2(f"{value:.1f}")]


def layer(features: list[dict[str, Any]], **more: Any) -> dl.GeoJSON:
    """A GeoJSON layer with the hideout that the filter changes."""
    data = {"type": "FeatureCollection", "features": features}
    return dl.GeoJSON(data=data, hideout={"town": "", "colors": COLORS}, **more)


def layout(towns: dict[str, str], whole: str) -> html.Div:
    """Figures, map and charts in a plain grid."""
    cells, _ = county()
    box = [cells[0]["geometry"]["coordinates"][0][0], cells[-1]["geometry"]["coordinates"][0][0]]
    middle = box[0] if isinstance(box[0][0], float) else box[0][0]
    ground = layer(cells, id="cells", style={"variable": "ref.cell"})
    marks = layer(points(cells), id="events", cluster=True, filter={"variable": "ref.point"})
    return html.Div([
        dcc.Dropdown([{"label": name, "value": code} for code, name in towns.items()], id="town", placeholder="乡镇"),
        html.Div([html.Div(figure(k, "", whole), id=f"figure-{k}") for k in range(FIGURES)],
                 style={"display": "grid", "gridTemplateColumns": "repeat(8,1fr)"}),
        html.Div([dl.Map([ground, marks], center=[middle[1], middle[0]], zoom=10, preferCanvas=True,
                         style={"height": "560px"}),
                  *[dcc.Graph(id=f"chart-{k}", figure=chart(k, "", f"{whole} 图 {k + 1}")) for k in range(CHARTS)]],
                 style={"display": "grid", "gridTemplateColumns": "repeat(3,1fr)"})])


def make() -> Dash:
    """The app with its one callback."""
    _, towns = county()
    whole = "全县"
    # A folder that is not there: any other word, also "", is looked up in the working directory, where our scripts lie.
    app = Dash("reference", assets_folder=NO_ASSETS, index_string=PAGE, update_title="", enable_mcp=False,
               add_log_handler=False)
    app.layout = layout(towns, whole)
    outputs = [*[Output(f"figure-{k}", "children") for k in range(FIGURES)],
               *[Output(f"chart-{k}", "figure") for k in range(CHARTS)],
               Output("cells", "hideout"), Output("events", "hideout")]

    @app.callback(*outputs, Input("town", "value"), prevent_initial_call=True)
    def change(code: str | None) -> list[Any]:
        town = code or ""
        name, hide = towns.get(town, whole), {"town": town, "colors": COLORS}
        return [*[figure(k, town, name) for k in range(FIGURES)],
                *[chart(k, town, f"{name} 图 {k + 1}") for k in range(CHARTS)], hide, hide]

    return app


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), make().server, threaded=True).serve_forever()
