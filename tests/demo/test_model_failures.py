"""A model that fails: what the run says, whether it is tried again by itself, and that nothing is done twice by it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.messages import HumanMessage

from agent_runtime.adapters.chat_model import TRIES_AGAIN, build_chat_model
from agent_runtime.adapters.langgraph.failures import agent_error
from agent_runtime.demo.thinking import ModelUnreadable, said_by
from agent_runtime.errors import AgentError
from agent_runtime.runs import MOST_ATTEMPTS
from storage.types import RunStatus
from tests.demo.model_server import KEY, Answer, calls, hangs, refuses, says, sends, serve_model
from tests.demo.modelled import ended, house_with, press
from tests.scenarios.effects import mails
from tests.scenarios.house import House

MAIL = {"to": "team@example.com", "subject": "Meeting", "body": "We meet at ten."}
AT_ONCE = {"retry-after-ms": "1", "Retry-After": "0"}
"""What a provider says so that its client need not wait."""

PASSING: dict[str, tuple[Answer, str]] = {
    "too many requests": (
        refuses(429, "Slow down, 3 a minute", **AT_ONCE),
        "the model failed: its provider takes no more requests for now (HTTP 429): Slow down, 3 a minute",
    ),
    "a broken server": (refuses(500, "Oops", **AT_ONCE), "the model failed: its provider refused (HTTP 500): Oops"),
    "an overloaded server": (
        refuses(503, "Busy", **AT_ONCE),
        "the model failed: its provider refused (HTTP 503): Busy",
    ),
}
LASTING: dict[str, tuple[Answer, str]] = {
    "a bad key": (
        refuses(401, f"Incorrect API key provided: {KEY}"),
        "the model failed: its provider does not accept the key (HTTP 401)",
    ),
    "a key without the right": (
        refuses(403, f"{KEY} may not"),
        "the model failed: its provider does not let this key use it (HTTP 403)",
    ),
    "a model that is not there": (
        refuses(404, "The model `some-model` does not exist"),
        "its provider does not know it (HTTP 404): The model `some-model` does not exist",
    ),
    "a request that is refused": (refuses(400, "tools are not supported"), "(HTTP 400): tools are not supported"),
    "a conversation that is too long": (
        refuses(400, "context_length_exceeded"),
        "the conversation became too long for it (HTTP 400)",
    ),
    "no completion": (sends('{"object": "chat.completion"}'), "the model's server sent no message"),
    "no choice": (sends('{"object": "chat.completion", "choices": []}'), "the model's server sent no message"),
    "no JSON": (sends("<html>"), "the model's server sent no message"),
}


async def failure_of(answer: Answer) -> tuple[AgentError, int]:
    """What an agent would fail with where the model's server answers like this, and how often it was asked."""
    async with serve_model(answer) as server:
        with pytest.raises((ModelError, ModelUnreadable)) as caught:
            await said_by(build_chat_model(server.choice), [HumanMessage("Hello")])
        return agent_error(caught.value), len(server.asked)


async def wait_out(house: House) -> None:
    """Let every back-off pass."""
    for _ in range(MOST_ATTEMPTS):
        await house.advance(timedelta(minutes=2))


@pytest.mark.parametrize("name", PASSING)
async def test_what_may_pass_may_be_tried_again(name: str) -> None:
    """The client tries a few times by itself; after that the failure says what it was, and that it may pass."""
    answer, words = PASSING[name]
    error, asked = await failure_of(answer)
    assert error.retryable
    assert words in error.reason
    assert asked == TRIES_AGAIN + 1


@pytest.mark.parametrize("name", LASTING)
async def test_what_will_not_pass_is_asked_once(name: str) -> None:
    """The failure says what is wrong, and nothing of it repeats the key."""
    answer, words = LASTING[name]
    error, asked = await failure_of(answer)
    assert not error.retryable
    assert words in error.reason
    assert KEY not in error.reason
    assert asked == 1


async def test_a_run_goes_on_by_itself_when_the_model_answers_again(tmp_path: Path) -> None:
    """Nobody needs to press anything after too many requests."""
    busy, words = PASSING["too many requests"]
    async with house_with(tmp_path, *[busy] * (TRIES_AGAIN + 1), says("It works again.")) as (house, _):
        run = await house.start("ana", "approval", "Tell the team")
        waiting = await house.run(run.id)
        assert waiting.status is RunStatus.QUEUED
        assert words in waiting.error
        await wait_out(house)
        assert await ended(house, run) == "It works again."


async def test_a_failed_run_goes_on_where_it_stood_when_somebody_retries_it(tmp_path: Path) -> None:
    """After all attempts the run says what failed; after Retry the mail that went out is not sent again, and only the
    message that was never written is asked for."""
    down, words = PASSING["a broken server"]
    async with house_with(tmp_path, calls(("send_email", MAIL)), down) as (house, server):
        run = await house.start("ana", "approval", "Tell the team")
        await press(house, "maria", "Approve send_email?", "Approve")
        await wait_out(house)
        assert (await house.run(run.id)).status is RunStatus.FAILED
        assert words in house.root(run.id).plain()
        assert len(server.asked) == 1 + MOST_ATTEMPTS * (TRIES_AGAIN + 1)
        server.script[:] = [says("Done.")]
        await press(house, "ana", f"run {run.id}", "Retry")
        assert await ended(house, run) == "Done."
        assert len(mails(tmp_path)) == 1


async def test_a_bad_key_fails_the_run_at_once(tmp_path: Path) -> None:
    """The run's message names the key, does not show it, and offers Retry for when it was mended."""
    bad, words = LASTING["a bad key"]
    async with house_with(tmp_path, bad) as (house, server):
        run = await house.start("ana", "approval", "Tell the team")
        assert (await house.run(run.id)).status is RunStatus.FAILED
        root = house.root(run.id)
        assert words in root.plain()
        assert KEY not in root.plain()
        server.script[:] = [says("Hello.")]
        await press(house, "ana", f"run {run.id}", "Retry")
        assert await ended(house, run) == "Hello."


async def test_a_model_that_does_not_answer_in_time_is_tried_again(tmp_path: Path) -> None:
    """A hanging server neither holds the run for ever nor fails it at once."""
    async with house_with(tmp_path, *[hangs()] * (TRIES_AGAIN + 1), says("At last."), patience=0.3) as (house, _):
        run = await house.start("ana", "approval", "Tell the team")
        assert "it did not answer in time" in (await house.run(run.id)).error
        await wait_out(house)
        assert await ended(house, run) == "At last."


async def test_a_server_that_is_not_there_may_come_back() -> None:
    """Nobody listens: the provider could not be reached, which may pass."""
    async with serve_model(says("")) as server:
        model = build_chat_model(server.choice)
    with pytest.raises(ModelError) as caught:
        await said_by(model, [HumanMessage("Hello")])
    error = agent_error(caught.value)
    assert error.retryable
    assert error.reason.startswith("the model failed: its provider could not be reached")
