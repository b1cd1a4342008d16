"""A SageMaker endpoint as a model: OpenAI's chat completions, carried by AWS's own call."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from agent_runtime.adapters.langgraph.failures import agent_error
from agent_runtime.adapters.sagemaker import sagemaker_model
from agent_runtime.demo import agents
from agent_runtime.demo.thinking import said_by


class Refused(Exception):
    """An error as AWS's client raises it, with AWS's answer."""

    def __init__(self, **answer: Any) -> None:
        super().__init__("An error occurred when calling the InvokeEndpoint operation")
        self.response = answer


class Runtime:
    """Stands for AWS's client, whose package is not installed here: answers in turn, keeping what it was given."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.given: list[dict[str, Any]] = []

    def invoke_endpoint(self, **given: Any) -> dict[str, Any]:
        self.given.append(given)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        choice = {"index": 0, "message": {"role": "assistant", **answer}, "finish_reason": "stop"}
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        return {"Body": io.BytesIO(json.dumps(body).encode())}


async def test_an_endpoint_is_asked_as_any_model(tmp_path: Path) -> None:
    """Tools, calls and results go both ways; the endpoint is the one that was named."""
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "a.txt").write_text("buy milk")
    call = {"id": "x", "type": "function", "function": {"name": "read_file", "arguments": '{"path": "a.txt"}'}}
    runtime = Runtime({"content": "To see.", "tool_calls": [call]}, {"content": "Milk."})
    model = sagemaker_model("my-endpoint", timeout=5, runtime=runtime)
    out = await agents(tmp_path, model)["ops"].graph.ainvoke({"input": "What is in a.txt?"})
    assert out["result"] == "Milk."
    assert {given["EndpointName"] for given in runtime.given} == {"my-endpoint"}
    first, second = (json.loads(given["Body"]) for given in runtime.given)
    assert "read_file" in [tool["function"]["name"] for tool in first["tools"]]
    assert second["messages"][-1]["content"] == "buy milk"


@pytest.mark.parametrize(
    ("error", "retryable", "words"),
    [
        (Refused(ResponseMetadata={"HTTPStatusCode": 429}), True, "takes no more requests for now (HTTP 429)"),
        (Refused(ResponseMetadata={"HTTPStatusCode": 403}), False, "does not let this key use it (HTTP 403)"),
        (Refused(OriginalStatusCode=400, OriginalMessage="no tools here"), False, "(HTTP 400): no tools here"),
        (Refused(OriginalStatusCode=503, OriginalMessage="loading"), True, "(HTTP 503): loading"),
        (OSError("no route"), True, "could not be reached"),
    ],
)
async def test_what_an_endpoint_fails_with_is_told_as_of_any_provider(
    error: Exception, retryable: bool, words: str
) -> None:
    """AWS's refusals and the model's own inside them mean what they mean over HTTP."""
    model = sagemaker_model("my-endpoint", timeout=5, runtime=Runtime(error))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which kind it is, is what is looked at
        await said_by(model, [HumanMessage("Hello")])
    told = agent_error(caught.value)
    assert told.retryable is retryable
    assert words in told.reason


def test_an_error_that_carries_awss_status_may_pass_by_it() -> None:
    """Bedrock's integration raises AWS's errors as they are: a throttled one is tried again, a forbidden one is not."""
    assert agent_error(Refused(ResponseMetadata={"HTTPStatusCode": 429})).retryable
    assert not agent_error(Refused(ResponseMetadata={"HTTPStatusCode": 403})).retryable
    assert not agent_error(ValueError("no")).retryable
