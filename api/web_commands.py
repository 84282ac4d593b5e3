"""`./yiping web`: the web process."""

from __future__ import annotations

import argparse
from typing import Any

import uvicorn

from api.web_app import application
from data import embedded_redis, statefolder
from data.settings import Settings


def commands(add: Any) -> None:
    """Registers `web`."""
    parser = add.add_parser("web", help="网页与接口进程 (8050 端口)")
    parser.set_defaults(run=web)


def web(settings: Settings, args: argparse.Namespace) -> int:
    """Serves until told to stop."""
    statefolder.prepare(settings, 0)
    embedded_redis.ensure(settings)
    app = application(settings, args.dash)
    config = uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning",
                            timeout_graceful_shutdown=2, timeout_keep_alive=75, backlog=512,
                            server_header=False)
    uvicorn.Server(config).run()
    return 0
