"""The connection: nothing is sent twice behind our back, and every failure is one of four."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import slack_client
from bot.slack_client import (
    Ambiguous,
    RateLimited,
    SlackClients,
    SlackFailure,
    SlackRefused,
    Unsent,
    answer,
    open_clients,
)
from bot.workspace import Workspace


@pytest.fixture
async def clients(ws: Workspace):
    async with open_clients(ws.api_url, ws.bot_token) as opened:
        yield opened


async def post(client: AsyncWebClient, channel: str = "C0GENERAL01") -> object:
    return await answer(client.chat_postMessage(channel=channel, text="hello"))


async def test_a_lost_answer_does_not_post_twice(ws: Workspace, clients: SlackClients) -> None:
    """A connection that breaks after the post is told as ambiguous, and the post is not sent again."""
    ws.fail("chat.postMessage", drop="after", times=None)
    with pytest.raises(Ambiguous):
        await post(clients.web)
    assert len(ws.calls_to("chat.postMessage")) == 1


async def test_a_post_that_takes_too_long_is_ambiguous_and_sent_once(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit holds although the session is our own, and a post out of time is not sent again."""
    monkeypatch.setattr(slack_client, "CALL_TIME", timedelta(seconds=1))
    fault = ws.fail("chat.postMessage", hang="after")
    async with open_clients(ws.api_url, ws.bot_token) as clients:
        with pytest.raises(Ambiguous):
            await post(clients.web)
    fault.release()
    assert len(ws.calls_to("chat.postMessage")) == 1


async def test_a_read_is_repeated_after_a_lost_connection(ws: Workspace, clients: SlackClients) -> None:
    """One broken connection is nobody's trouble where asking again is harmless."""
    ws.fail("users.info", drop="before")
    said = await answer(clients.reads.users_info(user=ws.person("ana").id))
    assert said["user"]["name"] == "ana"
    assert len(ws.calls_to("users.info")) == 2


async def test_a_refusal_carries_slacks_code(ws: Workspace, clients: SlackClients) -> None:
    """What Slack says no to did not happen, and says why."""
    with pytest.raises(SlackRefused) as refused:
        await post(clients.web, "C0NOSUCHONE")
    assert refused.value.code == "channel_not_found"


async def test_a_missing_scope_is_named(ws: Workspace, clients: SlackClients) -> None:
    """The operator is told which scope is missing."""
    ws.world.app.scopes.remove("users:read")
    with pytest.raises(SlackRefused, match="needs users:read"):
        await answer(clients.reads.users_info(user="U1"))


async def test_a_rate_limit_says_how_long(ws: Workspace, clients: SlackClients) -> None:
    """A 429 is not repeated by the client and carries its Retry-After."""
    ws.fail("chat.postMessage", status=429, retry_after=17)
    with pytest.raises(RateLimited) as limited:
        await post(clients.web)
    assert limited.value.retry_after == timedelta(seconds=17)
    assert len(ws.calls_to("chat.postMessage")) == 1


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 503}, {"error": "internal_error"}, {"error": "fatal_error"}]
)
async def test_a_server_that_fails_leaves_open_what_happened(ws: Workspace, clients: SlackClients, fault) -> None:
    """Server errors, and Slack's two codes for partial success, are ambiguous and sent once."""
    ws.fail("chat.postMessage", when="after", **fault)
    with pytest.raises(Ambiguous):
        await post(clients.web)
    assert len(ws.calls_to("chat.postMessage")) == 1


async def test_an_unreachable_slack_is_known_to_have_done_nothing(ws: Workspace) -> None:
    """Where no connection is made, nothing can have happened."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        port = closed.getsockname()[1]
        async with open_clients(f"http://127.0.0.1:{port}/api/", "xoxb-1") as clients:
            with pytest.raises(Unsent):
                await post(clients.web)


async def test_an_invalid_token_is_a_refusal(ws: Workspace) -> None:
    """A token that Slack does not take is told at once."""
    async with open_clients(ws.api_url, "xoxb-wrong") as clients:
        with pytest.raises(SlackFailure, match="invalid_auth"):
            await clients.identify()


async def test_whose_token_it_is(ws: Workspace, clients: SlackClients) -> None:
    """The identity names team, user and bot of the app."""
    identity = await clients.identify()
    app = ws.world.app
    assert (identity.team_id, identity.user_id, identity.bot_id) == (app.team_id, app.bot_user, app.bot_id)


async def test_no_proxy_stands_between_us_and_this_machine(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is not asked for a workspace on this machine, nor by the copies that Bolt makes."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with open_clients(ws.api_url, ws.bot_token) as clients:
        await clients.identify()
        copy = AsyncWebClient(token=clients.token, base_url=clients.web.base_url, session=clients.web.session)
        assert copy.proxy
        await answer(copy.auth_test())
