"""The Dash app: frame, wiring, first paint, headers. One call makes one app; nothing is global."""

from __future__ import annotations

import json
import logging
from typing import Any

import dash
from flask import abort, request
from markupsafe import Markup, escape

from callbacks import enlarge, view
from callbacks.bundles import Bundles
from callbacks.own_files import ASSETS, OwnFiles, boot_script
from callbacks.security import UnreadableAddress, secure
from callbacks.services import Services
from data.errors import NotFound, WrongInput, YipingError
from layouts import shell
from layouts.symbols import tab_icon

_log = logging.getLogger(__name__)
_PAGE = """<!DOCTYPE html>
<html lang="zh-CN" data-ready="false" data-theme="{theme}" data-tz="{timezone}"{style}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>{favicon}{links}</head>
<body class="{body}">{signs}{paint}
<div id="entry">{app_entry}</div>{watermark}
<script type="application/json" id="first-view">{first}</script>
<footer class="boot">{config}{later}{renderer}</footer></body></html>"""


class PageApp(dash.Dash):
    """Dash whose page already holds the first view, so that figures are read before any script runs."""

    services: Services
    bundles: Bundles
    own_files: OwnFiles

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """The page: frame with regions beside Dash's entry point, the same view as JSON without its regions.

        Dash clears its entry point when it starts ("Loading…"), so the first paint stands beside it; `Fragment` moves
        each region's nodes over when Dash has mounted, in one frame (assets/own.js).
        """
        first = read_first(self.services, request.path, request.args.to_dict())
        place, regions = self.services.place, first.pop("regions", {})
        wall = request.args.get("surface") == "wall" and self.services.wall_root_px > 0
        return _PAGE.format(
            theme=theme_of(first), timezone=escape(place.timezone),
            style=f' style="font-size:{self.services.wall_root_px:g}px"' if wall else "",
            title=escape(page_title(str(first.get("title", "")), self.services)), favicon=tab_icon(),
            links=self.own_files.links(parts["scripts"]), body=escape(str(first.get("body", "is-plain"))),
            signs=shell.page_signs(),
            paint=shell.first_paint(place, regions),
            app_entry=parts["app_entry"].replace("Loading...", ""),
            watermark=shell.watermark(bool(first.get("demo", self.services.demo))), first=script_json(first),
            config=parts["config"], later=self.own_files.later(parts["scripts"]), renderer=parts["renderer"])


def make_dash(services: Services) -> PageApp:
    """A Dash app over the services; mount `app.server` (WSGI), call `app.bundles.warm()` before accepting viewers."""
    app = PageApp("yiping", assets_folder=str(ASSETS), assets_ignore=".*", serve_locally=True, update_title="",
                  title="", enable_mcp=False, add_log_handler=False, use_pages=False, pages_folder="",
                  suppress_callback_exceptions=False)
    app.services = services
    app.renderer = boot_script()
    app.own_files = OwnFiles(app.server)
    app.enable_dev_tools(debug=False)
    app.layout = shell.shell(services.place)
    view.register(app)
    enlarge.register(app, services)
    app.bundles = Bundles(app.server)
    secure(app.server, app.csp_hashes(), services.pictures)
    return app


def read_first(services: Services, path: str, query: dict[str, str]) -> dict[str, Any]:
    """The first view; 404 for an unknown page; a frame with one sentence when the view cannot be read now."""
    try:
        return dict(services.first_view(path, query))
    except NotFound as error:
        abort(404, description=str(error))
    except WrongInput as error:
        raise UnreadableAddress(str(error)) from error
    except YipingError as error:
        message = str(error)
    except Exception:  # noqa: BLE001 - the frame stands whatever a screen does; the page asks again by itself
        _log.exception("first view of %s failed", path)
        message = "页面数据暂时无法读取，正在自动重试。"
    return {"failed": True, "regions": shell.error_regions(message)}


def theme_of(first: dict[str, Any]) -> str:
    """The address's theme before the view's own."""
    asked = request.args.get("theme") or first.get("theme")
    return "light" if asked == "light" else "dark"


def page_title(title: str, services: Services) -> str:
    """Words of the browser's tab."""
    return "·".join(filter(None, (title, f"{services.place.name}{services.place.brand}")))


def script_json(value: object) -> Markup:
    """JSON that cannot leave its script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704
