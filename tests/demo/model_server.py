"""A server on this machine that speaks OpenAI's chat completions over HTTP, as a provider would: what it answers is
scripted, and every request is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

from aiohttp import web

from agent_runtime.adapters.chat_model import build_chat_model
from agent_runtime.demo import DemoAgent, agents
from agent_runtime.model_choice import ModelChoice, ModelName
from tests.patience import PATIENCE

KEY = "sk-of-the-tests"
Answer = Callable[[], "web.Response | asyncio.Future[web.Response]"]


def says(text: str) -> Answer:
    """A message without a call."""
    return lambda: _completion({"role": "assistant", "content": text})


def calls(*wanted: tuple[str, Any], text: str = "Because it was asked for.", ids: Sequence[str] = ()) -> Answer:
    """A message with tool calls; arguments that are a text are sent as they are, JSON or not."""
    made = [
        {
            "id": ids[number] if ids else f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
        }
        for number, (name, args) in enumerate(wanted)
    ]
    return lambda: _completion({"role": "assistant", "content": text, "tool_calls": made})


def refuses(status: int, message: str = "no", **headers: str) -> Answer:
    """An error of the provider's."""
    body = {"error": {"message": message, "type": "error", "code": None}}
    return lambda: web.json_response(body, status=status, headers=headers)


def sends(body: str) -> Answer:
    """Something else than a completion."""
    return lambda: web.Response(text=body, content_type="application/json")


def hangs() -> Answer:
    """No answer at all."""
    return lambda: asyncio.get_running_loop().create_future()


def _completion(message: dict[str, Any]) -> web.Response:
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    # Every answer has the same id: nothing may depend on it.
    return web.json_response(
        {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
         "usage": usage}
    )  # fmt: skip


@dataclass
class ModelServer:
    """What was asked, and what is still to be answered. Where the script ends, the last answer is given again."""

    url: str
    script: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def choice(self) -> ModelChoice:
        return ModelChoice(ModelName("openai", "some-model"), api_key=KEY, base_url=self.url)

    def agents(self, folder: Path, *, timeout: float = PATIENCE) -> dict[str, DemoAgent]:
        """The demo agents on this model."""
        return agents(folder, build_chat_model(self.choice, timeout=timeout))

    def told(self) -> list[dict[str, Any]]:
        """The messages of the last request."""
        messages: list[dict[str, Any]] = self.asked[-1]["messages"]
        return messages

    def results(self) -> list[str]:
        """What the model was told in the last request about its calls of the message before, in their order."""
        last = takewhile(lambda message: message["role"] == "tool", reversed(self.told()))
        return [message["content"] for message in sorted(last, key=lambda message: str(message["tool_call_id"]))]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Authorization", ""))
        self.asked.append(await request.json())
        answer = (self.script.pop(0) if len(self.script) > 1 else self.script[0])()
        return answer if isinstance(answer, web.Response) else await answer


@asynccontextmanager
async def serve_model(*script: Answer) -> AsyncIterator[ModelServer]:
    """The server, with its script."""
    server = ModelServer("", list(script))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server._answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
