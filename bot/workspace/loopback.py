"""Who may talk to the workspace's page and control API: a browser or program on this machine, and no page of another
site in that browser.

Whoever listens on loopback is within reach of every web page that the same person opens. A page elsewhere can send
requests here, and by pointing its own name at 127.0.0.1 (DNS rebinding) it could even read the answers. So the peer
and the Host must be loopback, a browser must say that the request comes from our own page, and changes are JSON, which
a foreign page cannot send without asking first.
"""

from __future__ import annotations

import ipaddress

from aiohttp import web

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer: nothing is sniffed, kept, or readable by other sites."""


def only_from_here(request: web.Request) -> None:
    """Refuse with 403 what does not come from this machine, or comes from another site's page."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not is_loopback(peer[0] if peer else None) or not is_loopback(request.url.host):
        raise web.HTTPForbidden(text="this workspace is for this machine only")
    # An address typed into the browser is `none`; programs such as curl do not send the header.
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise web.HTTPForbidden(text="this workspace is for its own page only")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        raise web.HTTPForbidden(text="this workspace is for its own page only")


def only_json(request: web.Request) -> None:
    """Refuse with 415 what is not JSON: forms of other sites could send anything else."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send JSON")


def is_loopback(host: str | None) -> bool:
    """Whether a peer's address or a Host header's name is this machine."""
    if host is None or host == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
