"""The way in where Slack cannot reach this machine: whether it opens connections to this app."""

from __future__ import annotations

from bot.checks.finding import Finding, fault, ok
from bot.checks.refusals import found_failure
from bot.slack_client import SlackClients, SlackFailure
from bot.socket_ticket import SocketRefused, open_ticket


async def check_app_token(clients: SlackClients, app_token: str) -> tuple[Finding, ...]:
    """Ask for a connection, and leave it unused."""
    try:
        await open_ticket(clients, app_token)
    except SocketRefused as refused:
        return (fault(refused.problem, refused.mend),)
    except SlackFailure as failure:
        return (found_failure(failure, address=clients.web.base_url),)
    return (ok("Slack opens connections to this app; none of its deliveries come over HTTP"),)
