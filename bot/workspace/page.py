"""Serves the page that looks and works like Slack: files that are part of this package, to this machine only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from bot.workspace.loopback import SAFE_HEADERS, only_from_here

FILES = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    # What people and agents wrote is drawn as text nodes; a browser that knows this rule refuses anything else.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
HEADERS = SAFE_HEADERS | {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def add_routes(app: web.Application) -> None:
    """Mount the page at `/` and each of its files under `/page/`. A route per file: no path is ever put together from
    what a request says."""
    app.router.add_get("/", _handler(FILES / "index.html"))
    for path in sorted(FILES.rglob("*")):
        if path.suffix in KINDS:
            app.router.add_get(f"/page/{path.relative_to(FILES).as_posix()}", _handler(path))


def _handler(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    headers = HEADERS | {"Content-Type": f"{KINDS[path.suffix]}; charset=utf-8"}

    async def handle(request: web.Request) -> web.StreamResponse:
        only_from_here(request)
        return web.FileResponse(path, headers=headers)

    return handle
