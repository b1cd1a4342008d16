"""A SageMaker endpoint as a chat model. The containers that serve models there speak OpenAI's chat completions; AWS
carries them in a call of its own, signed with AWS's credentials. So OpenAI's client does the talking, and its requests
go out through that call."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

ADDRESS = "https://sagemaker.invalid/v1"
"""OpenAI's client wants an address; no name is ever looked up for it."""


def sagemaker_model(endpoint: str, *, timeout: float, runtime: Any = None) -> BaseChatModel:
    """The model behind an endpoint. `runtime` is AWS's client; made from AWS's own settings (AWS_REGION, profiles,
    roles) where none is given. AWS's client does the trying again."""
    from langchain_openai import ChatOpenAI

    http = httpx2.AsyncClient(transport=EndpointTransport(runtime or _runtime(timeout), endpoint), trust_env=False)
    return ChatOpenAI(
        model=endpoint, api_key=SecretStr("none"), base_url=ADDRESS, http_async_client=http,
        timeout=timeout, max_retries=0, use_responses_api=False,
    )  # fmt: skip


class EndpointTransport(httpx2.AsyncBaseTransport):
    """Carries HTTP requests as invocations of an endpoint, each in a thread, because AWS's client blocks."""

    def __init__(self, runtime: Any, endpoint: str) -> None:
        self._runtime = runtime
        self._endpoint = endpoint

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        try:
            status, answer = 200, await asyncio.to_thread(self._invoke, body)
        except Exception as error:  # AWS's errors: those that AWS answered with have the answer on them
            told = getattr(error, "response", None)
            if not isinstance(told, dict):
                raise httpx2.ConnectError(str(error), request=request) from error
            status, answer = _refusal(told, str(error))
        return httpx2.Response(status, content=answer, headers={"Content-Type": "application/json"}, request=request)

    def _invoke(self, body: bytes) -> bytes:
        form = "application/json"
        answer = self._runtime.invoke_endpoint(EndpointName=self._endpoint, Body=body, ContentType=form, Accept=form)
        content: bytes = answer["Body"].read()
        return content


def _refusal(told: dict[str, Any], otherwise: str) -> tuple[int, bytes]:
    """AWS's refusal as the HTTP status and body that say the same; a model's own is inside AWS's."""
    status = int(told.get("OriginalStatusCode") or told.get("ResponseMetadata", {}).get("HTTPStatusCode") or 500)
    words = str(told.get("OriginalMessage") or otherwise)
    return status, json.dumps({"error": {"message": words}}).encode()


def _runtime(timeout: float) -> Any:
    import boto3
    from botocore.config import Config

    limits = Config(read_timeout=timeout, retries={"total_max_attempts": 3, "mode": "standard"})
    return boto3.client("sagemaker-runtime", config=limits)
