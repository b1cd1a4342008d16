"""The right to open a connection in Socket Mode: one call with the app-level token, and what its refusals mean."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.settings import is_loopback
from bot.slack_client import Ambiguous, SlackClients, SlackFailure, SlackRefused, answer

_COPY = "Copy an app-level token (xapp-...) from the app's page Basic Information into SLACK_APP_TOKEN"
_MAKE = "Make an app-level token with the scope connections:write on the app's page Basic Information, and copy it into"

_CODES = {
    "invalid_auth": ("Slack does not know the token in SLACK_APP_TOKEN", _COPY),
    "not_authed": ("Slack was given no app-level token", _COPY),
    "not_allowed_token_type": ("SLACK_APP_TOKEN holds a token that is not an app's", _COPY),
    "token_revoked": ("The token in SLACK_APP_TOKEN was revoked", f"{_MAKE} SLACK_APP_TOKEN"),
    "token_expired": ("The token in SLACK_APP_TOKEN has expired", f"{_MAKE} SLACK_APP_TOKEN"),
    "missing_scope": ("The token in SLACK_APP_TOKEN lacks the scope connections:write", f"{_MAKE} SLACK_APP_TOKEN"),
    "account_inactive": ("The app was removed from the workspace", "Install the app in the workspace again"),
    "link_disabled": (
        "Socket Mode is off for this app",
        "Turn it on on the app's page Socket Mode, or unset SLACK_APP_TOKEN and set SLACK_SIGNING_SECRET for HTTP",
    ),
    "forbidden_team": ("The workspace's administrators do not let the app in", "Ask them to approve it"),
}


class SocketRefused(SlackFailure):
    """Slack opens no connection to this app, and will not until somebody mends something."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.problem, self.mend = _CODES.get(
            code, (f"Slack refuses a connection: {code}", "Look the code up in Slack's documentation")
        )
        super().__init__(self.problem)


async def open_ticket(clients: SlackClients, app_token: str) -> str:
    """The address of one connection, to be used at once. Raises `SocketRefused`, or another `SlackFailure` for what may
    pass by itself."""
    try:
        said = await answer(clients.web.apps_connections_open(app_token=app_token))
    except SlackRefused as refused:
        raise SocketRefused(refused.code) from refused
    url = str(said.get("url") or "")
    parts = urlsplit(url)
    if parts.scheme != "wss" and not (parts.scheme == "ws" and is_loopback(parts.hostname or "")):
        raise Ambiguous("Slack's answer has no address that is safe to connect to")
    return url
