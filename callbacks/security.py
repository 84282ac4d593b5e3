"""Headers of every answer of the Dash app, and what a malformed callback request gets."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import BadRequest, HTTPException

from layouts import shell

MOST_BYTES = 2 * 1024 * 1024
NOT_FOUND = 404
CALLBACK_PATH = "/_dash-update-component"
_log = logging.getLogger(__name__)


def policy(script_hashes: Sequence[str], pictures: Sequence[str] = ()) -> str:
    """The content security policy: own files, the renderer's one inline script, nothing evaluated.

    `pictures`: origins of the map's tiles, exactly those that the pack names; nothing but pictures comes from there.
    """
    scripts, images = " ".join(("'self'", *script_hashes)), " ".join(("'self' data: blob:", *pictures))
    return ("default-src 'self'; "
            f"script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src {images}; connect-src 'self'; "
            "font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")


class UnreadableAddress(BadRequest):
    """A page's address that names what does not exist; `description` is a sentence for the reader."""


def secure(server: Flask, script_hashes: Sequence[str], pictures: Sequence[str] = ()) -> None:
    """Put the headers on every answer, limit bodies, and answer malformed callback requests plainly."""
    headers = {"Content-Security-Policy": policy(script_hashes, pictures), "X-Content-Type-Options": "nosniff",
               "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
               "Permissions-Policy": "camera=(), microphone=(), geolocation=()"}
    server.config["MAX_CONTENT_LENGTH"] = MOST_BYTES

    @server.after_request
    def _headers(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if response.mimetype == "application/json":
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @server.errorhandler(Exception)
    def _plain(error: Exception) -> HTTPException | Response | tuple[Response, int]:
        if isinstance(error, UnreadableAddress):
            return Response(shell.lost_page("这个地址读不懂", str(error.description)), error.code, mimetype="text/html")
        if isinstance(error, HTTPException) and error.code == NOT_FOUND:
            return Response(shell.lost_page(), NOT_FOUND, mimetype="text/html")
        if isinstance(error, HTTPException):
            return error
        malformed = request.path.endswith(CALLBACK_PATH)
        _log.error("%s %s: %s", request.method, request.path, type(error).__name__, exc_info=error)
        status = 400 if malformed else 500
        title = "请求无法识别" if malformed else "页面出错，已记录"
        return jsonify({"type": "about:blank", "title": title, "status": status}), status
