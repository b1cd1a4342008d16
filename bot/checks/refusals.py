"""Slack's error codes as words: what they mean for whoever set the app up, and what to do."""

from __future__ import annotations

from agent_runtime.errors import SignoffError
from bot.checks.finding import Finding, fault, trouble
from bot.slack_client import Ambiguous, SlackRefused, Unsent

_COPY = "Copy the Bot User OAuth Token (xoxb-...) from the app's page OAuth & Permissions into SLACK_BOT_TOKEN"
_INSTALL = "Install the app in the workspace again, and copy its new token into SLACK_BOT_TOKEN"
_WAIT = "Try again in a minute"

_CODES = {
    "invalid_auth": ("Slack does not know the token in SLACK_BOT_TOKEN", _COPY),
    "not_authed": ("Slack was given no token", _COPY),
    "not_allowed_token_type": ("SLACK_BOT_TOKEN holds a token that is not a bot's", _COPY),
    "token_revoked": ("The token in SLACK_BOT_TOKEN was revoked", _INSTALL),
    "token_expired": ("The token in SLACK_BOT_TOKEN has expired", f"{_INSTALL}; leave token rotation off"),
    "account_inactive": ("The app was removed from the workspace", _INSTALL),
    "org_login_required": ("The workspace is being moved into an organisation", "Try again when the move is over"),
    "access_denied": ("The workspace's administrators do not let the app in", "Ask them to approve it"),
    "team_access_not_granted": ("The app is not approved for this workspace", "Ask an administrator to approve it"),
}


def explain_failure(failure: SignoffError, address: str = "Slack") -> tuple[str, str]:
    """What a failed call to Slack means, and the mend. `address` is where Slack was looked for."""
    if isinstance(failure, Unsent | Ambiguous):
        return str(failure), f"{_WAIT}; is there a way from this machine to {address}?"
    if not isinstance(failure, SlackRefused):
        return str(failure), _WAIT
    if failure.code == "missing_scope":
        needed = failure.needed or "of the manifest"
        return f"The token lacks the scope {needed}", "Add it on the app's page, and install the app again"
    return _CODES.get(failure.code, (str(failure), "Look the code up in Slack's documentation"))


def found_failure(failure: SignoffError, doing: str = "", address: str = "Slack") -> Finding:
    """A failed call as a finding: a refusal stays until somebody mends it, all else may pass. `doing` says what for,
    `address` where Slack was looked for."""
    what, mend = explain_failure(failure, address)
    make = fault if isinstance(failure, SlackRefused) else trouble
    return make(f"{doing}: {what}" if doing else what, mend)
