"""What an agent failed with, in words for people, and whether trying the same again may help.

Most of LangChain's integrations raise kinds of `ModelError`, whoever the provider is; everything else is told as it
came, and its HTTP status, if it carries one, says whether it may pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from agent_runtime.errors import AgentError

LONGEST_WORDS = 300

_SENTENCES: tuple[tuple[type[ModelError], str], ...] = (
    (ModelAuthenticationError, "its provider does not accept the key"),
    (ModelPermissionDeniedError, "its provider does not let this key use it"),
    (ModelNotFoundError, "its provider does not know it"),
    (ModelRateLimitError, "its provider takes no more requests for now"),
    (ModelTimeoutError, "it did not answer in time"),
    (ModelConnectionError, "its provider could not be reached"),
    (ContextOverflowError, "the conversation became too long for it"),
)

_SECRETIVE = (ModelAuthenticationError, ModelPermissionDeniedError)
"""Refusals whose own words may repeat the key."""


def agent_error(error: Exception) -> AgentError:
    """The one error that an advance failed with."""
    if isinstance(error, ModelError):
        return AgentError(f"the model failed: {_said(error)}", retryable=error.is_retryable)
    retryable = isinstance(error, ConnectionError | TimeoutError) or _may_pass(_status(error))
    return AgentError(f"{type(error).__name__}: {error}", retryable=retryable)


def _said(error: ModelError) -> str:
    sentence = next((words for kind, words in _SENTENCES if isinstance(error, kind)), "its provider refused")
    status = _status(error)
    numbered = f"{sentence} (HTTP {status})" if status else sentence
    if isinstance(error, _SECRETIVE):
        return numbered
    words = " ".join(_words(error).split())[:LONGEST_WORDS]
    return f"{numbered}: {words}" if words else numbered


def _status(error: Exception) -> int:
    """The HTTP status that an error carries, as most clients or as AWS's have it; 0 for none."""
    status = getattr(error, "status_code", None)
    if status is None and isinstance(response := getattr(error, "response", None), Mapping):
        about = response.get("ResponseMetadata")
        status = about.get("HTTPStatusCode") if isinstance(about, Mapping) else None
    return status if isinstance(status, int) else 0


def _may_pass(status: int) -> bool:
    return status in (408, 409, 425, 429) or status >= 500


def _words(error: ModelError) -> str:
    """The provider's own sentence: clients keep the answer's body, where it stands alone."""
    body = getattr(error, "body", None)
    told = body.get("error", body) if isinstance(body, Mapping) else None
    message = told.get("message") if isinstance(told, Mapping) else None
    return message if isinstance(message, str) else str(error)
