"""The workspace fails on demand, in the ways that Slack does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.clock import MovableClock
from bot.workspace import Workspace


async def test_a_rate_limited_call_says_when_to_return(ws: Workspace, client: AsyncWebClient) -> None:
    """429 comes with Retry-After, nothing is posted, and the next call goes through."""
    ws.fail("chat.postMessage", status=429, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="#approvals", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert caught.value.response["error"] == "ratelimited"
    assert ws.channel("#approvals").messages == []
    await client.chat_postMessage(channel="#approvals", text="x")


@pytest.mark.parametrize(("when", "posted"), [("before", 0), ("after", 1)])
async def test_a_dropped_connection_hides_whether_it_worked(
    ws: Workspace, client: AsyncWebClient, when: str, posted: int
) -> None:
    """The client sees the same lost connection whether the message was posted or not."""
    ws.fail("chat.postMessage", drop=when)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel="#approvals", text="x")
    assert len(ws.channel("#approvals").messages) == posted
    [call] = ws.calls_to("chat.postMessage")
    assert call.committed is bool(posted)


@pytest.mark.parametrize(("when", "posted"), [("before", 0), ("after", 1)])
async def test_a_hanging_call_times_out(ws: Workspace, client: AsyncWebClient, when: str, posted: int) -> None:
    """A call that hangs before or after its effect runs into the time limit of whoever makes it."""
    fault = ws.fail("chat.postMessage", hang=when)
    call = asyncio.ensure_future(client.chat_postMessage(channel="#approvals", text="x"))
    await fault.reached()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call, 0.05)
    assert len(ws.channel("#approvals").messages) == posted


async def test_a_hanging_call_goes_on_when_released(ws: Workspace, client: AsyncWebClient) -> None:
    """A slow call ends as if nothing had been wrong."""
    fault = ws.fail("chat.postMessage", hang="before")
    call = asyncio.ensure_future(client.chat_postMessage(channel="#approvals", text="x"))
    await fault.reached()
    assert ws.channel("#approvals").messages == []
    fault.release()
    assert (await call)["ok"]


async def test_an_error_after_the_effect_is_ambiguous(ws: Workspace, client: AsyncWebClient) -> None:
    """internal_error may come although the message stands."""
    ws.fail("chat.postMessage", error="internal_error", when="after")
    with pytest.raises(SlackApiError, match="internal_error"):
        await client.chat_postMessage(channel="#approvals", text="x")
    assert len(ws.channel("#approvals").messages) == 1


async def test_an_outage_answers_with_no_json(ws: Workspace, client: AsyncWebClient) -> None:
    """A 503 carries a web page, until it is healed."""
    ws.fail("*", status=503, times=None)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await client.auth_test()
        assert caught.value.response.status_code == 503
    ws.heal()
    await client.auth_test()


async def test_a_fault_can_be_for_one_channel(ws: Workspace, client: AsyncWebClient) -> None:
    """Other channels work meanwhile."""
    ws.fail("chat.update", error="edit_window_closed", channel="#alerts", times=None)
    fine = await client.chat_postMessage(channel=ws.channel("#approvals").id, text="x")
    await client.chat_update(channel=fine["channel"], ts=fine["ts"], text="y")
    stuck = await client.chat_postMessage(channel=ws.channel("#alerts").id, text="x")
    with pytest.raises(SlackApiError, match="edit_window_closed"):
        await client.chat_update(channel=stuck["channel"], ts=stuck["ts"], text="y")


async def test_a_rate_limit_counts_on_the_workspaces_clock(
    ws: Workspace, client: AsyncWebClient, clock: MovableClock
) -> None:
    """Beyond the limit calls get 429 until the window has passed."""
    ws.limit("chat.postMessage", 1, timedelta(seconds=1), by_channel=True)
    await client.chat_postMessage(channel="#approvals", text="1")
    await client.chat_postMessage(channel="#alerts", text="another channel")
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel="#approvals", text="2")
    clock.advance(timedelta(seconds=1))
    await client.chat_postMessage(channel="#approvals", text="2")


async def test_waiting_ends_with_the_change_or_says_what_there_was(ws: Workspace, client: AsyncWebClient) -> None:
    """appears returns as soon as the text stands there, and names what stands there when time is up."""
    waiting = asyncio.ensure_future(ws.appears("#approvals", "hello"))
    await client.chat_postMessage(channel="#approvals", text="hello there")
    assert (await waiting).plain() == "hello there"
    with pytest.raises(TimeoutError, match="hello there"):
        await ws.appears("#approvals", "goodbye", timeout=0.01)
