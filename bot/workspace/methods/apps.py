"""apps.*: the right to open a connection in Socket Mode."""

from __future__ import annotations

from bot.workspace.errors import ApiError
from bot.workspace.methods.registry import Call, method
from bot.workspace.shapes import Json


@method("apps.connections.open", caller="app")
def apps_connections_open(call: Call) -> Json:
    """An address that opens one connection."""
    app = call.world.app
    if "connections:write" not in app.app_scopes:
        raise ApiError("missing_scope", needed="connections:write", provided=",".join(sorted(app.app_scopes)))
    if not app.socket_mode:
        raise ApiError("link_disabled")
    return {"url": call.world.socket_url()}
